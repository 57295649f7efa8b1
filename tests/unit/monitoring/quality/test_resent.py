"""Claims about rows that are ingested again: counted where a run of them comes again, not where single rows do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from monitoring.quality.resent import MEMORY, RUN, Trail, digests, learn_resent

Floats = npt.NDArray[np.float64]
WINDOW = 100


def rows_of(count: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, 3))


def behind(*windows: Floats) -> Trail:
    trail = Trail()
    for one in windows:
        trail = trail.after(digests(one))
    return trail


def test_rows_that_come_again_in_their_order_are_counted() -> None:
    before, now = rows_of(WINDOW, 1), rows_of(WINDOW, 2)
    now[20:60] = before[10:50]

    assert behind(before).resent(digests(now)) == 40


def test_a_batch_that_lay_across_two_windows_is_counted_whole() -> None:
    first, second, now = (rows_of(WINDOW, seed) for seed in range(3))
    now[:20] = np.concatenate([first, second])[90:110]

    assert behind(first, second).resent(digests(now)) == 20


@pytest.mark.parametrize("window", [RUN, 700, 5_000])
def test_a_run_is_found_in_windows_of_any_size_and_in_each_that_is_looked_back_on(window: int) -> None:
    before = [rows_of(window, seed) for seed in range(MEMORY)]

    for one in before:
        now = rows_of(window, MEMORY)
        now[-RUN:] = one[:RUN]
        assert behind(*before).resent(digests(now)) == RUN


def test_a_trail_of_rows_is_cut_into_windows_from_their_end() -> None:
    rows = rows_of(WINDOW * (MEMORY + 2) + 30, 1)

    trail = Trail.of(rows, WINDOW)

    assert len(trail.windows) == MEMORY
    assert trail.resent(digests(rows[-WINDOW * MEMORY :])) == WINDOW * MEMORY
    assert trail.resent(digests(rows[: WINDOW + 30])) == 0
    assert Trail.of(rows[:30], WINDOW).resent(digests(rows[:30])) == 30


def test_rows_that_come_for_the_first_time_are_not_counted() -> None:
    assert behind(rows_of(WINDOW, 1), rows_of(WINDOW, 2)).resent(digests(rows_of(WINDOW, 3))) == 0


def test_single_rows_and_short_runs_may_come_again() -> None:
    before, now = rows_of(WINDOW, 1), rows_of(WINDOW, 2)
    now[::10] = before[::10]
    now[41 : 41 + RUN - 1] = before[11 : 11 + RUN - 1]

    assert behind(before).resent(digests(now)) == 0


def test_a_quiet_night_is_not_counted() -> None:
    quiet = np.ones((WINDOW, 3))

    assert behind(quiet).resent(digests(quiet)) == 0


def test_missing_values_come_again_as_others_do() -> None:
    before = rows_of(WINDOW, 1)
    before[:, 1] = np.nan

    assert behind(before).resent(digests(before)) == WINDOW


def test_what_lies_further_back_is_forgotten() -> None:
    first, *later = (rows_of(WINDOW, seed) for seed in range(MEMORY + 1))

    assert behind(first, *later[:-1]).resent(digests(first)) == WINDOW
    assert behind(first, *later).resent(digests(first)) == 0


@pytest.mark.parametrize("rows", [0, 1, RUN - 1])
def test_windows_that_are_shorter_than_a_run_have_none(rows: int) -> None:
    assert behind(rows_of(rows, 1)).resent(digests(rows_of(rows, 1))) == 0


def test_equal_rows_have_equal_digests_and_others_have_none_of_them() -> None:
    rows = np.random.default_rng(1).integers(0, 9, (20_000, 4)).astype(float)

    assert len(np.unique(digests(rows))) == len(np.unique(rows, axis=0))


def test_a_digest_does_not_depend_on_how_rows_lie_in_memory() -> None:
    rows = rows_of(WINDOW, 1)

    assert (digests(np.asfortranarray(rows)) == digests(rows)).all()


def test_the_reference_tells_what_share_of_a_window_comes_again_by_itself() -> None:
    calendar = np.column_stack([np.arange(1_000) % 24, np.arange(1_000) // 24 % 7]).astype(float)

    assert learn_resent(np.array_split(calendar, 4)) == 1.0
    assert learn_resent(np.array_split(rows_of(1_000, 1), 10)) == 0.0
