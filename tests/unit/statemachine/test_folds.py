"""What a model's health remembers of what has happened, and what it forgets once that is over."""

from __future__ import annotations

import pytest

from statemachine import commands as c
from statemachine import timers
from statemachine.decide import decide
from statemachine.errors import Refused
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED, HEALTHY, ROLLED_BACK, Reason
from tests.unit.statemachine.laws import EVIDENCE, PASSED, apply, born

OF_AN_INCIDENT = ("alarm", "cause", "causes", "onset_row", "moved_row", "diagnosed_row", "escalation")
RAISE = c.RaiseAlarm(signal="loss", detector="d", log_evidence=9.0, onset_row=1, at_row=5, evidence=EVIDENCE)
EXPLAIN = c.RecordDiagnosis(cause="serving", causes=[{"kind": "serving"}], onset_row=2, at_row=6, evidence=EVIDENCE)
CONFIRM = c.ConfirmDecline(signal="loss", log_evidence=9.0, at_row=7, evidence=EVIDENCE)
MOVE = c.NoteLoss(
    subject="v1", detector="d", log_evidence=9.0, onset_row=8, at_row=9, before=0.3, after=0.6, evidence=EVIDENCE
)
ASK = c.StartRetraining(requested_by="ann", reason=Reason.REQUESTED)
SHADOWED = (
    c.ProposeScope(job="m-1", spec="s", entrants=["all"], at_row=10),
    c.LeaseJob(job="m-1", worker="w"),
    c.SubmitCandidate(
        job="m-1", attempt=1, manifest="h", remedy="refit", entrant="all", semantic_sha256="s", isolation="sealed",
        at_row=11,
    ),
    c.JudgeGates(passed=True, chosen="all", remedy="refit", gates=PASSED, evidence=EVIDENCE, at_row=12),
)  # fmt: skip


def judged(verdict: str, exposure_bp: int, reason: str = "HARM") -> c.JudgeCanary:
    return c.JudgeCanary(
        verdict=verdict, reason=reason, exposure_bp=exposure_bp, lower=0.0, upper=0.0, sample=1, at_row=13,
        evidence=EVIDENCE,
    )  # fmt: skip


def told(health: ModelHealth, *commands: c.Command, now_us: int = 1) -> ModelHealth:
    """Let *commands* meet *health*, and routers acknowledge each route."""
    for command in commands:
        health = apply(health, command, now_us).after
        word = c.AcknowledgeRoute(generation=health.route.generation, router="r", at_row=14)
        health = apply(health, word, now_us).after
    return health


def of_an_incident(health: ModelHealth) -> list[object]:
    return [getattr(health, name) for name in OF_AN_INCIDENT]


def test_nothing_of_an_incident_stays_with_a_model_that_is_healthy_again() -> None:
    sick = told(born(), RAISE, EXPLAIN, CONFIRM, MOVE)
    sick = told(sick, c.FireTimer(name="degraded", visit=2, at_row=9), now_us=10**15)
    doubted = told(born(), RAISE, EXPLAIN)

    recovered = told(sick, c.ShowRecovery(log_evidence=9.0, at_row=15, evidence=EVIDENCE))
    cleared = told(doubted, c.ClearAlarm(signal="loss", log_evidence=9.0, at_row=15, evidence=EVIDENCE))

    assert all(was != at_birth for was, at_birth in zip(of_an_incident(sick), of_an_incident(born()), strict=True))
    assert recovered.place == cleared.place == HEALTHY
    assert of_an_incident(recovered) == of_an_incident(cleared) == of_an_incident(born())


def test_nothing_of_a_remedy_stays_once_it_has_come_to_nothing_or_to_a_champion() -> None:
    shadowed = told(born(), ASK, *SHADOWED)
    abandoned = told(born(), RAISE, CONFIRM, ASK, *SHADOWED[:-1], c.Abort(note="", at_row=12))
    promoted = told(shadowed, judged("climb", 5_000), judged("promote", 10_000), judged("confirm", 10_000))

    assert shadowed.remediation is not None
    assert shadowed.candidate == "remedy-1"
    assert (abandoned.place, abandoned.remediation, abandoned.candidate) == (DEGRADED, None, "")
    assert (promoted.place, promoted.remediation, promoted.candidate) == (HEALTHY, None, "")
    assert (promoted.champion, promoted.rollback_target) == ("remedy-1", "v1")


def test_the_pause_doubles_with_each_remedy_that_comes_to_nothing_as_often_as_the_policy_says() -> None:
    health, pauses = told(born(budget={"cooldown_seconds": 100, "doublings": 2}), RAISE, CONFIRM), []
    for _ in range(4):
        health = told(health, ASK, c.Abort(note="", at_row=12), now_us=7)
        pauses.append(health.cooldown_until_us - 7)

    assert pauses == [seconds * 1_000_000 for seconds in (100, 200, 400, 400)]


def test_a_promotion_that_holds_ends_the_pause_and_forgets_what_came_to_nothing_before() -> None:
    failed = told(born(budget={"cooldown_seconds": 100}), ASK, c.Abort(note="", at_row=12))
    promoted = told(failed, ASK, c.ProposeScope(job="m-1", spec="s", entrants=["all"], at_row=10), *SHADOWED[1:])
    promoted = told(promoted, judged("climb", 5_000), judged("promote", 10_000), judged("confirm", 10_000))

    assert (failed.failures, failed.cooldown_until_us) == (1, 100_000_001)
    assert (promoted.failures, promoted.cooldown_until_us, promoted.epoch) == (0, 0, 1)


def test_an_improvement_is_tried_once_whatever_comes_of_it() -> None:
    challenged = told(
        born(),
        c.QueueChallenge(job="m-1", spec="s", at_row=5),
        c.JudgeChallenge(job="m-1", finding="improvement", log_evidence=9.0, at_row=6, evidence=EVIDENCE),
    )
    by_itself = c.StartRetraining(requested_by="service", reason=Reason.REMEDY)
    given_up = told(challenged, by_itself, c.AbandonRemedy(reason="NOTHING_TO_TRAIN", note=""))

    assert (challenged.improvement, told(challenged, by_itself).improvement) == (True, False)
    assert given_up.place == HEALTHY
    with pytest.raises(Refused, match="improvement_is_wanted"):
        decide(given_up, by_itself, 10**15)


def test_the_timer_of_a_place_does_nothing_once_a_person_is_in_charge_there() -> None:
    doubted = told(born(), RAISE)
    held = told(doubted, c.Hold(note=""))
    late_us = 10**15

    assert decide(doubted, c.FireTimer(name="suspect", visit=1, at_row=9), late_us) != ()
    assert decide(held, c.FireTimer(name="suspect", visit=1, at_row=9), late_us) == ()
    assert decide(held, c.FireTimer(name="notify_again", visit=1, at_row=9), late_us) != ()


def test_who_takes_charge_winds_a_timer_up_but_gives_no_canary_more_time() -> None:
    shadowed, doubted = told(born(), ASK, *SHADOWED), told(born(), RAISE)

    def due(health: ModelHealth) -> int:
        live = timers.live(health)
        assert live is not None
        return live.due_us

    assert due(told(shadowed, c.Hold(note=""), now_us=50)) == due(shadowed)
    again = doubted.policy.timers.notify_again_seconds * timers.SECOND_US
    assert due(told(doubted, c.Hold(note=""), now_us=50)) == 50 + again


def test_a_canary_that_harms_is_a_failure_and_one_that_the_world_overtook_is_none() -> None:
    shadowed = told(born(budget={"cooldown_seconds": 100}), ASK, *SHADOWED)

    harmed, overtaken = (told(shadowed, judged("abort", 0, reason)) for reason in ("HARM", "OVERTAKEN"))

    assert harmed.place == overtaken.place == ROLLED_BACK
    assert (harmed.failures, harmed.cooldown_until_us) == (1, 100_000_001)
    assert (overtaken.failures, overtaken.cooldown_until_us) == (0, 1)
