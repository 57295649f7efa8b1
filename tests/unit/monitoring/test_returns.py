"""What has left is back when that is as sure as its leaving; what leaves first is told as any watch tells it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from monitoring.drift.departures import Departures
from monitoring.drift.dictionary import Dictionary
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.alternatives import FINER, NATS, ladder
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Column, Floats, Reference

POLICY = DriftThresholds()
COLUMNS = [Column(name="a"), Column(name="b")]


def reference() -> Reference:
    rows = np.random.default_rng(1).normal(size=(2_000, 3))
    return learn(COLUMNS, rows[:, :2], rows[:, 2])


def windows(*parts: tuple[int, float]) -> list[Floats]:
    """Give windows of so many rows, of which `b` is so many deviations away; behind both stands what is put out."""
    chance, found = np.random.default_rng(2), list[Floats]()
    for rows, away in parts:
        drawn = chance.normal(size=(rows, 3))
        drawn[:, 1] += away
        found.append(drawn)
    return found


def told(watch: Departures | DriftWatch, known: Reference, shown: list[Floats]) -> list[DriftFinding]:
    at, alarms = 0, list[DriftFinding]()
    for rows in shown:
        watch, finding = watch.observe(at, profile(known, rows[:, :2], rows[:, 2]), POLICY)
        alarms += [finding] * (finding.verdict == "alarm")
        at += len(rows)
    return alarms


@pytest.mark.parametrize(("visit", "times"), [(30, 1), (200, 2)])
def test_a_visit_that_is_too_short_to_be_sure_of_is_no_return(visit: int, times: int) -> None:
    known = reference()
    shown = windows(*[(100, 0.0)] * 4, *[(100, 1.0)] * 6, (visit, 0.0), *[(100, 1.0)] * 10)

    found = told(Departures.start(Dictionary.of(known, POLICY.tolerance)), known, shown)

    assert [one.features[0]["name"] for one in found] == ["b"] * times


def test_what_leaves_first_is_told_as_by_a_watch_over_one_change() -> None:
    known = reference()
    shown = windows(*[(100, 0.0)] * 4, *[(100, 0.5)] * 8)

    mine, others = (
        told(start, known, shown)
        for start in (Departures.start(Dictionary.of(known, POLICY.tolerance)), DriftWatch.start(known, POLICY))
    )

    assert [(one.features, one.onset_row, one.row) for one in mine] == [
        (one.features, one.onset_row, one.row) for one in others
    ]
    assert len(mine) == 1


def departed(dictionary: Dictionary, accused: int) -> Departures:
    start = Departures.start(dictionary)
    return replace(start, accused=(accused, *start.accused[1:]))


def suspected(dictionary: Dictionary, accused: int) -> DriftWatch:
    zero = np.zeros_like(dictionary.offsets)
    return DriftWatch(dictionary, zero, zero, phase="suspect", accused=accused, onset_row=0)


@pytest.mark.parametrize("start", [departed, suspected])
def test_a_row_speaks_for_a_return_by_one_on_average_while_a_feature_is_away_as_accused(
    start: Callable[[Dictionary, int], Departures | DriftWatch],
) -> None:
    """A likelihood ratio of what is expected to what is accused: of a shift that small the tolerance takes some off."""
    known, [row] = reference(), windows((1, 0.0))
    dictionary = Dictionary.of(known, POLICY.tolerance)
    accused, law = dictionary.names[0].index("shift +0.2"), dict(ladder(known.features[0], FINER))["shift +0.2"]
    watch, window, mean = start(dictionary, accused), profile(known, row[:, :2], row[:, 2]), 0.0
    for chance, slot in zip(law, np.eye(len(window.counts), dtype=np.int64), strict=False):
        after, _ = watch.observe(0, window, POLICY, dictionary.evidence([slot]))
        mean += chance * math.exp((after.reverse if isinstance(after, DriftWatch) else after.reverse[0]) / NATS)

    assert dictionary.offsets[accused] > 0
    assert mean == pytest.approx(1.0, abs=1e-5)
