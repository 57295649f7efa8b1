"""Claims about the shapes by which detectors of drift are measured."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detectors.shapes import SHAPES, Shaped, follow
from benchmarks.detectors.worlds import Law, calm, reference, windows
from monitoring.drift.learned import LearnedWatch
from monitoring.drift.promises import DriftThresholds

#: In total variation: what moves, of the share of values that are known.
MOVED = (0.03 * 63 / 64, 0.1 * 63 / 64, 0.15 / 4, 0.4 / 8)


@pytest.mark.parametrize(("shape", "moved"), list(zip(SHAPES, MOVED, strict=True)))
def test_a_shape_moves_the_share_of_values_that_it_says_and_no_more(shape: str, moved: float) -> None:
    feature = reference((Law(), Law(missing=0.0)), np.random.default_rng(1), 20_000).features[0]

    before, after = Law().slots(feature), Shaped(shape=shape).slots(feature)

    assert after.sum() == pytest.approx(1.0)
    assert np.abs(after - before).sum() / 2 == pytest.approx(moved * 0.98, rel=0.1)


def test_windows_in_which_nothing_happens_are_watched_and_raise_nothing() -> None:
    past = reference(calm(), np.random.default_rng(1), 5_000)
    counts = windows(past, calm(), np.random.default_rng(2), 200, 20)

    _, alarms, watched = follow(LearnedWatch.start(past), counts, DriftThresholds())

    assert (alarms, watched) == ([], 20)
