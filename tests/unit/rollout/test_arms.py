"""Arms of selective outcomes: what makes one arm's rows few, or little of them known, is not taken for merit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from measures.sums import ONE_MORE_ROW
from rollout.arms import by_rows, served_before, told, unequal
from rollout.judge import PROMOTABLE_BP, judge, judge_arms, watch_arms
from statemachine.policies.policy import Policy

POLICY = Policy()
WINDOW, WINDOWS, NORMAL = 1_000, 12, 0.1
#: What is known after so many more rows: bad of the candidate and of the champion, rows of both.
Draw = Callable[[np.random.Generator, int], tuple[int, int, int, int]]


def inputs(*arms: list[int], exposure_bp: int = PROMOTABLE_BP) -> dict[str, Any]:
    return {"outcomes": "selective", "exposure_bp": exposure_bp, "window": WINDOW, "rows": 0, "arms": [*arms]}


def of_the_bad_rate(rate: float) -> Draw:
    """Split all rows as the exposure says, for a candidate of this rate of bad outcomes."""
    return lambda rng, rows: known(rng, rows, rate)


def known(rng: np.random.Generator, rows: int, rate: float, kept: float = 1.0) -> tuple[int, int, int, int]:
    mine = rng.binomial(rows, PROMOTABLE_BP / 10_000)
    others = rows - mine
    mine = rng.binomial(mine, kept)
    return rng.binomial(mine, rate), rng.binomial(others, NORMAL), mine, others


def half_without_a_unit(rng: np.random.Generator, rows: int) -> tuple[int, int, int, int]:
    """Half of the rows have no unit, so that the champion has them; the candidate is half as bad again."""
    bad, fine, mine, others = known(rng, rows // 2, NORMAL * 1.5)
    return bad, fine + rng.binomial(rows // 2, NORMAL), mine, others + rows // 2


def declines_half(rng: np.random.Generator, rows: int) -> tuple[int, int, int, int]:
    """Of what the candidate declines no outcome is known; of what it accepts half as much again is bad."""
    return known(rng, rows, NORMAL * 1.5, kept=0.5)


def fails_on_hard_rows(rng: np.random.Generator, rows: int) -> tuple[int, int, int, int]:
    """The candidate answers none of the rows, a fifth, of which a third is bad; the champion answers them."""
    hard = rows // 5
    bad, fine, mine, others = known(rng, rows - hard, NORMAL * 1.5)
    return bad, fine + rng.binomial(hard, 0.3), mine, others + hard


def lives(draw: Draw, count: int) -> Iterator[list[dict[str, Any]]]:
    """Give what is known of each canary after each window."""
    for seed in range(count):
        rng, arm, looks = np.random.default_rng([seed, 11]), [0, 0, 0, 0], []
        for _ in range(WINDOWS):
            arm = [one + more for one, more in zip(arm, draw(rng, WINDOW), strict=True)]
            looks.append(inputs([PROMOTABLE_BP, *arm]))
        yield looks


def passed(looks: list[dict[str, Any]], rule: Callable[..., Any]) -> bool:
    """Say whether a canary is promoted before it is turned back."""
    found = (rule(one, POLICY).verdict for one in looks)
    return next((verdict for verdict in found if verdict in ("promote", "abort")), "wait") == "promote"


def before(one: dict[str, Any], policy: Policy) -> Any:
    known = [[exposure, bad, fine, mine + other] for exposure, bad, fine, mine, other in one["arms"]]
    return judge({**one, "arms": known}, policy)


def test_rows_that_are_split_as_the_exposure_says_are_seldom_called_unequal() -> None:
    """Of 100 canaries, each looked at 12 times, five at most."""
    found = sum(any(unequal(one["arms"]) for one in looks) for looks in lives(of_the_bad_rate(NORMAL), 100))

    assert found <= 5


@pytest.mark.parametrize("draw", [half_without_a_unit, declines_half, fails_on_hard_rows])
def test_a_candidate_with_few_rows_to_be_bad_on_is_not_promoted(draw: Draw) -> None:
    """Bad outcomes by the exposure alone promote nearly all of them."""
    found = [*lives(draw, 10)]

    assert sum(passed(looks, before) for looks in found) >= 9
    assert not any(passed(looks, judge_arms) for looks in found)


def test_a_candidate_that_is_half_as_bad_is_promoted_as_before() -> None:
    found = [*lives(of_the_bad_rate(NORMAL / 2), 10)]

    assert all(passed(looks, judge_arms) for looks in found)
    assert all(passed(looks, before) for looks in found)


def test_unequal_arms_wait_and_are_turned_back_as_inconclusive_when_their_time_is_over() -> None:
    early = judge_arms(inputs([PROMOTABLE_BP, 16, 1_440, 1_600, 14_400]), POLICY)
    late = judge_arms(inputs([PROMOTABLE_BP, 16, 1_441, 1_600, 14_401]), POLICY)

    assert (early.verdict, early.exposure_bp) == ("wait", PROMOTABLE_BP)
    assert (late.verdict, late.reason) == ("abort", "INCONCLUSIVE")


def test_unequal_arms_do_not_climb() -> None:
    found = inputs([100, 0, 400, 20, 7_980], exposure_bp=100)

    assert before(found, POLICY).verdict == "climb"
    assert judge_arms(found, POLICY).verdict == "wait"


def test_harm_turns_back_though_arms_are_unequal() -> None:
    found = judge_arms(inputs([PROMOTABLE_BP, 400, 100, 3_000, 1_000]), POLICY)

    assert (found.verdict, found.reason) == ("abort", "HARM")


def test_unequal_arms_are_told_in_rows() -> None:
    assert told([[PROMOTABLE_BP, 0, 0, 260, 740], [10_000, 0, 0, 900, 0]]) == ""
    assert told([[PROMOTABLE_BP, 0, 0, 180, 820], [10_000, 0, 0, 900, 0]]) == (
        "unequal arms: 180 rows with an outcome are the candidate's, where 250 were to be expected"
    )


def test_rates_are_of_the_rows_that_there_are_and_of_both_arms() -> None:
    of_one = [[500, 0, 3, 0, 60], [500, 3, 0, 60, 0], [10_000, 5, 0, 90, 0]]

    assert by_rows([[100, 1, 9, 20, 980], *of_one, [2_500, 2, 8, 300, 700]]) == [(200.0, 1, 9), (3_000.0, 2, 8)]


def test_bad_outcomes_stray_as_draws_at_their_rate_do_and_by_one_row_more() -> None:
    drawn = np.random.default_rng(5).binomial(400, 0.3, size=4_000)

    told = np.mean([served_before([[PROMOTABLE_BP, 0, int(bad), 0, 400]]).variance for bad in drawn])

    assert told - ONE_MORE_ROW == pytest.approx(drawn.var(), rel=0.05)
    assert served_before([[PROMOTABLE_BP, 0, 0, 0, 400]]).variance == ONE_MORE_ROW


def test_the_smallest_rung_opens_as_before() -> None:
    found = judge_arms({**inputs(exposure_bp=0), "rows": WINDOW}, POLICY)

    assert (found.verdict, found.exposure_bp) == ("climb", POLICY.canary.rungs_bp[0])


def test_a_promotion_holds_that_is_better_than_the_champion_was_on_the_rungs() -> None:
    rungs, end = [PROMOTABLE_BP, 60, 400, 1_000, 4_000], POLICY.canary.confirm_windows * WINDOW

    assert watch_arms(inputs(rungs, [10_000, 60, 0, WINDOW - 1, 0]), POLICY).verdict == "wait"
    assert watch_arms(inputs(rungs, [10_000, 90, 0, WINDOW, 0]), POLICY).verdict == "wait"
    assert watch_arms(inputs(rungs, [10_000, 20, 0, WINDOW, 0]), POLICY).verdict == "confirm"
    assert watch_arms(inputs(rungs, [10_000, end // 10 - 1, 0, end, 0]), POLICY).verdict == "confirm"


def test_a_promotion_of_which_no_outcome_is_known_yet_waits() -> None:
    assert watch_arms(inputs([PROMOTABLE_BP, 60, 400, 1_000, 4_000]), POLICY).verdict == "wait"


def test_a_promotion_that_is_no_better_than_the_champion_was_goes_back() -> None:
    rungs, end = [PROMOTABLE_BP, 60, 400, 1_000, 4_000], POLICY.canary.confirm_windows * WINDOW
    same = watch_arms(inputs(rungs, [10_000, end // 10, 0, end, 0]), POLICY)
    worse = watch_arms(inputs(rungs, [10_000, 200, 0, WINDOW, 0]), POLICY)

    assert (same.verdict, same.reason) == ("abort", "NOT_BETTER")
    assert (worse.verdict, worse.reason) == ("abort", "HARM")


def test_a_promotion_that_is_as_good_as_the_champion_was_is_seldom_called_harm_or_gain() -> None:
    """Of 300 watches, each looked at 20 times, no more than the two-sided level of the sequence."""
    found = 0
    for seed in range(300):
        rng = np.random.default_rng([seed, 12])
        rung = [PROMOTABLE_BP, rng.binomial(1_000, NORMAL), rng.binomial(3_000, NORMAL), 1_000, 3_000]
        bad = np.cumsum(rng.binomial(WINDOW // 5, NORMAL, size=20)).tolist()
        looks = [watch_arms(inputs(rung, [10_000, n, 0, (k + 1) * WINDOW // 5, 0]), POLICY) for k, n in enumerate(bad)]
        found += any(one.sample >= WINDOW and (one.upper < 0 or one.lower > 0) for one in looks)

    assert found <= POLICY.canary.alpha * 300
