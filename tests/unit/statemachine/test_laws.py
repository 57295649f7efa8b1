"""The laws of the machine, held in every state that it can reach."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from transitions import MachineError

from scripts.draw_states import PAGE, page
from statemachine import commands as c
from statemachine import timers
from statemachine.decide import decide
from statemachine.errors import Refused
from statemachine.events import GatesJudged, PromotionConfirmed, RemediationStarted, StateChanged
from statemachine.guards import PROMOTABLE_BP
from statemachine.health import ModelHealth
from statemachine.kinds import REGISTRY
from statemachine.machine import GATEKEEPER, Gatekeeper
from statemachine.moves import MOVES
from statemachine.policies.policy import Policy, PolicyInvalid
from statemachine.record.coding import UnknownEvent, decode, payload_of
from statemachine.replay import IllegalHistory, projection, replay
from statemachine.unexplained import unexplained
from statemachine.words import CANARY, DEGRADED, PLACES, PROMOTING, RETIRED, RETRAINING, Automation
from tests.unit.statemachine.laws import EVIDENCE, Step, apply, at_rest, born, essence, explore, let_time_pass, timer_of

POLICIES: tuple[dict[str, Any], ...] = (
    {},
    {"approvals": {"required": True}},
    {"fallback": "previous_version"},
    {"tier": 2},
    {"budget": {"unexplained": "training"}},
)


@pytest.fixture(scope="module", params=POLICIES, ids=str)
def steps(request: pytest.FixtureRequest) -> list[Step]:
    found = list(explore(born(**request.param)))
    assert len(found) > 1_000
    return found


@pytest.fixture(scope="module")
def reached_states(steps: list[Step]) -> list[Step]:
    """Give one step into each abstract state."""
    return list({essence(step.after): step for step in steps}.values())


def test_every_place_is_reached_by_some_policy() -> None:
    reached = {step.after.place for policy in POLICIES for step in explore(born(**policy))}

    assert reached == set(PLACES)


def test_every_state_but_the_last_owns_a_live_timer(steps: list[Step]) -> None:
    assert all((timers.live(step.after) is None) == (step.after.place == RETIRED) for step in steps)


def test_timers_alone_lead_every_state_to_rest(reached_states: list[Step]) -> None:
    restless = Counter(
        str(step.after.place)
        for step in reached_states
        if step.after.place != RETIRED and not at_rest(let_time_pass(step.after, step.now_us))
    )

    assert not restless


def test_units_are_exposed_in_a_canary_only(steps: list[Step]) -> None:
    assert all(step.after.route.exposure_bp == 0 or step.after.place in CANARY for step in steps)


def test_nothing_is_promoted_that_did_not_pass_every_mandatory_gate(steps: list[Step]) -> None:
    for step in steps:
        if any(isinstance(fact, PromotionConfirmed) for fact in step.facts) or step.after.place == PROMOTING:
            assert step.before.remediation is not None
            assert step.before.remediation.gates_passed or step.before.place == PROMOTING


def test_a_canary_goes_further_only_on_a_route_that_is_acknowledged_and_gates_that_passed(steps: list[Step]) -> None:
    further = {"open_rung", "climb", "promote", "confirm_promotion"}
    made = [(fact.trigger, step.before) for step in steps for fact in step.facts if isinstance(fact, StateChanged)]

    assert further <= {trigger for trigger, _ in made}
    for trigger, before in made:
        if trigger in further:
            assert before.route.acknowledged
            assert before.remediation is not None
            assert before.remediation.gates_passed
        if trigger == "promote":
            assert before.route.exposure_bp >= PROMOTABLE_BP


def test_one_remediation_is_under_way_at_most(steps: list[Step]) -> None:
    for step in steps:
        if any(isinstance(fact, RemediationStarted) for fact in step.facts):
            assert step.before.place not in (*RETRAINING, *CANARY)


def test_while_a_person_is_in_charge_a_model_is_moved_by_nothing_but_what_stops_it(steps: list[Step]) -> None:
    held = [step for step in steps if step.before.automation != Automation.AUTO]

    moved = {fact.trigger for step in held for fact in step.facts if isinstance(fact, StateChanged)}
    assert {"abandon", "abort", "finish_abort", "lose_lease", "retire"} <= moved
    assert moved <= {move.trigger for move in MOVES if move.stops}


def test_the_service_trains_for_no_latency_that_is_not_explained(steps: list[Step]) -> None:
    told = [step for step in steps if unexplained(step.before)]

    for step in told:
        if any(isinstance(fact, RemediationStarted) for fact in step.facts):
            assert isinstance(step.command, c.StartRetraining)
            assert step.command.requested_by != "service"
    assert bool(told) == (steps[0].before.policy.budget.unexplained == "people")


def test_people_are_told_at_once_of_a_latency_that_is_not_explained(steps: list[Step]) -> None:
    for step in steps:
        alone = step.after.place == DEGRADED and step.after.automation == Automation.AUTO
        if alone and isinstance(step.command, c.RecordDiagnosis) and unexplained(step.after):
            assert step.after.escalation


def test_a_timer_of_an_earlier_visit_changes_nothing(reached_states: list[Step]) -> None:
    for step in reached_states:
        timer = timer_of(step.after)
        if timer is not None:
            stale = c.FireTimer(name=timer[0].name, visit=step.after.visit - 1, at_row=1)
            assert decide(step.after, stale, timer[1] + 1) == ()


def test_a_stop_is_never_refused_while_anything_moves_and_leads_to_rest(reached_states: list[Step]) -> None:
    for step in reached_states:
        if step.after.place == RETIRED:
            continue
        frozen = apply(step.after, c.Freeze(note=""), step.now_us)
        apply(step.after, c.Hold(note=""), step.now_us)
        if step.after.place in (*RETRAINING, *CANARY):
            apply(step.after, c.Abort(note=""), step.now_us)
        assert frozen.after.route.exposure_bp == 0
        assert at_rest(let_time_pass(frozen.after, step.now_us))


def test_every_recorded_move_is_one_of_the_table(steps: list[Step]) -> None:
    moves = {
        (fact.source, fact.trigger, fact.dest)
        for step in steps
        for fact in step.facts
        if isinstance(fact, StateChanged)
    }

    assert moves <= GATEKEEPER.legal_moves


def test_folding_what_was_stored_gives_the_same_bytes(steps: list[Step]) -> None:
    for step in steps[:: max(len(steps) // 1_000, 1)]:
        stored = [(decode(fact.name, fact.schema, payload_of(fact)), step.now_us) for fact in step.facts]
        assert projection(replay(stored, step.before)) == projection(step.after)


def test_the_fold_table_is_what_transitions_accepts() -> None:
    moves = {(str(source), move.trigger, str(move.dest)) for move in MOVES for source in move.sources}

    assert GATEKEEPER.legal_moves == moves


@pytest.mark.parametrize("row", range(len(MOVES)), ids=lambda row: f"{MOVES[row].trigger}-{MOVES[row].dest}")
def test_a_row_that_is_deleted_is_refused(row: int, reached: dict[int, Step]) -> None:
    without = Gatekeeper([move for number, move in enumerate(MOVES) if number != row])
    step = reached[row]

    with pytest.raises(Refused):
        without.fire(MOVES[row].trigger, step.before, step.command, step.now_us)


@pytest.fixture(scope="module")
def reached() -> dict[int, Step]:
    """Give, for each row of the table, a step that takes it directly."""
    found: dict[int, Step] = {}
    for policy in (*POLICIES, {"fallback": "previous_version", "escalation_levels": 1}):
        for step in explore(born(**policy)):
            for number, move in enumerate(MOVES):
                if number not in found and step.before.place in move.sources:
                    try:
                        dest = GATEKEEPER.fire(move.trigger, step.before, step.command, step.now_us)
                    except (Refused, MachineError):
                        continue
                    if dest == move.dest:
                        found[number] = step
    return found


def test_an_illegal_history_is_refused_at_its_event() -> None:
    jump = StateChanged(source="healthy", dest="canary.rung", trigger="climb", reason="HARM_BOUNDED")

    with pytest.raises(IllegalHistory, match="climb from healthy"):
        replay([(jump, 1)], born())


def test_a_promotion_without_a_gate_is_refused() -> None:
    health = born()
    for command in (
        c.StartRetraining(requested_by="ann", reason="REQUESTED"),
        c.ProposeScope(job="m-1", spec="s", entrants=["all"], at_row=1),
        c.LeaseJob(job="m-1", worker="w"),
        c.SubmitCandidate(
            job="m-1", attempt=1, manifest="h", remedy="refit", entrant="all", semantic_sha256="s",
            isolation="sealed", at_row=1,
        ),
    ):  # fmt: skip
        health = apply(health, command, 1).after
    empty = c.JudgeGates(passed=True, chosen="all", remedy="refit", gates=[], evidence=EVIDENCE, at_row=1)

    with pytest.raises(Refused, match="every_gate_passed"):
        decide(health, empty, 2)


def test_an_unknown_event_is_refused_with_what_is_known() -> None:
    with pytest.raises(UnknownEvent, match="state_changed"):
        decode("dreamt", 1, {})
    with pytest.raises(UnknownEvent):
        decode("state_changed", 99, {})


def test_stored_names_are_unique_and_not_class_names() -> None:
    assert all(name == cls.name and name != cls.__name__ for name, cls in REGISTRY.items())
    assert REGISTRY["gates_judged"] is GatesJudged


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"tyre": 1}, "tyre"),
        ({"loss": {"tyre": 1}}, "loss.tyre"),
        ({"tier": 9}, "tier"),
        ({"tier": True}, "tier"),
        ({"loss": {"run_length": "long"}}, "loss.run_length"),
        ({"canary": {"rungs_bp": [5_000, 100]}}, "canary.rungs_bp"),
        ({"canary": {"rungs_bp": [100]}}, "canary.rungs_bp"),
        ({"gates": {"mandatory": "all"}}, "gates.mandatory"),
        ({"gates": {"mandatory": ["gain", "gian"]}}, "gates.mandatory[1]"),
        ({"gates": {"mandatory": [["gain"]]}}, "gates.mandatory[0]"),
        ({"fallback": "hope"}, "fallback"),
        ({"approvals": {"required": "yes"}}, "approvals.required"),
        ({"timers": 3}, "timers"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_the_name_of_its_field(data: dict[str, object], field: str) -> None:
    with pytest.raises(PolicyInvalid) as caught:
        Policy.from_json(data)

    assert caught.value.name == field
    assert "accepted" in str(caught.value)


def test_a_policy_reads_back_as_it_was_written() -> None:
    policy = Policy.from_json({"tier": 2, "canary": {"rungs_bp": [500, 5_000]}})

    assert Policy.from_json(policy.to_json()) == policy


def test_the_page_of_states_is_drawn_from_this_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_an_unregistered_model_is_told_how_to_begin() -> None:
    with pytest.raises(Refused, match="CreateModel"):
        decide(ModelHealth(), c.Hold(note=""), 1)
