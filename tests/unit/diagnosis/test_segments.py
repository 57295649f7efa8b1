"""Claims about the cause "segment": one declared part of the rows rose alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from diagnosis.answer import Attribution, BoundedCause
from diagnosis.inputs import Feature, Table
from diagnosis.judge import SURE, judge
from diagnosis.segments import local
from measures.losses import fixed
from measures.sums import block
from statemachine.policies import sections

POLICY = sections.Diagnosis()
SEGMENTS, SHARE = 8, 0.08


def world(seed: int, ill: float = 0.2, others: float = 0.2) -> tuple[list[dict[str, Any]], tuple[list[int], list[int]]]:
    """Give sums of 0/1 losses, of which one in five was bad before, of 8 segments and of all rows."""
    chance, found, whole = np.random.default_rng(seed), list[tuple[list[int], ...]](), list[list[int]]()
    for rows, rates in ((1_000, (0.2, 0.2)), (800, (ill, others))):
        where = chance.choice(SEGMENTS + 1, size=rows, p=[*[SHARE] * SEGMENTS, 1 - SEGMENTS * SHARE])
        lost = fixed((chance.random(rows) < np.where(where == 1, *rates)).astype(float), 1.0)
        found.append(tuple(block(lost[where == k]) for k in range(SEGMENTS)))
        whole.append(block(lost))
    told = [
        {"name": f"region={k}", "column": "region", "before": before, "after": after}
        for k, (before, after) in enumerate(zip(*found, strict=True))
    ]
    return told, (whole[0], whole[1])


def named(seed: int, ill: float = 0.2, others: float = 0.2) -> str:
    """Name the segment that rose alone."""
    found = local(*world(seed, ill, others), POLICY)
    return found.part.note.split(":")[0] if found else ""


def segment(bad: int) -> dict[str, Any]:
    """Give a segment that had 96 bad rows of 480, and since so many of 120."""
    sums = {"before": [480, 96 << 20, 96 << 20], "after": [120, bad << 20, bad << 20]}
    return {"name": "region=north", "column": "region", **sums}


def test_the_segment_that_rose_alone_is_named_in_nine_of_ten_worlds() -> None:
    found = [named(seed, ill=0.6) for seed in range(30)]

    assert found.count("region=1") >= 27
    assert set(found) <= {"region=1", ""}


def test_a_policy_may_ask_for_more_errors_than_a_chance_can_be_told_of() -> None:
    (*others, _), whole = world(1, ill=0.6)
    sure = {"name": "region=9", "column": "region", "before": [5_000, 0, 0], "after": [5_000, 5_000 << 20, 5_000 << 20]}
    rows = ([6_000, 1_000 << 20, 1_000 << 20], [6_000, 5_200 << 20, 5_200 << 20])

    asked = [sections.Diagnosis(errors=errors) for errors in (50.0, 100.0)]

    assert [local([*others, sure], rows, one) is not None for one in asked] == [True, True]
    assert [local([*others], whole, one) for one in asked] == [None, None]


def test_none_is_named_where_nothing_rose_or_all_did() -> None:
    """A test at 2.5 standard errors names one of 160 by chance, whatever the number of segments."""
    found = [named(seed) for seed in range(300)] + [named(seed, ill=0.5, others=0.5) for seed in range(30)]

    assert len(found) - found.count("") <= 5


@pytest.mark.parametrize(("before", "since", "told"), [(9, 40, False), (10, 40, True), (40, 9, False), (40, 10, True)])
def test_of_fewer_than_ten_rows_before_or_since_nothing_is_told(before: int, since: int, *, told: bool) -> None:
    few = {"name": "few", "column": "x", "before": [before, 0, 0], "after": [since, since << 20, since << 20]}
    all_of = [1_000, 0, 0], [1_000 + since, since << 20, since << 20]

    assert (local([few], all_of, POLICY) is not None) is told


def test_a_segment_is_the_cause_where_the_whole_has_not_clearly_risen(
    planted: Callable[..., dict[str, Any]],
) -> None:
    inputs = planted("none", 3)
    ill = segment(72)

    found = judge({**inputs, "segments": [ill]}, POLICY)

    assert (found.cause, found.causes[0].features) == ("segment", ("region",))
    assert "region=north: loss 0.2 before and 0.6 since, on 8 % of the rows" in found.causes[0].note
    assert found.confidence > 0


@pytest.mark.parametrize("fault", ["concept", "covariate"])
def test_a_cause_that_left_its_pattern_stays_the_first(planted: Callable[..., dict[str, Any]], fault: str) -> None:
    inputs = planted(fault, 3)
    calm = segment(24)

    assert judge({**inputs, "segments": [calm]}, POLICY) == judge(inputs, POLICY)


def test_confidence_in_a_segment_grows_with_how_clearly_it_rose_up_to_the_share_that_it_has(
    planted: Callable[..., dict[str, Any]],
) -> None:
    inputs = planted("none", 3)
    for bad in (48, 72):
        found = judge({**inputs, "segments": [segment(bad)]}, POLICY)
        alone = local([segment(bad)], all_rows(inputs), POLICY)

        assert alone is not None
        assert (alone.errors < SURE) is (bad == 48)
        assert found.confidence == pytest.approx(found.causes[0].share * min(1.0, alone.errors / SURE), abs=1e-6)


def all_rows(inputs: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Give the sums of all rows, before and since."""
    feature = Feature(*(inputs["layout"][0][name] for name in ("name", "start", "slots")))
    tables = [Table.from_json(inputs[when]).cut(feature) for when in ("reference", "current")]
    before, since = ([table.total, int(table.loss.sum()), int(table.squares.sum())] for table in tables)
    return before, since


def risen_for_the_most_part(inputs: dict[str, Any]) -> dict[str, Any]:
    """Give a segment of all rows but a few, whose loss stayed what all rows had before."""
    before, since = all_rows(inputs)

    def without(few: int, whole: list[int]) -> list[int]:
        calm = (few, *(total * few // before[0] for total in before[1:]))
        return [a - b for a, b in zip(whole, calm, strict=True)]

    sums = without(600, before), without(since[0] // 4, since)
    return {"name": "region=south", "column": "region", "before": sums[0], "after": sums[1]}


def test_a_segment_that_has_the_rise_stands_behind_a_cause_that_left_its_pattern(
    planted: Callable[..., dict[str, Any]],
) -> None:
    inputs = planted("concept", 3)
    plain, beside = judge(inputs, POLICY), judge({**inputs, "segments": [risen_for_the_most_part(inputs)]}, POLICY)

    *others, last = beside.causes
    assert tuple(others) == plain.causes
    assert (last.kind, last.share, last.features) == ("segment", 0.0, ("region",))


def test_a_segment_that_has_the_rise_is_the_cause_where_no_other_is_found_and_stands_behind_faults_that_are_seen(
    planted: Callable[..., dict[str, Any]],
) -> None:
    thin = [planted("noisy", seed, rows) for seed in range(10) for rows in (50, 80)]
    found = [(one, judge(one, POLICY)) for one in thin]
    inputs = next(one for one, plain in found if plain.cause == "unknown" and plain.rise > POLICY.errors * plain.error)
    ill = risen_for_the_most_part(inputs)
    fault = {"feature": "idle", "kind": "absurd", "slots": [], "log_evidence": 9.3, "onset_row": 10_010, "share": 0.02}

    alone = judge({**inputs, "segments": [ill]}, POLICY)
    beside = judge({**inputs, "segments": [ill], "quality": [fault]}, POLICY)

    assert (alone.cause, alone.causes[0].features) == ("segment", ("region",))
    assert alone.confidence > 0
    assert [one.kind for one in beside.causes][:2] == ["data_quality", "segment"]


def test_a_segment_has_the_share_of_the_rise_that_is_its_own_and_never_more_than_all_of_it(
    planted: Callable[..., dict[str, Any]],
) -> None:
    calm = planted("none", 3)
    more = judge({**calm, "segments": [segment(72)]}, POLICY)
    found = [in_part(planted("noisy", seed, rows)) for seed in range(10) for rows in (50, 80)]
    parts = [each for each in found if each.cause == "segment" and each.rise > 0]

    assert more.causes[0].effect > more.rise
    assert more.causes[0].share == 1
    assert parts
    assert all(each.causes[0].share == pytest.approx(each.causes[0].effect / each.rise, abs=1e-4) for each in parts)
    assert max(each.causes[0].share for each in parts) < 1


def in_part(inputs: dict[str, Any]) -> Attribution[BoundedCause]:
    """Judge a world with a segment that has most of the rise, though not all of it."""
    ill, (before, since) = risen_for_the_most_part(inputs), all_rows(inputs)
    ill["after"][1] -= round((since[1] - before[1] * since[0] / before[0]) / 20)
    return judge({**inputs, "segments": [ill]}, POLICY)


def test_drift_is_no_cause_beside_a_segment_that_rose_alone(planted: Callable[..., dict[str, Any]]) -> None:
    drifted = {"name": "noise", "change": "shift +1.0", "log_evidence": 40.0}
    inputs = {**planted("none", 3), "drift": [drifted]}

    plain, beside = judge(inputs, POLICY), judge({**inputs, "segments": [segment(72)]}, POLICY)

    assert plain.cause == "covariate_drift"
    assert "covariate_drift" not in {one.kind for one in beside.causes}
