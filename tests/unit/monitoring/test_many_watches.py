"""Many watches at once: each is told what it would be told alone."""

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.drift import compiled
from monitoring.drift.fleet import AT_ONCE, Fleet, Way
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch, Sight
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Reference

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


def turns(history: list[list[int]]) -> list[list[Sight]]:
    """Give what each watch is shown in each turn. Each shift lasts for three turns."""
    return [
        [
            Sight(150 * turn, window(at % 4, shifts[turn // 3], turn % 3), POLICIES[at % 3])
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
        told = [watch.observe(*one) for watch, one in zip(watches, turn, strict=True)]
        watches = [watch for watch, _ in told]
        said.append(in_bytes(watches, [finding for _, finding in told]))
    return said


def together(history: list[list[int]], order: list[int], way: Way | None) -> list[bytes]:
    fleet, said = Fleet([begun(at) for at in order], way), []
    places = [order.index(at) for at in range(len(history))]
    for turn in turns(history):
        sights = [turn[at] for at in order]
        found, watches = fleet.findings(sights, fleet.observe(sights)), fleet.watches
        said.append(in_bytes([watches[at] for at in places], [found[at] for at in places]))
    return said


@settings(deadline=None, max_examples=40)
@given(history=HISTORIES, chance=st.randoms(), way=st.sampled_from([None, compiled.WAY]))
def test_what_a_watch_is_told_does_not_depend_on_company_or_order_or_on_numba(
    history: list[list[int]], chance: object, way: Way | None
) -> None:
    order = sorted(range(len(history)), key=lambda _: chance.random())  # type: ignore[attr-defined]  # Hypothesis's own

    assert together(history, order, way) == alone(history)


def test_these_histories_have_every_verdict_and_watches_in_every_phase_at_once() -> None:
    history = [[0, 0, 4, 4, 0, 0], [0, 3, 3, 3, 3, 3], [0, 0, 0, 0, 0, 0], [2, 2, 2, 0, 0, 0], [0, 4, 0, 0, 0, 0]]
    fleet, phases, verdicts = Fleet([begun(at) for at in range(len(history))]), list[set[str]](), set[str]()
    for turn in turns(history):
        told = fleet.observe(turn)
        phases.append({watch.phase for watch in fleet.watches})
        verdicts |= {finding.verdict for finding in fleet.findings(turn, told)}

    assert verdicts == {"none", "alarm", "confirmed", "cleared"}
    assert {"watching", "suspect", "confirmed"} in phases


def test_those_alone_are_told_of_who_have_something_to_tell() -> None:
    history = [[0] * 6, [0, 4, 4, 4, 4, 4], [0] * 6]
    fleet, told = Fleet([begun(at) for at in range(len(history))]), list[tuple[int, str]]()
    for turn in turns(history):
        told += [(at, finding.verdict) for at, finding in fleet.observe(turn).items()]

    assert told == [(1, "alarm"), (1, "confirmed")]


def test_more_watches_than_lie_side_by_side_are_told_what_each_is_told_alone_whoever_leaves_and_comes_back() -> None:
    generator, count = np.random.default_rng(5), 2 * AT_ONCE + 50
    fleet, watches, verdicts = Fleet([begun(0)] * count), [begun(0)] * count, Counter[str]()
    for turn in range(12):
        shifts = np.where(generator.random(count) < 0.05, 3, 0).tolist()
        sights = [Sight(150 * turn, window(0, shift, turn % 3), POLICIES[1]) for shift in shifts]
        single = [watch.observe(*one) for watch, one in zip(watches, sights, strict=True)]
        watches, found = [watch for watch, _ in single], fleet.findings(sights, fleet.observe(sights))
        verdicts.update(finding.verdict for finding in found)

        assert in_bytes(fleet.watches, found) == in_bytes(watches, [finding for _, finding in single])
    assert min(verdicts["alarm"], verdicts["cleared"]) > 50


def test_dictionaries_that_are_equal_but_not_the_same_are_told_the_same() -> None:
    one = begun(0)
    fleet = Fleet([one, one._replace(dictionary=replace(one.dictionary)), one])
    sights = [Sight(0, window(0, 3, 0), POLICIES[1])] * 3

    found = fleet.findings(sights, fleet.observe(sights))

    assert len({in_bytes([watch], [finding]) for watch, finding in zip(fleet.watches, found, strict=True)}) == 1


def test_who_is_shown_no_rows_stands_as_before() -> None:
    suspect = begun(0)._replace(phase="suspect", accused=0, onset_row=7)
    before = [begun(0), begun(1), suspect, begun(0)]
    fleet, empty = Fleet(before), Profile(0, np.zeros(reference(0).starts[-1], np.int64))
    sights = [Sight(300, empty, POLICIES[1]), Sight(300, window(1, 0, 0), POLICIES[1])]
    sights += [Sight(300, empty, POLICIES[1]), Sight(300, window(0, 3, 0), POLICIES[1])]

    found = fleet.findings(sights, fleet.observe(sights))

    for at in (0, 2):
        assert in_bytes([fleet.watches[at]], [found[at]]) == in_bytes(
            [before[at]], [DriftFinding("none", 0.0, -1, 300)]
        )
    for at in (1, 3):
        watch, finding = before[at].observe(*sights[at])
        assert in_bytes([fleet.watches[at]], [found[at]]) == in_bytes([watch], [finding])


def test_nobody_is_told_nothing() -> None:
    assert Fleet([]).observe([]) == {}


def test_a_policy_that_changes_is_followed_from_then_on_as_if_alone() -> None:
    fleet, watches, verdicts = Fleet([begun(0), begun(1)]), [begun(0), begun(1)], list[str]()
    for turn in range(12):
        shift = (0, 2, 4, 0)[turn // 3]
        sights = [Sight(150 * turn, window(at, shift, turn % 3), POLICIES[turn // 2 % 3]) for at in (0, 1)]
        single = [watch.observe(*one) for watch, one in zip(watches, sights, strict=True)]
        watches, found = [watch for watch, _ in single], fleet.findings(sights, fleet.observe(sights))
        verdicts += [finding.verdict for finding in found]

        assert in_bytes(fleet.watches, found) == in_bytes(watches, [finding for _, finding in single])
    assert {"alarm", "confirmed", "cleared"} <= set(verdicts)


def test_who_has_no_alternatives_is_told_nothing_by_evidence_that_is_shared() -> None:
    ones, policy = np.ones((12, 1)), POLICIES[0]
    known = learn([Column(name="a")], ones, ones[:, 0])
    watch, shown = DriftWatch.start(known, policy), profile(known, ones, ones[:, 0])

    evidence = watch.dictionary.evidence([shown.counts])

    assert evidence.shape == (1, 0)
    assert watch.observe(0, shown, policy, evidence) == (watch, DriftFinding("none", 0.0, -1, 12))
