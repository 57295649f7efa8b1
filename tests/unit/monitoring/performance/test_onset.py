"""Claims about onsets: one change of a mean is dated to a window, and none is not dated."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from measures.losses import fixed
from measures.sums import Block, block
from monitoring.performance.onset import likeliest

WINDOW, PER_WINDOW = 50, 5
LEVEL = 0.2


def life(seed: int, quiet: int, loud: int, *, before: float = LEVEL, after: float = 0.4) -> list[Block]:
    """Give blocks of losses of 0 and 1: so many windows *before* a change of their mean, and *after* it."""
    chance = np.random.default_rng(seed)
    means = np.repeat([before, after], [quiet * WINDOW, loud * WINDOW])
    lost = (chance.random(len(means)) < means).astype(float)
    size = WINDOW // PER_WINDOW
    return [block(fixed(lost[at : at + size], 1.0)) for at in range(0, len(lost), size)]


dated = partial(likeliest, level=LEVEL, window=WINDOW, step=PER_WINDOW)


@pytest.mark.parametrize("loud", [3, 6, 12])
def test_a_loss_that_doubles_is_dated_within_two_windows_in_nine_lives_of_ten(loud: int) -> None:
    off = [abs(dated(life(seed, 12, loud)).index / PER_WINDOW - 12) for seed in range(200)]

    assert np.mean(np.array(off) <= 2) >= 0.9


def test_a_champion_that_was_worse_than_its_level_all_along_is_dated_by_what_came_later() -> None:
    """The loudest span above the level reaches back to the first row; what rose, rose behind it."""
    off = [abs(dated(life(seed, 12, 4, before=0.3, after=0.6)).index / PER_WINDOW - 12) for seed in range(200)]

    assert np.mean(np.array(off) <= 2) >= 0.9


def test_a_loss_that_was_high_from_its_first_block_on_is_dated_there() -> None:
    found = [dated(life(seed, 0, 4, after=0.6)).index for seed in range(100)]

    assert np.mean(np.array(found) <= PER_WINDOW) >= 0.95


def test_a_mean_that_does_not_change_seldom_looks_as_if_it_had() -> None:
    loud = [dated(life(seed, 20, 0)).nats > 5 for seed in range(400)]

    assert np.mean(loud) <= 0.05


def test_a_mean_that_falls_has_no_rise() -> None:
    assert dated(life(0, 0, 10, after=LEVEL / 2)[:PER_WINDOW] + life(1, 0, 9, after=0.0)).nats < 1


def test_no_blocks_have_no_onset() -> None:
    assert dated([]).nats == 0.0


def test_how_much_likelier_a_change_is_than_none_is_what_it_explains_in_variances_of_a_row() -> None:
    """200 rows at 0.3 behind 40 that are thought to be there, then 200 at 0.6; variances 0.21 and 0.24, and one row."""
    found = likeliest([[10, 3 << 20, 3 << 20]] * 20 + [[10, 6 << 20, 6 << 20]] * 20, 0.3, 20)

    explained, variance = 0.3**2 * 240 * 200 / 440, (0.21 * 200 + 1 + 0.24 * 200 + 1) / 400
    assert found.index == 20
    assert found.nats == pytest.approx(explained / (2 * variance))
