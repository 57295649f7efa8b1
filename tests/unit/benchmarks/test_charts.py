"""Levels of many windows at once are those of one after another."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.detectors import charts
from benchmarks.detectors.charts import Chart, e_detector, peers
from benchmarks.detectors.worlds import calm, changed, reference, windows


@pytest.mark.parametrize("chart", [e_detector(0.0), *peers()], ids=lambda chart: chart.name)
def test_levels_of_many_windows_are_those_of_one_after_another_across_alarms(chart: Chart) -> None:
    rng = np.random.default_rng(3)
    past = reference(calm(), rng, 2_000)
    counts = windows(past, changed(calm(), range(3), shift=0.3), rng, 200, charts.AT_ONCE + 90)
    threshold = float(np.median(chart.follow(past).levels(counts[:80])))
    one_by_one, together = (chart.follow(past, threshold) for _ in range(2))

    found = together.levels(counts)

    assert found.tolist() == [float(one_by_one.levels(each[None])[0]) for each in counts]
    assert math.isfinite(found.sum())
    assert 1 < (found >= threshold).sum() < len(found)
