"""Guards at their bounds: the last moment, share or rung that they refuse, and the first that they let pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from statemachine import commands as c
from statemachine import guards, timers
from statemachine.health import Alarm, ModelHealth, Remediation, Route
from statemachine.policies.policy import Policy
from statemachine.words import DEGRADED, HEALTHY, Reason
from tests.unit.statemachine.laws import EVIDENCE, PASSED, born

SERVICE = c.StartRetraining(requested_by="service", reason=Reason.REMEDY)
ANN = c.StartRetraining(requested_by="ann", reason=Reason.REQUESTED)
ANY = c.Hold(note="")


def ill(signal: str = "loss", **fields: Any) -> ModelHealth:
    """Give a model whose decline was confirmed."""
    alarm = Alarm(signal=signal, subject="", onset_row=1, at_row=2, log_evidence=9.0, evidence=EVIDENCE)
    return replace(born(), place=DEGRADED, alarm=alarm, **fields)


def remedied(**fields: Any) -> ModelHealth:
    remedy = Remediation(number=1, returns_to=DEGRADED, requested_by="ann")
    return replace(born(), remediation=replace(remedy, **fields))


@pytest.mark.parametrize("cause", ["data_quality", "serving"])
def test_a_fault_is_repaired_where_it_was_seen_or_explains_half_of_the_loss(cause: str) -> None:
    faults = [
        ill(signal, cause=cause, causes=({"kind": cause, "share": share},))
        for signal, share in (("loss", 0.49), ("loss", 0.5), ("quality", 0.1))
    ]

    assert [guards.cause_can_be_trained_away(one, SERVICE, 0) for one in faults] == [True, False, False]
    assert all(guards.cause_can_be_trained_away(one, ANN, 0) for one in faults)


def test_what_was_learned_to_be_wrong_may_be_trained_away_whatever_it_explains() -> None:
    health = ill(cause="concept_change", causes=({"kind": "concept_change", "share": 0.9},))

    assert guards.cause_can_be_trained_away(health, SERVICE, 0)


def test_a_decline_is_confirmed_by_evidence_about_what_the_alarm_is_about_and_by_nothing_else() -> None:
    def confirms(signal: str, evidence: str = EVIDENCE) -> bool:
        command = c.ConfirmDecline(signal=signal, log_evidence=9.0, at_row=3, evidence=evidence)
        return guards.decline_is_sustained(ill("loss"), command, 0)

    assert confirms("loss")
    assert not confirms("metric")
    assert not confirms("loss", evidence="")


def test_a_remediation_counts_against_the_budget_until_its_window_has_passed() -> None:
    budget = Policy().budget
    now_us = round(budget.window_days * timers.DAY_US)
    full = replace(born(), started_us=(1,) * budget.remediations)

    assert not guards.budget_is_left(full, SERVICE, now_us)
    assert guards.budget_is_left(full, ANN, now_us)
    assert guards.budget_is_left(full, SERVICE, now_us + 1)
    assert guards.budget_is_left(replace(full, started_us=full.started_us[1:]), SERVICE, now_us)


def test_a_pause_is_over_at_its_end_and_a_person_need_not_wait_for_it() -> None:
    health = replace(born(), cooldown_until_us=10)

    assert [guards.cooldown_is_over(health, SERVICE, at_us) for at_us in (9, 10)] == [False, True]
    assert guards.cooldown_is_over(health, ANN, 9)


def test_a_refresh_wants_an_improvement_and_a_policy_that_schedules_it_or_a_person() -> None:
    plain, policy = born(), born(refresh={"on_improvement": False})

    wanted = [guards.improvement_is_wanted(replace(one, improvement=True), SERVICE, 0) for one in (plain, policy)]

    assert wanted == [True, False]
    assert not guards.improvement_is_wanted(plain, SERVICE, 0)
    assert guards.improvement_is_wanted(plain, ANN, 0)


def test_only_the_live_timer_of_this_visit_has_run_out_and_at_its_moment() -> None:
    health = replace(born(), visit=2)
    live = timers.live(health)
    assert live is not None
    fired = c.FireTimer(name=live.name, visit=2, at_row=1)

    assert [guards.it_is_time(health, fired, live.due_us + late) for late in (-1, 0)] == [False, True]
    for other in (c.FireTimer(name=live.name, visit=1, at_row=1), c.FireTimer(name="suspect", visit=2, at_row=1), ANY):
        assert not guards.it_is_time(health, other, live.due_us)


def test_a_doubt_that_stays_is_a_decline_of_the_first_tier_alone_and_in_its_time() -> None:
    tiers = [born(tier=tier) for tier in (1, 2, 3)]
    live = timers.live(tiers[0])
    assert live is not None
    fired = c.FireTimer(name=live.name, visit=tiers[0].visit, at_row=1)

    assert [guards.unresolved_means_degraded(one, fired, live.due_us) for one in tiers] == [True, False, False]
    assert not guards.unresolved_means_degraded(tiers[0], fired, live.due_us - 1)


def test_no_fallback_is_declared_before_its_time_or_without_a_version() -> None:
    health = replace(ill(), policy=born(fallback="previous_version").policy, rollback_target="v0")
    live = timers.live(health)
    assert live is not None
    fired = c.FireTimer(name=live.name, visit=health.visit, at_row=1)

    assert guards.fallback_is_declared(health, fired, live.due_us)
    assert not guards.fallback_is_declared(health, fired, live.due_us - 1)
    assert not guards.fallback_is_declared(replace(health, rollback_target=""), fired, live.due_us)
    assert not guards.fallback_is_declared(replace(health, policy=Policy()), fired, live.due_us)


def test_a_champion_is_back_when_its_route_was_acknowledged_or_has_expired() -> None:
    route = Route(generation=2, issued_us=5, ttl_seconds=3)

    back = [guards.router_is_back(replace(born(), route=route), ANY, 5 + after) for after in (2_999_999, 3_000_000)]

    assert back == [False, True]
    assert guards.router_is_back(replace(born(), route=replace(route, acknowledged=True)), ANY, 5)


def test_exposure_rises_to_a_higher_rung_of_the_policy_and_to_nothing_else() -> None:
    def rises(now_bp: int, next_bp: int) -> bool:
        command = c.JudgeCanary(
            verdict="climb", reason="", exposure_bp=next_bp, lower=0, upper=0, sample=1, at_row=1, evidence=EVIDENCE
        )
        return guards.exposure_rises(replace(born(), route=Route(exposure_bp=now_bp)), command, 0)

    assert rises(100, 500)
    assert not any(rises(now_bp, next_bp) for now_bp, next_bp in ((500, 500), (500, 100), (100, 600)))


def test_a_candidate_is_promoted_from_a_rung_of_a_quarter_of_the_units() -> None:
    rungs = [replace(born(), route=Route(exposure_bp=exposure_bp)) for exposure_bp in (2_499, 2_500)]

    assert [guards.rung_is_high_enough(one, ANY, 0) for one in rungs] == [False, True]


@pytest.mark.parametrize(
    ("guard", "held", "other"),
    [
        (guards.remedy_trains_nothing, {"remedy": "restore"}, {"remedy": "refit"}),
        (guards.attempts_are_left, {"attempts_failed": 2}, {"attempts_failed": 3}),
        (guards.gates_stand, {"gates_passed": True}, {"gates_passed": False}),
        (guards.back_to_degraded, {"returns_to": DEGRADED}, {"returns_to": HEALTHY}),
        (guards.back_to_healthy, {"returns_to": HEALTHY}, {"returns_to": DEGRADED}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_statement_about_a_remedy_holds_of_that_remedy_and_of_no_other_and_of_none(
    guard: Callable[..., bool], held: dict[str, Any], other: dict[str, Any]
) -> None:
    assert [guard(one, ANY, 0) for one in (remedied(**held), remedied(**other), born())] == [True, False, False]


def test_who_asked_for_a_remedy_does_not_approve_it() -> None:
    agreed = [guards.approver_is_not_requester(remedied(), c.Approve(actor=who, note=""), 0) for who in ("ann", "bob")]

    assert agreed == [False, True]
    assert not guards.approver_is_not_requester(born(), c.Approve(actor="bob", note=""), 0)


@pytest.mark.parametrize("without", range(len(PASSED)))
def test_one_mandatory_gate_that_is_missing_or_has_failed_stops_a_candidate(without: int) -> None:
    missing = [gate for k, gate in enumerate(PASSED) if k != without]
    failed = [{**gate, "verdict": "fail"} if k == without else gate for k, gate in enumerate(PASSED)]

    def passes(gates: list[dict[str, Any]], *, said: bool = True, candidate: str = "remedy-1") -> bool:
        command = c.JudgeGates(passed=said, chosen="", remedy="", gates=gates, evidence=EVIDENCE, at_row=1)
        return guards.every_gate_passed(replace(born(), candidate=candidate), command, 0)

    assert passes(PASSED)
    assert not any(passes(gates) for gates in (missing, failed))
    assert not passes(PASSED, said=False)
    assert not passes(PASSED, candidate="")
