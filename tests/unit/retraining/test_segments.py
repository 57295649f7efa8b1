"""Gates of segments: how often a candidate is refused that does no harm, and whether one that ruins a segment is.

A world of a holdout has what each row cost the champion and what it would cost the candidate, and who belongs where.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from measures.losses import fixed
from measures.sums import block
from retraining.choice import choose
from retraining.gates import judge, judge_with_segments
from retraining.segments import by_segment, ruins
from statemachine.policies.policy import Policy
from statemachine.policies.values import PolicyInvalid

Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
Loss = Callable[[np.random.Generator, int, float], Floats]
BLOCKS, DRAWS, TOLERANCE = 10, 400, 0.05
SPLITS = {"splits": [{"name": "region", "column": "region"}]}
ASKED: dict[str, Any] = {"segments": SPLITS, "gates": {"mandatory": ["holdout", "segments", "cure"]}}
POLICY = Policy.from_json(ASKED)


def told(champion: Floats, candidate: Floats, where: npt.NDArray[np.int64], segments: int) -> dict[str, Any]:
    """Give the report of a bake-off with one entrant."""
    costs, leads = fixed(champion, 1.0), fixed(champion, 1.0) - fixed(candidate, 1.0)
    held = [where == k for k in range(segments)]
    entry = {
        "name": "all", "remedy": "refit", "rows": [[0, 50]], "calibration": 0.0, "churn": 0.0, "extreme": 0.0,
        "lead": [block(part) for part in np.array_split(leads, BLOCKS)], "segments": by_segment(held, leads, BLOCKS),
    }  # fmt: skip
    named = [{"name": f"s{k}", "champion": cost} for k, cost in enumerate(by_segment(held, costs, BLOCKS))]
    whole = [block(part) for part in np.array_split(costs, BLOCKS)]
    return {"rows": len(costs), "champion": whole, "entrants": [entry], "segments": named}


def wrong(chance: np.random.Generator, rows: int, mean: float) -> Floats:
    """Draw whether answers were wrong."""
    return (chance.random(rows) < mean).astype(float)


def amounts(chance: np.random.Generator, rows: int, mean: float) -> Floats:
    """Draw losses of which a few are very large."""
    return np.asarray(chance.lognormal(-0.5, 1.0, rows) * mean)


def waves(chance: np.random.Generator, rows: int, mean: float) -> Floats:
    """Draw losses that go together with those of a few rows before and after."""
    noise = chance.normal(size=rows + 8)
    return np.asarray(mean * (2 + np.convolve(noise, np.ones(9) / 9, "valid")))


def refused(report: dict[str, Any], policy: Policy = POLICY) -> bool:
    return ruins(report, "all", policy)


def verdicts(report: dict[str, Any], subject: str = "", policy: Policy = POLICY) -> dict[str, str]:
    found = judge_with_segments({"report": report, "subject": subject}, policy)
    return {gate.name: gate.verdict for gate in found.gates}


def a_ruined(chance: np.random.Generator, rows: int, share: float, before: float, after: float) -> dict[str, Any]:
    """Give a candidate that takes most errors from all but `s0`, which has this *share* of the rows."""
    where = np.where(chance.random(rows) < share, 0, chance.integers(1, 4, rows))
    first = where == 0
    champion = (chance.random(rows) < np.where(first, before, 0.5)).astype(float)
    candidate = (chance.random(rows) < np.where(first, after, 0.1)).astype(float)
    return told(champion, candidate, where, 4)


@pytest.mark.parametrize("loss", [wrong, amounts, waves])
@pytest.mark.parametrize(("rows", "segments"), [(160, 3), (600, 4), (1_200, 16)])
def test_of_candidates_that_do_no_harm_no_more_are_refused_than_the_policy_accepts(
    loss: Loss, rows: int, segments: int
) -> None:
    """Each is as much worse in all segments at once as is tolerated; whoever is better is refused less often."""
    chance = np.random.default_rng([rows, segments])
    found = 0
    for _ in range(DRAWS):
        champion, candidate = loss(chance, rows, 0.2), loss(chance, rows, 0.2 * (1 + TOLERANCE))
        found += refused(told(champion, candidate, chance.integers(0, segments, rows), segments))

    assert found <= POLICY.gates.segment_alpha * DRAWS


def test_a_smaller_chance_of_error_is_kept_as_well() -> None:
    policy = Policy.from_json({**ASKED, "gates": {"segment_alpha": 0.01}})
    chance, draws, found = np.random.default_rng(4), 1_000, 0
    for _ in range(draws):
        champion, candidate = wrong(chance, 160, 0.2), wrong(chance, 160, 0.2 * (1 + TOLERANCE))
        found += refused(told(champion, candidate, chance.integers(0, 3, 160), 3), policy)

    assert found <= 0.01 * draws


@pytest.mark.parametrize(("rows", "share", "least"), [(160, 0.3, 0.8), (330, 0.2, 0.9), (1_000, 0.08, 0.9)])
def test_who_ruins_a_segment_and_heals_the_rest_is_refused_for_it_though_the_whole_is_better(
    rows: int, share: float, least: float
) -> None:
    chance, found, passed = np.random.default_rng(7), 0, 0
    for _ in range(100):
        report = a_ruined(chance, rows, share, before=0.2, after=0.7)
        passed += judge({"report": report}, Policy()).passed
        found += verdicts(report).get("segments: s0") == "fail"

    assert found >= 100 * least
    assert passed >= 80  # by the whole alone


def test_it_is_named_and_no_other_is() -> None:
    found = verdicts(a_ruined(np.random.default_rng(1), 600, 0.25, before=0.2, after=0.8))

    assert found["segments"] == "fail"
    assert [name for name, verdict in found.items() if verdict == "fail"] == ["segments", "segments: s0"]


def test_whoever_is_worse_by_less_than_is_tolerated_is_not_refused_for_it() -> None:
    report = a_ruined(np.random.default_rng(1), 600, 0.25, before=0.2, after=0.8)
    lenient = Policy.from_json({**ASKED, "gates": {"segment_tolerance": 4.0}})

    assert refused(report)
    assert not refused(report, lenient)


def test_a_segment_of_too_few_rows_is_named_and_says_nothing() -> None:
    report = a_ruined(np.random.default_rng(3), 200, 0.05, before=0.0, after=1.0)

    found = judge_with_segments({"report": report, "subject": ""}, POLICY)

    small = next(gate for gate in found.gates if gate.name == "segments: s0")
    assert (small.verdict, small.sample < POLICY.segments.least_rows) == ("insufficient", True)
    assert next(gate.verdict for gate in found.gates if gate.name == "segments") == "pass"
    assert found.passed


@pytest.mark.parametrize("name", ["segments", "cure"])
def test_where_nothing_can_be_told_of_what_must_be_passed_nobody_passes(name: str) -> None:
    policy = Policy.from_json({"segments": {**SPLITS, "least_rows": 1_000}, "gates": {"mandatory": [name]}})
    report = a_ruined(np.random.default_rng(3), 200, 0.3, before=0.4, after=0.2)

    found = judge_with_segments({"report": report, "subject": "s0"}, policy)

    assert next(gate.verdict for gate in found.gates if gate.name == name) == "insufficient"
    assert not found.passed


@pytest.mark.parametrize(("after", "verdict"), [(0.2, "pass"), (0.7, "fail")])
def test_what_was_to_heal_a_segment_must_be_better_there(after: float, verdict: str) -> None:
    report = a_ruined(np.random.default_rng(5), 800, 0.2, before=0.7, after=after)

    found = judge_with_segments({"report": report, "subject": "s0"}, POLICY)

    assert {gate.name: gate.verdict for gate in found.gates}["cure"] == verdict
    assert found.passed == (verdict == "pass")


def test_in_an_incident_of_the_whole_the_whole_must_be_better() -> None:
    report = a_ruined(np.random.default_rng(5), 800, 0.2, before=0.7, after=0.7)

    gates = {gate.name: gate for gate in judge_with_segments({"report": report, "subject": ""}, POLICY).gates}

    assert (gates["cure"].verdict, gates["cure"].value) == ("pass", gates["holdout"].value)


def test_of_a_segment_that_is_declared_no_more_nobody_can_say_whether_it_is_better() -> None:
    report = a_ruined(np.random.default_rng(5), 800, 0.2, before=0.7, after=0.2)

    assert verdicts(report, "gone")["cure"] == "insufficient"


def test_a_report_that_tells_of_no_segment_is_no_pass() -> None:
    report = a_ruined(np.random.default_rng(5), 800, 0.2, before=0.7, after=0.2)
    del report["segments"], report["entrants"][0]["segments"]

    found = verdicts(report)

    assert (found["segments"], found["cure"]) == ("insufficient", "pass")


def test_segments_that_nobody_asks_for_are_told_and_turn_nobody_away() -> None:
    report = a_ruined(np.random.default_rng(1), 600, 0.25, before=0.2, after=0.8)

    found = judge_with_segments({"report": report, "subject": ""}, Policy.from_json({"segments": SPLITS}))

    assert {gate.name: gate.verdict for gate in found.gates}["segments"] == "fail"
    assert found.passed


def test_blocks_of_a_segment_add_up_to_those_of_the_whole() -> None:
    chance = np.random.default_rng(2)
    values, where = fixed(chance.normal(size=73), 1.0), chance.integers(0, 3, 73)

    found = by_segment([where == k for k in range(3)], values, BLOCKS)

    whole = [block(part) for part in np.array_split(values, BLOCKS)]
    assert np.array(found).sum(axis=0).tolist() == whole


@pytest.mark.parametrize("name", ["segments", "cure"])
def test_a_policy_that_asks_for_segments_and_declares_none_is_refused_by_its_field(name: str) -> None:
    with pytest.raises(PolicyInvalid, match=f"^gates.mandatory: '{name}' is not accepted where segments.splits"):
        Policy.from_json({"gates": {"mandatory": ["holdout", name]}})


def two(small: float) -> dict[str, Any]:
    """Give a candidate that ruins `s0` beside one that saves less in the whole, and errs there at the rate *small*."""
    report, other = (a_ruined(np.random.default_rng(1), 600, 0.25, before=0.2, after=rate) for rate in (0.8, small))
    [steady] = other["entrants"]
    lead = [[rows, total // 2, squares // 2] for rows, total, squares in steady["lead"]]
    return {**report, "entrants": [*report["entrants"], {**steady, "name": "half", "lead": lead}]}


def test_who_ruins_a_segment_does_not_shut_out_who_does_not() -> None:
    report = two(small=0.2)

    assert choose(report, Policy.from_json({"segments": SPLITS})).name == "all"
    assert choose(report, POLICY).name == "half"
    assert judge_with_segments({"report": report, "subject": ""}, POLICY).passed


def test_where_all_ruin_one_the_winner_of_the_whole_is_refused_for_it() -> None:
    report = two(small=0.8)

    found = judge_with_segments({"report": report, "subject": ""}, POLICY)

    assert (found.chosen, found.passed) == (choose(report, Policy()).name, False)
    assert {gate.name: gate.verdict for gate in found.gates}["segments"] == "fail"
