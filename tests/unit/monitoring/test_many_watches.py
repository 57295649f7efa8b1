"""Many watches at once: each is told what it would be told alone."""

from dataclasses import replace
from functools import cache

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring import drift
from monitoring.drift import DriftFinding, DriftWatch, Shown, observe_all
from monitoring.learning import learn
from monitoring.profile import Profile, profile
from monitoring.promises import DriftThresholds
from monitoring.reference import Column, Reference

NUMERIC = [Column(name="a"), Column(name="b")]
MIXED = [*NUMERIC, Column(name="c", kind="categorical", categories=6)]
SHIFTS = (0.0, 0.0, 0.4, 1.0, 3.0)
POLICIES = tuple(
    DriftThresholds(false_alarm_windows=often, clear=clear, confirm=confirm)
    for often, clear, confirm in ((1_000.0, 20.0, 100.0), (20.0, 3.0, 10.0), (5.0, 40.0, 10.0))
)
HISTORIES = st.lists(st.lists(st.integers(0, len(SHIFTS) - 1), min_size=6, max_size=6), min_size=2, max_size=9)


@cache
def reference(number: int) -> Reference:
    """Give one of four references: two of three features, one of two, and one that can tell nothing from itself."""
    if number == 3:
        return learn(MIXED, np.ones((12, 3)), np.ones(12))
    generator = np.random.default_rng(number)
    rows = np.column_stack([generator.normal(size=(2_000, 2)), generator.integers(0, 6, 2_000)])
    return learn(MIXED, rows, rows[:, 0]) if number < 2 else learn(NUMERIC, rows[:, :2], rows[:, 0])


@cache
def window(number: int, shift: int, at: int) -> Profile:
    generator, known = np.random.default_rng([number, shift, at]), reference(number)
    rows = np.column_stack([generator.normal(SHIFTS[shift], 1, size=(150, 2)), generator.integers(0, 6, 150)])
    return profile(known, rows[:, : len(known.features) - 1], rows[:, 0])


def turns(history: list[list[int]]) -> list[list[Shown]]:
    """Give what each watch is shown in each turn; the watches are to be filled in. Each shift lasts for three turns."""
    return [
        [
            Shown(begun(at), 150 * turn, window(at % 4, shifts[turn // 3], turn % 3), POLICIES[at % 3])
            for at, shifts in enumerate(history)
        ]
        for turn in range(18)
    ]


def begun(at: int) -> DriftWatch:
    return DriftWatch.start(reference(at % 4), POLICIES[at % 3])


def in_bytes(watches: list[DriftWatch], found: list[DriftFinding]) -> bytes:
    return orjson.dumps([[one.to_json() for one in watches], [one.to_json() for one in found]])


def alone(history: list[list[int]]) -> list[bytes]:
    watches, said = [begun(at) for at in range(len(history))], []
    for turn in turns(history):
        told = [watch.observe(one.start_row, one.window, one.policy) for watch, one in zip(watches, turn, strict=True)]
        watches = [watch for watch, _ in told]
        said.append(in_bytes(watches, [finding for _, finding in told]))
    return said


def together(history: list[list[int]], order: list[int]) -> list[bytes]:
    watches, said = [begun(at) for at in range(len(history))], []
    for turn in turns(history):
        found = dict(zip(order, observe_all([turn[at]._replace(watch=watches[at]) for at in order]), strict=True))
        watches = [found[at][0] for at in range(len(history))]
        said.append(in_bytes(watches, [found[at][1] for at in range(len(history))]))
    return said


@settings(deadline=None, max_examples=40)
@given(history=HISTORIES, chance=st.randoms())
def test_what_a_watch_is_told_does_not_depend_on_company_or_order(history: list[list[int]], chance: object) -> None:
    order = sorted(range(len(history)), key=lambda _: chance.random())  # type: ignore[attr-defined]  # Hypothesis's own

    assert together(history, order) == alone(history)


def test_these_histories_have_every_verdict_and_watches_in_every_phase_at_once() -> None:
    history = [[0, 0, 4, 4, 0, 0], [0, 3, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0], [2, 2, 2, 0, 0, 0], [0, 4, 0, 0, 0, 0]]
    watches, phases, verdicts = [begun(at) for at in range(len(history))], list[set[str]](), set[str]()
    for turn in turns(history):
        told = observe_all([one._replace(watch=watch) for one, watch in zip(turn, watches, strict=True)])
        watches = [watch for watch, _ in told]
        phases.append({watch.phase for watch in watches})
        verdicts |= {finding.verdict for _, finding in told}

    assert verdicts == {"none", "alarm", "confirmed", "cleared"}
    assert {"watching", "suspect", "confirmed"} in phases


def test_more_watches_than_are_shown_at_once_are_told_what_each_is_told_alone() -> None:
    generator, known = np.random.default_rng(5), reference(0)
    counts = [window(0, 0, at % 3).counts + generator.integers(0, 3, known.starts[-1]) for at in range(300)]
    shown = [Shown(begun(0), 0, Profile(150, one), POLICIES[0]) for one in counts]

    told = observe_all(shown)

    assert len(shown) > 2 * drift.AT_ONCE
    single = [one.watch.observe(0, one.window, one.policy) for one in shown]
    assert in_bytes(*map(list, zip(*told, strict=True))) == in_bytes(*map(list, zip(*single, strict=True)))


def test_dictionaries_that_are_equal_but_not_the_same_are_told_the_same() -> None:
    one = begun(0)
    twin = replace(one, dictionary=replace(one.dictionary))
    shown = [Shown(watch, 0, window(0, 3, 0), POLICIES[1]) for watch in (one, twin, one)]

    told = observe_all(shown)

    assert len({in_bytes([watch], [finding]) for watch, finding in told}) == 1


def test_nobody_is_told_nothing() -> None:
    assert observe_all([]) == []
