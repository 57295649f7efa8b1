"""Claims about rules: rows break them as the language says, and windows as the policy tolerates."""

from __future__ import annotations

import cel
import numpy as np
import numpy.typing as npt
import orjson
import pytest

from monitoring.quality.rules import broken, tolerated
from monitoring.quality.shares import Counted, Share, ShareWatch
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
