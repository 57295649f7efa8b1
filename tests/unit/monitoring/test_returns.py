"""What has left is back when that is as sure as its leaving; what leaves first is told as any watch tells it."""

from __future__ import annotations

import numpy as np
import pytest

from monitoring.drift.departures import Departures
from monitoring.drift.dictionary import Dictionary
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
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
