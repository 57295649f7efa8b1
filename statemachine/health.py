"""What the log says about one model: the fold of its events."""

from __future__ import annotations

from typing import Any

import msgspec

from statemachine.externals import ExternalSignal
from statemachine.policies.policy import Policy
from statemachine.words import HEALTHY, Automation, Place, Reason

PAUSE_SHARE = 1 / 6  #: of the time that the reference took


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """The suspicion that is being looked into."""

    signal: str
    subject: str
    onset_row: int
    at_row: int
    log_evidence: float
    evidence: str  #: id of what it rests on


class Remediation(msgspec.Struct, frozen=True, kw_only=True):
    """The remedy that is under way."""

    number: int
    returns_to: Place
    requested_by: str
    remedy: str = ""
    version: str = ""
    job: str = ""
    attempt: int = 0
    attempts_failed: int = 0
    gates_passed: bool = False
    started_us: int = 0


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """What routers were last asked to serve, and what they said."""

    generation: int = 0
    candidate: str = ""
    exposure_bp: int = 0
    issued_us: int = 0
    since_row: int = 0
    ttl_seconds: int = 0
    salt: str = ""
    acknowledged: bool = False


TRUTH = "@label"  #: the subject of an alarm about labels


# A fold copies the whole of it for every event; msgspec does that in C, ten times as fast as a frozen dataclass.
class ModelHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One model, as its events tell it. Every field is derived; nothing is stored twice."""

    model: str = ""
    owner: str = ""
    purpose: str = ""
    task: str = ""
    metric: str = ""
    outcomes: str = ""
    template: str = ""
    reference_sha256: str = ""
    features_sha256: str = ""
    reference_rows: int = 0
    label_delay_rows: int = 0
    seconds_per_row: float = 0.0
    seed: int = 0
    policy: Policy = msgspec.field(default_factory=Policy)
    policy_version: int = 0

    version: int = 0  #: of the stream: how many events made this
    place: Place = HEALTHY
    visit: int = 0  #: counts moves; a timer from an earlier visit is ignored
    entered_us: int = 0
    armed_us: int = 0  #: when the live timer was last wound up
    reason: str = Reason.REGISTERED
    automation: Automation = Automation.AUTO

    champion: str = ""
    candidate: str = ""
    rollback_target: str = ""
    shadows: tuple[str, ...] = ()
    manifests: dict[str, str] = msgspec.field(default_factory=dict)  #: manifest of each version whose bytes are kept
    route: Route = msgspec.field(default_factory=Route)
    epoch: int = 0  #: how many champions came before this one
    epoch_row: int = 0  #: first row that this champion served

    alarm: Alarm | None = None
    cause: str = ""
    causes: tuple[dict[str, Any], ...] = ()
    onset_row: int = -1
    diagnosed_row: int = 0  #: one past the last row that the latest diagnosis saw; 0 where nobody knows
    moved_row: int = 0  #: since when a loss has moved anew within this incident; 0 where none has
    loss_told_row: int = 0  #: where a loss was last noted to have moved
    improvement: bool = False

    remediation: Remediation | None = None
    remediations: int = 0
    started_us: tuple[int, ...] = ()  #: starts of past remediations, for the budget
    failures: int = 0  #: remediations in a row that came to nothing
    cooldown_until_us: int = 0
    jobs_opened: int = 0
    challenge: str = ""  #: the job of a challenger under way
    challenge_evidence: str = ""  #: of the last challenge of this champion in good standing
    calm_row: int = 0  #: where the last suspicion was laid to rest
    canary_row: int = 0  #: first row that the candidate scores
    exposures: tuple[tuple[int, int], ...] = ()  #: generation and basis points of this canary's routes
    judged_row: int = 0  #: the last row that a canary or challenge verdict has seen
    escalation: int = 0
    erasures: int = 0  #: that have taken rows of this model
    legal_hold: bool = False  #: nothing of it may be erased
    signals: dict[str, ExternalSignal] = msgspec.field(default_factory=dict)  #: that others measure, by name
    silent: tuple[str, ...] = ()  #: those that are silent for too long

    def cooldown_us(self) -> int:
        """Say how long to pause after one more failure; the pause doubles."""
        budget = self.policy.budget
        seconds = budget.cooldown_seconds
        if seconds is None:
            seconds = self.reference_rows * self.seconds_per_row * PAUSE_SHARE
        return int(seconds * 1_000_000) << min(self.failures, budget.doublings)

    @property
    def alarmed_by(self) -> str:
        """The signal of the alarm that stands; empty where there is none."""
        return self.alarm.signal if self.alarm else ""

    @property
    def alarmed_about(self) -> str:
        """The subject of the alarm that stands; empty where there is none."""
        return self.alarm.subject if self.alarm else ""

    @property
    def awaits_labels(self) -> bool:
        """Whether labels that stay away, and are said to be the cause, must come before anything is learned."""
        return self.cause == "label_quality" and self.alarmed_about == TRUTH

    @property
    def awaits_repair(self) -> bool:
        """Whether data or labels are said to be at fault: that ends with its repair, or when it counts as the world."""
        return self.cause == "data_quality" or self.awaits_labels

    @property
    def registered(self) -> bool:
        """Whether there is a model at all."""
        return bool(self.model)
