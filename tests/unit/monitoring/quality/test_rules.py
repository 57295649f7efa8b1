"""Claims about rules: rows break them as the language says, and windows as the policy tolerates."""

from __future__ import annotations

import math

import cel
import numpy as np
import numpy.typing as npt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Column
from monitoring.quality.inspection import Inspection
from monitoring.quality.rules import broken, tolerated
from monitoring.quality.seen import Before, Seen
from monitoring.quality.shares import Counted, Share, ShareWatch, dispersion
from statemachine.policies.sections import Quality, Rule
from statemachine.record.canonical import canonical

Floats = npt.NDArray[np.float64]
WINDOW, REFERENCE = 100, 2_000
RULE = Rule(name="r", must="end >= start")
POLICY = Quality(rules=(RULE,))
SOUND: Counted = (0, REFERENCE)

EXPRESSIONS = [
    "a < b", "a <= b", "a > b", "a >= b", "a == b", "a != b", "a < 1", "-a < b", "a - b - c < 0.0", "a / b * c > 0.5",
    "a + b * c < 2.0", "(a + b) * c < 2.0", "a - (b - c) > 0.0", "!(a < b) && b < c", "a < b || b < c && c < a",
    "(a < b || b < c) && c < a", "!(a < b || b < c)", "true && a < b", "a < b || false", "-(a - b) < 1e-1 && 007.5 > c",
    "a * -1.0 < b && !!(b < c)",
]  # fmt: skip


def as_the_library_says(must: str, columns: dict[str, Floats], rows: int) -> Counted:
    kept = cel.compile(must).execute
    found = [bool(kept({name: float(values[i]) for name, values in columns.items()})) for i in range(rows)]
    return found.count(False), rows


def three_columns(seed: int, rows: int) -> dict[str, Floats]:
    """Give columns of few values, so that some are equal; none is 0, since 0.0 / 0.0 is not known."""
    chance = np.random.default_rng(seed)
    return {name: chance.choice([-2.0, -1.0, -0.5, 0.25, 1.0, 1.5, 3.0], rows) for name in "abc"}


@pytest.mark.parametrize("must", EXPRESSIONS)
def test_rows_break_a_rule_where_the_library_of_the_language_says_so(must: str) -> None:
    columns = three_columns(7, 300)

    assert broken([Rule(name="r", must=must)], columns, 300) == (as_the_library_says(must, columns, 300),)


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_a_row_without_a_number_that_the_rule_asks_for_keeps_it_and_breaks_it_not(lost: float) -> None:
    columns = {"end": np.array([1.0, lost, 3.0, lost]), "start": np.array([2.0, 1.0, 2.0, lost])}

    assert broken([RULE], columns, 4) == ((1, 2),)


#: What a number beyond 2^51 is added to has no place for a fraction, so that it is rounded.
WHOLE = Rule(name="whole", must="x + 67108864.0 * 100663296.0 - 67108864.0 * 100663296.0 == x")


@given(
    st.floats(-(2.0**51), 2.0**51) | st.integers(-(2**51), 2**51).map(float) | st.integers(-99, 99).map(lambda n: n / 2)
)
def test_a_rule_can_say_that_numbers_are_whole(value: float) -> None:
    columns = {"x": np.array([value])}

    assert broken([WHOLE], columns, 1) == ((int(value != math.floor(value)), 1),) == (
        as_the_library_says(WHOLE.must, columns, 1),
    )  # fmt: skip


@pytest.mark.parametrize("fraction", [0.4, 0.9])
def test_whole_numbers_that_get_a_fraction_keep_to_their_bins_and_break_the_rule(fraction: float) -> None:
    chance = np.random.default_rng(4)
    past, now = (np.round(chance.normal(200, 15, rows)) for rows in (REFERENCE, 40 * WINDOW))
    reference = learn([Column(name="x")], past[:, None], past)
    policy = Quality(rules=(WHOLE,))
    watches = [Inspection.start(reference, None, policy, Before(broken=one)) for one in ((), (SOUND,))]
    found: list[list[str]] = [[], []]
    for first in range(0, len(now), WINDOW):
        values = now[first : first + WINDOW] + fraction
        counts = broken([WHOLE], {"x": values}, WINDOW)
        seen = Seen(start_row=first, profile=profile(reference, values[:, None], values), repeats=0, broken=counts)
        for k, watch in enumerate(watches):
            watches[k], told = watch.observe(seen)
            found[k] += [one.feature for one in told]

    assert found[0] == []
    assert set(found[1]) == {"rule:whole"}
    assert len(found[1]) >= 39


def test_a_comparison_of_no_number_is_not_known() -> None:
    columns = {"a": np.array([0.0, 0.0, 1.0]), "b": np.array([0.0, 1.0, 0.0])}

    assert broken([Rule(name="r", must="a / b < 1")], columns, 3) == ((1, 2),)


def test_a_column_that_is_not_there_tells_nothing() -> None:
    assert broken([RULE], {"end": np.ones(5)}, 5) == ((0, 0),)


def begun(reference: Counted = SOUND, policy: Quality = POLICY) -> ShareWatch:
    return ShareWatch.start(tolerated([reference], policy), policy.false_alarm_windows, beside=100)


def watched(counts: list[int], reference: Counted = SOUND, policy: Quality = POLICY) -> list[tuple[Share, ...]]:
    watch, found = begun(reference, policy), []
    for number, bad in enumerate(counts):
        watch, now = watch.observe(number * WINDOW, [(bad, WINDOW)])
        found.append(now)
    return found


def test_a_rule_that_a_fifth_of_the_rows_breaks_is_named_and_dated_in_two_windows() -> None:
    found = watched([0, 0, 0, 20, 20])

    assert not any(found[:3])
    (fault,) = found[4]
    assert (fault.stream, fault.share, fault.tolerated, fault.onset_row) == (0, 0.2, 0.01, 300)


def test_a_rule_that_is_kept_again_is_named_no_more() -> None:
    found = watched([50, 50, 0, 0])

    assert [len(one) for one in found] == [1, 1, 0, 0]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.4])
def test_what_the_reference_broke_and_the_policy_tolerates_raises_nothing_in_ten_thousand_windows(share: float) -> None:
    """At the tolerated rate itself, which is twice the reference's share, or its share and the rule's tolerance."""
    tolerated = max(2 * share, share + RULE.tolerance)
    counts = np.random.default_rng(3).binomial(WINDOW, tolerated, 10_000).tolist()

    assert not any(watched(counts, (round(share * REFERENCE), REFERENCE)))


def test_a_rule_that_the_reference_breaks_throughout_is_not_judged() -> None:
    assert not any(watched([100] * 9, (REFERENCE * 3 // 4, REFERENCE)))


@pytest.mark.parametrize(("share", "judged"), [(0.44, True), (0.46, False)])
def test_a_rule_is_judged_where_the_reference_breaks_it_in_less_than_45_rows_of_100(
    share: float, *, judged: bool
) -> None:
    assert any(watched([100] * 9, (round(share * REFERENCE), REFERENCE))) is judged


def test_a_rule_of_which_the_reference_tells_nothing_is_judged_by_its_tolerance() -> None:
    assert watched([50, 50], (0, 0))[0][0].tolerated == RULE.tolerance


def test_rows_of_which_nothing_is_known_speak_neither_way() -> None:
    watch = begun()

    assert watch.observe(0, [(0, 0)]) == (watch, ())


def test_a_watch_goes_on_from_what_is_recorded() -> None:
    watch, _ = begun().observe(300, [(8, WINDOW)])

    again = begun().restored(orjson.loads(canonical(watch.to_json())))

    assert again == watch
    assert again.observe(400, [(20, WINDOW)])[1][0].onset_row == 300
    assert again.anew().observe(400, [(20, WINDOW)])[1][0].onset_row == 400


def clumped(seed: int, rows: int, share: float, length: float) -> npt.NDArray[np.bool_]:
    """Give rows of which *share* break a rule, in clumps of *length* on average, as a chain of two states has them."""
    chance, found = np.random.default_rng(seed), list[npt.NDArray[np.bool_]]()
    leaves = {True: 1 / length, False: share / length / (1 - share)}
    broken, told = bool(chance.random() < share), 0
    while told < rows:
        found.append(np.full(chance.geometric(leaves[broken]), broken))
        broken, told = not broken, told + len(found[-1])
    return np.concatenate(found)[:rows]


def blocks_of(rows: npt.NDArray[np.bool_], size: int) -> list[Counted]:
    return [(int(rows[k : k + size].sum()), size) for k in range(0, len(rows), size)]


@pytest.mark.parametrize(("share", "length"), [(0.05, 4), (0.2, 10), (0.6, 10)])
def test_rows_that_break_a_rule_in_clumps_are_as_dispersed_as_theory_says(share: float, length: float) -> None:
    """Sums of a chain of two states whose correlation is r from row to row vary (1 + r) / (1 - r) times as much."""
    r = 1 - 1 / length - share / length / (1 - share)
    found = [dispersion(blocks_of(clumped(seed, 25_600, share, length), 100)) for seed in range(40)]

    assert float(np.median(found)) == pytest.approx((1 + r) / (1 - r), rel=0.15)


@pytest.mark.parametrize("share", [0.0, 0.003, 0.05, 0.5, 1.0])
def test_rows_that_break_a_rule_by_themselves_are_not_dispersed(share: float) -> None:
    chance = np.random.default_rng(4)
    found = [dispersion(blocks_of(chance.random(REFERENCE) < share, 20)) for _ in range(400)]

    assert sum(one > 1 for one in found) <= 400 * 0.02


def test_of_too_few_blocks_nothing_is_known() -> None:
    assert dispersion([(0, 20)] * 6 + [(20, 20)]) == 1.0
    assert dispersion([(0, 0)] * 20) == 1.0


def faults_of_clumps(length: float, *, tempered: bool) -> int:
    """Count windows with a fault in forty worlds that go on as their reference does; 5 % of rows break the rule."""
    faults = 0
    for seed in range(40):
        rows = clumped(seed, REFERENCE + 300 * WINDOW, 0.05, length)
        reference, later = rows[:REFERENCE], blocks_of(rows[REFERENCE:], WINDOW)
        spread = (dispersion(blocks_of(reference, WINDOW // 5)),) if tempered else ()
        rates = tolerated([(int(reference.sum()), REFERENCE)], POLICY)
        watch = ShareWatch.start(rates, POLICY.false_alarm_windows, 100, spread)
        for number, counts in enumerate(later):
            watch, found = watch.observe(number * WINDOW, [counts])
            faults += len(found)
    return faults


@pytest.mark.parametrize(("length", "before", "most"), [(3, 15, 1), (5, 100, 3)])
def test_clumps_that_the_reference_had_too_raise_few_faults(length: float, before: int, most: int) -> None:
    """Of 12,000 windows. They are more than is promised of independent rows: a reference shows few of its clumps."""
    assert faults_of_clumps(length, tempered=False) >= before
    assert faults_of_clumps(length, tempered=True) <= most


def test_a_rule_whose_rows_came_in_clumps_needs_as_many_more_rows_and_is_found_by_them() -> None:
    alone, together = (ShareWatch.start([0.1], 10_000, 100, spread) for spread in ((), (4.0,)))
    found = list[tuple[int, int]]()
    for number in range(12):
        alone, one = alone.observe(number * WINDOW, [(30, WINDOW)])
        together, other = together.observe(number * WINDOW, [(30, WINDOW)])
        found.append((len(one), len(other)))

    first, last = (next(k for k, both in enumerate(found, 1) if both[i]) for i in (0, 1))
    assert first < last <= 4 * first
