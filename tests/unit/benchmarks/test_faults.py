"""Claims about the benchmark that plants faults: what it counts as found, as named, and as a finding elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from backtest.stream import Column, Stream
from benchmarks.faults import FAULTS, WINDOWS, Reports, Tally, World, count

ROWS, REFERENCE = 4_000, 800


def a_world() -> World:
    chance = np.random.default_rng(5)
    columns = (
        Column(name="x", values=chance.normal(20, 3, ROWS)),
        Column(name="y", values=chance.normal(5, 1, ROWS)),
        Column(name="word", values=chance.integers(0, 3, ROWS), words=("a", "b", "c")),
    )
    return World.of(
        Stream(
            name="s", task="regression", columns=columns, labels=np.zeros(ROWS), classes=(), reference_rows=REFERENCE,
            times_us=np.arange(ROWS),
        )
    )  # fmt: skip


def quiet(first: int) -> Reports:
    return {number: set() for number in range(first, first + WINDOWS)}


def test_a_world_without_faults_reports_none() -> None:
    world = a_world()

    assert not any(world.reports(world.rows).values())


@pytest.mark.parametrize(
    "name",
    [
        "missing, 3 of 10",
        "stuck at its last value",
        "a new word, 3 of 10",
        "each row twice",
        "-9999, 1 row",
        "each row again a window later",
    ],
)
def test_a_plain_fault_is_found_and_named(name: str) -> None:
    world, tally, fault = a_world(), Tally(), FAULTS[name]
    made = world.planted(fault, 1)
    assert made is not None
    where, first, rows = made

    count(tally, fault.kind, where, first, world.reports(world.rows), world.reports(rows))

    assert (tally.planted, tally.found, tally.named, tally.elsewhere) == (1, 1, 1, 0)


def test_a_fault_changes_only_the_windows_that_it_lasts_for() -> None:
    world = a_world()
    made = world.planted(FAULTS["times 10"], 1)
    assert made is not None
    _, first, rows = made

    changed = np.flatnonzero((rows != world.rows).any(axis=1))

    start = REFERENCE + first * world.window
    assert (changed.min(), changed.max() + 1) == (start, start + WINDOWS * world.window)


def test_a_fault_that_was_reported_anyway_is_not_found() -> None:
    plain, broken, tally = quiet(3), quiet(3), Tally()
    plain[4], broken[4] = {("x", "missing")}, {("x", "missing")}

    count(tally, "missing", "x", 3, plain, broken)

    assert (tally.found, tally.named, tally.delays) == (0, 0, [])


def test_a_fault_by_another_name_is_found_but_not_named() -> None:
    broken, tally = quiet(3), Tally()
    broken[4] = {("x", "out_of_range"), ("y", "missing")}

    count(tally, "unit_change", "x", 3, quiet(3), broken)

    assert (tally.found, tally.named, tally.delays, tally.elsewhere) == (1, 0, [2], 1)
    assert tally.called == {"out_of_range": 1}
