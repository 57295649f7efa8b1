"""Walks every abstract state that the pure machine can reach, by asking it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from statemachine import commands as c
from statemachine import timers
from statemachine.decide import decide
from statemachine.errors import Refused
from statemachine.events import ModelRegistered
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.policies.policy import Policy
from statemachine.unexplained import unexplained
from statemachine.words import DEGRADED, SUSPECT, Automation, Phase, Reason

EVIDENCE = "e" * 64
PASSED = [{"name": name, "verdict": "pass"} for name in Policy().gates.mandatory]


@dataclass(frozen=True)
class Step:
    """One accepted command, the facts that answered it, and the health before and after."""

    before: ModelHealth
    command: c.Command
    now_us: int
    facts: tuple[Event, ...]
    after: ModelHealth


def registration(**policy: object) -> c.Register:
    return c.Register(
        registration=ModelRegistered(
            model="m", owner="o", purpose="", task="binary", metric="accuracy", outcomes="exogenous",
            template="hgb-60", champion="v1", features_sha256="f", reference_sha256="r", reference_rows=1_000,
            label_delay_rows=10, seconds_per_row=60.0, policy=dict(policy),
        )
    )  # fmt: skip


def apply(health: ModelHealth, command: c.Command, now_us: int) -> Step:
    """Let *command* meet *health*; a refusal rises."""
    facts = decide(health, command, now_us)
    return Step(health, command, now_us, facts, folded(health, *facts, at_us=now_us))


def born(**policy: object) -> ModelHealth:
    return apply(ModelHealth(), registration(**policy), 0).after


def folded(health: ModelHealth, *facts: Event, at_us: int = 1) -> ModelHealth:
    """Let *facts* happen, whatever the table says of them."""
    for fact in facts:
        health = evolve(health, fact, at_us)
    return health


def timer_of(health: ModelHealth) -> tuple[c.FireTimer, int] | None:
    """Give the command of the live timer, and when it comes."""
    live = timers.live(health)
    if live is None:
        return None
    return c.FireTimer(name=live.name, visit=live.visit, at_row=1, note="rows", evidence=EVIDENCE), live.due_us


def commands(health: ModelHealth) -> Iterator[c.Command]:
    """Give everything that can be said to a model: by detectors, workers, routers, judges and people."""
    remedy = health.remediation
    job, attempt = (remedy.job or "m-1", remedy.attempt) if remedy else ("m-1", 1)
    shared: dict[str, Any] = {"at_row": 5, "evidence": EVIDENCE}
    for signal in ("loss", "metric"):
        yield c.RaiseAlarm(signal=signal, detector="d", log_evidence=9.0, onset_row=1, **shared)
        yield c.ClearAlarm(signal=signal, log_evidence=9.0, **shared)
        yield c.ConfirmDecline(signal=signal, log_evidence=9.0, **shared)
    for cause in ("concept_change", "unknown"):
        yield c.RecordDiagnosis(cause=cause, causes=[], onset_row=1, at_row=9, evidence=EVIDENCE)
    yield c.ShowRecovery(log_evidence=9.0, **shared)
    yield c.QueueChallenge(job="m-9", spec="s", at_row=5)
    yield c.JudgeChallenge(job="m-9", finding="improvement", log_evidence=9.0, **shared)
    yield c.StartRetraining(requested_by="service", reason=Reason.REMEDY)
    yield c.StartRetraining(requested_by="ann", reason=Reason.REQUESTED)
    yield c.StartRetraining(requested_by="ann", reason=Reason.REQUESTED, remedy="restore", version="v0")
    yield c.ProposeScope(job=f"m-{health.jobs_opened + 1}", spec="s", entrants=["all"], at_row=5)
    yield c.Approve(actor="bob", note="")
    yield c.Reject(actor="bob", note="")
    yield c.LeaseJob(job=job, worker="w")
    yield c.ExpireLease(job=job, attempt=attempt)
    yield c.FailAttempt(job=job, attempt=attempt, failure="CRASHED", note="")
    yield c.SubmitCandidate(
        job=job, attempt=attempt, manifest="h", remedy="refit", entrant="all", semantic_sha256="s",
        isolation="sealed", at_row=5,
    )  # fmt: skip
    for passed in (True, False):
        yield c.JudgeGates(passed=passed, chosen="all", remedy="refit", gates=PASSED if passed else [], **shared)
    yield c.AcknowledgeRoute(generation=health.route.generation, router="r", at_row=5)
    for verdict, exposure in (
        ("climb", 2_500),
        ("climb", 5_000),
        ("promote", 10_000),
        ("confirm", 10_000),
        ("abort", 0),
    ):
        yield c.JudgeCanary(
            verdict=verdict, reason="HARM", exposure_bp=exposure, lower=0.0, upper=0.0, sample=1, **shared
        )
    yield from (c.Hold(note=""), c.Release(note=""), c.Freeze(note=""), c.Unfreeze(note=""), c.Abort(note=""))
    yield from (c.RollBack(note=""), c.Retire(note=""))


def essence(health: ModelHealth) -> tuple[object, ...]:
    """Give what counts of a health: everything but numbers that only grow."""
    remedy = health.remediation
    return (
        str(health.place), health.automation, bool(health.alarm), bool(health.cause), bool(health.candidate),
        (health.alarm.signal, unexplained(health)) if health.alarm and health.place in (SUSPECT, DEGRADED) else (),
        bool(health.rollback_target), health.route.acknowledged, health.route.exposure_bp, health.improvement,
        min(health.escalation, 4),
        (remedy.remedy, str(remedy.returns_to), min(remedy.attempts_failed, 3), remedy.gates_passed) if remedy else (),
    )  # fmt: skip


def explore(start: ModelHealth) -> Iterator[Step]:
    """Walk breadth-first over everything that can be reached, at the moment and when the timer runs out."""
    seen = {essence(start)}
    frontier = [(start, 1)]
    while frontier:
        following = []
        for health, now_us in frontier:
            options: list[tuple[c.Command, int]] = [(command, now_us) for command in commands(health)]
            timer = timer_of(health)
            options += [timer] if timer else []
            for command, at_us in options:
                try:
                    step = apply(health, command, max(at_us, now_us))
                except Refused:
                    continue
                yield step
                key = essence(step.after)
                if key not in seen:
                    seen.add(key)
                    following.append((step.after, max(at_us, now_us)))
        frontier = following


def at_rest(health: ModelHealth) -> bool:
    """Healthy, or with a person in charge while what serves is safe."""
    safe = health.route.exposure_bp == 0 and health.place.phase == Phase.NONE
    return safe and (str(health.place) == "healthy" or health.automation != Automation.AUTO)


def let_time_pass(health: ModelHealth, now_us: int, most: int = 60) -> ModelHealth:
    """Fire nothing but timers until the model rests."""
    for _ in range(most):
        if at_rest(health):
            return health
        timer = timer_of(health)
        if timer is None:
            return health
        command, due_us = timer
        now_us = max(now_us, due_us)
        health = apply(health, command, now_us).after
    return replace(health, reason="never rests")
