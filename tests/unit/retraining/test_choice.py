"""Claims about the bake-off's choice, its gates, its scope and its bytes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.losses import SCALE, fixed
from measures.sums import block
from retraining.artifact import Manifest, ManifestInvalid
from retraining.choice import choose
from retraining.dataset import Dataset, DatasetInvalid
from retraining.gates import judge, judge_with_segments
from retraining.scope import Entrant, Spec, challengers, remedies, with_holdout
from statemachine.policies.policy import Policy
from statemachine.policies.sections import GATES, OF_SEGMENTS

POLICY = Policy()


def entry(name: str, remedy: str, lead: float, noise: float = 0.05, rows: int = 0) -> dict[str, Any]:
    values = np.full(200, lead) + noise * np.where(np.arange(200) % 2, 1.0, -1.0)
    blocks = [block(fixed(part, 1.0)) for part in np.array_split(values, 10)]
    return {
        "name": name, "remedy": remedy, "rows": [[0, rows]], "lead": blocks,
        "calibration": 0.0, "churn": 0.1, "extreme": 0.0,
    }  # fmt: skip


def report(*entries: dict[str, Any]) -> dict[str, Any]:
    champion = [block(fixed(np.full(20, 0.4), 1.0)) for _ in range(10)]
    return {"rows": 200, "champion": champion, "entrants": list(entries)}


def test_doing_nothing_wins_when_nobody_leads_it() -> None:
    assert choose(report(entry("all", "refit", 0.0)), POLICY).name == "nothing"


def test_the_best_refit_wins() -> None:
    found = choose(report(entry("half", "refit", 0.1), entry("recent", "refit", 0.2)), POLICY)

    assert found.name == "recent"


def uneven(name: str, remedy: str, leads: list[float], rows: int = 0) -> dict[str, Any]:
    """Give an entrant whose lead differs from block to block."""
    blocks = [block(fixed(np.full(20, lead), 1.0)) for lead in leads]
    return {**entry(name, remedy, 0.0, rows=rows), "lead": blocks}


def test_a_lighter_remedy_within_one_standard_error_of_the_best_wins() -> None:
    lighter = uneven("recalibrate", "recalibrate", [0.1, 0.29] * 5)
    found = choose(report(lighter, uneven("recent", "refit", [0.2] * 10)), POLICY)

    assert found.name == "recalibrate"


def test_a_lighter_remedy_that_is_steadily_behind_loses_however_noisy_the_champion_is() -> None:
    ups_and_downs = [0.05, 0.3] * 5
    lighter = uneven("recalibrate", "recalibrate", [lead - 0.02 for lead in ups_and_downs])
    found = choose(report(lighter, uneven("recent", "refit", ups_and_downs)), POLICY)

    assert found.name == "recent"


@pytest.mark.parametrize(("lighter", "heavier"), [*pairwise(("recalibrate", "reweight", "restore", "refit"))])
def test_of_two_remedies_that_do_as_well_the_lighter_wins(lighter: str, heavier: str) -> None:
    found = choose(report(entry("heavier", heavier, 0.2), entry("lighter", lighter, 0.2)), POLICY)

    assert found.name == "lighter"


def test_of_refits_within_one_standard_error_the_one_that_learned_from_more_rows_wins() -> None:
    more = uneven("all", "refit", [0.1, 0.29] * 5, rows=2_000)
    found = choose(report(uneven("recent", "refit", [0.2] * 10, rows=1_000), more), POLICY)

    assert found.name == "all"


def test_of_refits_that_learned_from_as_many_rows_the_one_that_leads_by_more_wins() -> None:
    steady, uneasy = uneven("recent", "refit", [0.2] * 10), uneven("half", "refit", [0.1, 0.29] * 5)

    assert [choose(report(*both), POLICY).name for both in ((steady, uneasy), (uneasy, steady))] == ["recent"] * 2


@pytest.mark.parametrize(("ahead", "wins"), [(0.5, "recalibrate"), (-0.5, "recent")])
def test_a_standard_error_is_that_of_a_sample_of_blocks_about_their_mean(ahead: float, wins: str) -> None:
    """Behind by 4 and ahead by 1/2: 3.5 in all, with an error of 4.5; without Bessel's correction it would be 3.2.

    Behind by 4 and by 1/2: 4.5 in all, with an error of 3.5; about zero it would be 5.7.
    """
    theirs, mine = [6.0, 4.0], [2.0, 4.0 + ahead]
    best, lighter = (
        {**entry(name, remedy, 0.0), "lead": [[10, int(total * SCALE), int(total * SCALE)] for total in totals]}
        for name, remedy, totals in (("recent", "refit", theirs), ("recalibrate", "recalibrate", mine))
    )

    assert choose(report(best, lighter), POLICY).name == wins


def test_where_no_row_is_left_to_be_compared_on_all_are_as_good() -> None:
    nobody = [
        {**entry(name, remedy, 0.0), "lead": [[0, 0, 0]]} for name, remedy in (("all", "refit"), ("r", "restore"))
    ]

    assert choose(report(*nobody), Policy.from_json({"bakeoff": {"least_lead": 0, "least_gain": 0}})).name == "r"


def test_a_lead_below_the_least_gain_does_not_count() -> None:
    assert choose(report(entry("all", "refit", 0.003, noise=0.001)), POLICY).name == "nothing"


def test_every_mandatory_gate_must_pass() -> None:
    good, wild = entry("all", "refit", 0.2), {**entry("all", "refit", 0.2), "extreme": 0.9}

    assert judge({"report": report(good)}, POLICY).passed
    refused = judge({"report": report(wild)}, POLICY)
    assert not refused.passed
    assert {gate.name: gate.verdict for gate in refused.gates}["sanity"] == "fail"


def test_too_small_a_holdout_is_insufficient_and_no_pass() -> None:
    policy = Policy.from_json({"gates": {"least_sample": 500}})
    found = judge({"report": report(entry("all", "refit", 0.2))}, policy)

    assert not found.passed
    assert {gate.name: gate.verdict for gate in found.gates}["sample"] == "insufficient"


def test_no_entrant_trains_on_the_holdout() -> None:
    entrants = remedies(onset_row=1_500, mark=2_000, reference_rows=1_000, task="binary", pinned="v1", most=9)

    assert {one.name for one in entrants} == {"recalibrate", "restore", "since_change", "recent", "all"}
    assert all(end <= 2_000 for one in entrants for _, end in one.rows)


def test_the_winner_learns_the_holdout_too() -> None:
    moved = with_holdout(Entrant(name="recent", remedy="refit", rows=((500, 1_500),)), (1_500, 1_600))

    assert moved.rows == ((600, 1_600),)
    assert with_holdout(Entrant(name="all", remedy="refit", rows=((0, 1_500),)), (1_500, 1_600)).rows == ((0, 1_600),)


def test_all_history_enters_once_it_is_more_than_the_recent_rows() -> None:
    assert [one.name for one in challengers(1_000, 1_000)] == ["recent"]
    assert [one.name for one in challengers(1_400, 1_000)] == ["recent", "all"]


@given(st.integers(0, 9), st.integers(0, 3), st.integers(0, 10**6))
def test_a_dataset_reads_back_as_it_was_written(rows: int, features: int, first: int) -> None:
    chance = np.random.default_rng(rows)
    data = Dataset(
        first_row=first, rows=chance.normal(size=(rows, features)), labels=chance.normal(size=rows),
        outputs={"v1": np.full(rows, np.nan)},
    )  # fmt: skip

    again = Dataset.from_bytes(data.to_bytes())

    assert again.first_row == first
    np.testing.assert_array_equal(again.rows, data.rows)
    np.testing.assert_array_equal(again.labels, data.labels)
    assert again.to_bytes() == data.to_bytes()


@given(st.binary(max_size=200), st.integers(0, 200))
def test_hostile_bytes_are_refused_by_name(noise: bytes, cut: int) -> None:
    whole = Dataset(first_row=0, rows=np.ones((3, 2)), labels=np.ones(3), outputs={}).to_bytes()
    for data in (noise, whole[: min(cut, len(whole) - 1)], whole + noise + b"x", whole[:14] + noise):
        with pytest.raises(DatasetInvalid):
            Dataset.from_bytes(data)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"format": "pickle", "artifact_sha256": "", "task": ""}'])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        Manifest.from_bytes(data)


def test_a_spec_reads_back_as_it_was_written() -> None:
    spec = Spec(
        job="m-1", kind="remedy", model="m", task="binary", metric="accuracy", template="hgb-60", champion="v1",
        entrants=(Entrant(name="all", remedy="refit", rows=((0, 9),)),), holdout=(9, 12), blocks=3, unit=1.0, seed=0,
        dataset="d", features=[], classes=[],
    )  # fmt: skip

    assert Spec.from_json(spec.to_json()) == spec


def test_every_gate_that_a_policy_can_ask_for_is_judged_and_no_other() -> None:
    told = report(entry("all", "refit", 0.2))

    whole = judge({"report": told}, POLICY)
    with_segments = judge_with_segments({"report": told, "subject": ""}, POLICY)

    assert tuple(gate.name for gate in whole.gates) == GATES[: -len(OF_SEGMENTS)]
    assert tuple(gate.name for gate in with_segments.gates) == GATES
