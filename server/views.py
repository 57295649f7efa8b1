"""What is told about a model: plain values that the transport writes into messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from statemachine import anew, timers
from statemachine.externals import ExternalSignal
from statemachine.health import ModelHealth
from statemachine.words import (
    ABORTING,
    AWAITING_APPROVAL,
    DEGRADED,
    HEALTHY,
    LEASED,
    PROMOTING,
    QUEUED,
    RETIRED,
    ROLLED_BACK,
    RUNG,
    SCOPING,
    SHADOW,
    SUSPECT,
    VALIDATING,
    Automation,
    Place,
)


def _unresolved(health: ModelHealth) -> str:
    return (
        "it counts as degraded, unconfirmed" if health.policy.tier <= 1 else "the model is held, and a person decides"
    )


def _unremedied(health: ModelHealth) -> str:
    if health.escalation < health.policy.escalation_levels:
        return "people are called"
    if health.policy.fallback == "previous_version" and health.rollback_target:
        return f"{health.rollback_target} serves, the fallback that the policy declares"
    return "the model is held, since there is no fallback"


#: Of each place: what is awaited, and what happens without it, which may be up to the policy.
AWAITED: dict[Place, tuple[str, str | Callable[[ModelHealth], str]]] = {
    HEALTHY: ("evidence against the champion", "without rows or labels the model becomes suspect"),
    SUSPECT: ("rows after the alarm that confirm or clear it", _unresolved),
    DEGRADED: ("a remedy, or evidence of recovery", _unremedied),
    SCOPING: ("the entrants of the bake-off", "the remedy is abandoned"),
    AWAITING_APPROVAL: ("a person's approval", "no answer is a refusal"),
    QUEUED: ("a worker", "the remedy is abandoned"),
    LEASED: ("the worker's result", "the remedy is abandoned"),
    VALIDATING: ("the verdict of the gates", "the remedy is abandoned"),
    SHADOW: ("labelled rows that the candidate scored in shadow", "the candidate is turned back"),
    RUNG: ("labelled rows at this exposure", "the candidate is turned back"),
    PROMOTING: ("labelled rows that hold the promotion", "the candidate is turned back"),
    ABORTING: ("a router's word that the champion serves", "the route expires and the champion serves by itself"),
    ROLLED_BACK: ("the cool-down", "the model is judged again"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What is awaited, until when, and what happens then."""

    awaited: str
    timer: str
    due_us: int
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """What speaks against the champion while an incident is open."""

    signal: str
    subject: str
    onset_row: int
    alarm_row: int
    cause: str
    features: tuple[str, ...]  #: of that cause


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """The state of a model as it is told."""

    model: str
    state: str
    phase: str
    automation: str
    reason: str
    champion: str
    candidate: str
    rollback_target: str
    remedy: str
    routing_generation: int
    exposure_bp: int
    entered_us: int
    version: int
    row: int
    wait: Wait | None
    job: str = ""  #: a worker's job that is open: a remedy's, or a challenger's
    position: int = 0
    silent: tuple[str, ...] = ()  #: signals of which no point comes
    concern: Concern | None = None
    requested_by: str = ""  #: who asked for the remedy

    @property
    def etag(self) -> str:
        """The mark of this version, for calls that must not act on an older one."""
        return etag_of(self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """A model as it was registered, and the policy in force."""

    name: str
    owner: str
    purpose: str
    schema: dict[str, Any]
    outcomes: str
    template: str
    champion: str
    label_delay_rows: int
    policy: dict[str, Any]
    policy_version: int
    reference_rows: int
    retired: bool
    create_time_us: int
    seed: int
    version: int
    signals: tuple[ExternalSignal, ...] = ()
    unwatched: tuple[str, ...] = ()  #: what the policy leaves out, and why

    @property
    def etag(self) -> str:
        """The mark of this version."""
        return etag_of(self.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteView:
    """What routers are asked to serve."""

    model: str
    generation: int
    champion: str
    candidate: str
    shadows: tuple[str, ...]
    exposure_bp: int
    salt: str
    ttl_seconds: int
    issued_us: int
    manifests: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job as a worker gets it."""

    job: str
    kind: str
    model: str
    attempt: int
    lease_deadline_us: int
    heartbeat_period_us: int
    spec: dict[str, Any]
    datasets: tuple[str, ...]


def etag_of(version: int) -> str:
    """Write the mark of a stream's version, quoted as HTTP does."""
    return f'"{version}"'


def declared_now(health: ModelHealth) -> tuple[ExternalSignal, ...]:
    """Give the signals that are declared, by name."""
    return tuple(one for one in health.signals.values() if not one.withdrawn)


def state_of(health: ModelHealth, *, row: int = 0, position: int = 0) -> StateView:
    """Tell *health*."""
    remedy = health.remediation
    return StateView(
        model=health.model,
        state=health.place.state,
        phase=health.place.phase,
        automation=health.automation,
        reason=health.reason,
        champion=health.champion,
        candidate=health.candidate,
        rollback_target=health.rollback_target,
        remedy=remedy.remedy if remedy else "",
        routing_generation=health.route.generation,
        exposure_bp=health.route.exposure_bp,
        entered_us=health.entered_us,
        version=health.version,
        row=row,
        wait=wait_of(health, row),
        job=_open_job(health),
        position=position,
        silent=health.silent,
        concern=_concern_of(health),
        requested_by=remedy.requested_by if remedy else "",
    )


def _concern_of(health: ModelHealth) -> Concern | None:
    alarm = health.alarm
    if alarm is None:
        return None
    features = health.causes[0].get("features", ()) if health.causes else ()
    return Concern(
        signal=alarm.signal,
        subject=alarm.subject,
        onset_row=health.onset_row if health.onset_row >= 0 else alarm.onset_row,
        alarm_row=alarm.at_row,
        cause=health.cause,
        features=tuple(map(str, features)),
    )


def _open_job(health: ModelHealth) -> str:
    if health.place == RETIRED:
        return ""  # a worker that has one is told to give up, and no other gets it
    if health.place == QUEUED and health.automation != Automation.AUTO:
        return health.challenge  # no worker gets the remedy's job before a person lets go
    if health.remediation is not None and health.place in (QUEUED, LEASED):
        return health.remediation.job
    return health.challenge


def wait_of(health: ModelHealth, row: int = 0) -> Wait | None:
    """Say what *health* waits for, *row* rows into its feed; None when it is retired."""
    timer = timers.live(health)
    if timer is None:
        return None
    awaited, outcome = AWAITED[health.place]
    look = anew.next_row(health, row)
    if timers.waits_for_a_person(health):
        who = "Release" if health.automation == Automation.HELD else "Unfreeze"
        awaited, outcome = f"a person ({who})", "people are told again"
    elif look is not None:
        awaited = f"{awaited}; it is diagnosed anew at row {look}"
    told = outcome if isinstance(outcome, str) else outcome(health)
    return Wait(awaited=awaited, timer=timer.name, due_us=timer.due_us, outcome=told)
