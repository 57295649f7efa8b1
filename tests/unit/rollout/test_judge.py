"""Claims about the judge of canaries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from measures.losses import fixed
from measures.sums import block, interval, span
from rollout.judge import Verdict, judge, watch
from rollout.ratio import ratio_interval
from statemachine.policies.policy import Policy

POLICY = Policy()


def evidence(gain: float, windows: int, exposure_bp: int = 0, seed: int = 1, rows: int = 40) -> dict[str, Any]:
    """Give a canary's blocks: a champion that loses 0.3 a row, and a candidate that saves the share *gain* of it.

    A window is of five blocks, each of so many *rows*.
    """
    chance = np.random.default_rng(seed)
    champion, lead = [], []
    for _ in range(windows * 5):
        wrong = chance.random(rows) < 0.3
        mine = chance.random(rows) < 0.3 * (1 - gain)
        champion.append(block(fixed(wrong.astype(float), 1.0)))
        lead.append(block(fixed(wrong.astype(float) - mine.astype(float), 1.0)))
    return {
        "outcomes": "exogenous", "exposure_bp": exposure_bp, "window": 5 * rows, "champion": champion, "leads": lead,
    }  # fmt: skip


def test_nothing_is_said_before_a_window_is_full() -> None:
    inputs = evidence(0.9, 1)
    inputs = {**inputs, "champion": inputs["champion"][:3], "leads": inputs["leads"][:3]}

    assert judge(inputs, POLICY).verdict == "wait"


def test_a_better_candidate_climbs_and_is_promoted_from_a_rung_of_a_quarter() -> None:
    assert judge(evidence(0.5, 4), POLICY).verdict == "climb"
    assert judge(evidence(0.5, 4, exposure_bp=2_500), POLICY).verdict == "promote"


def test_no_candidate_is_promoted_from_a_small_rung_however_good() -> None:
    found = judge(evidence(0.9, 10, exposure_bp=500), POLICY)

    assert found.verdict == "climb"
    assert found.exposure_bp in POLICY.canary.rungs_bp


def test_who_is_proved_to_be_better_climbs_to_the_highest_rung_though_no_harm_may_be_exposed() -> None:
    careful = Policy.from_json({"canary": {"exposed_harm": 0}})

    proved = judge(evidence(0.9, 4, exposure_bp=100), careful)

    assert proved.lower > 0
    assert (proved.verdict, proved.exposure_bp) == ("climb", max(careful.canary.rungs_bp))


def test_no_rung_is_climbed_down_where_more_harm_is_credible_than_it_may_expose() -> None:
    careful = Policy.from_json({"canary": {"exposed_harm": 0, "margin": 0}})

    found = judge(evidence(0.1, 2, exposure_bp=2_500, seed=4), careful)

    assert found.lower < 0
    assert (found.verdict, found.exposure_bp) == ("wait", 2_500)


def test_a_harmful_candidate_is_turned_back() -> None:
    found = judge(evidence(-0.8, 6, exposure_bp=100), POLICY)

    assert (found.verdict, found.reason) == ("abort", "HARM")


def test_what_proves_nothing_in_time_is_turned_back_as_inconclusive() -> None:
    found = judge(evidence(-0.02, 17, exposure_bp=2_500, seed=5), POLICY)

    assert found.verdict == "abort"


def test_harm_is_seldom_promoted() -> None:
    """A candidate a third worse, looked at after each of 16 windows, on 100 streams."""
    promoted = 0
    for seed in range(100):
        whole = evidence(-0.33, 16, exposure_bp=2_500, seed=seed)
        for windows in range(1, 17):
            part = {**whole, "champion": whole["champion"][: windows * 5], "leads": whole["leads"][: windows * 5]}
            found = judge(part, POLICY)
            if found.verdict != "wait":
                promoted += found.verdict == "promote"
                break

    assert promoted <= 3


def test_harm_is_seldom_promoted_where_the_rows_that_it_was_chosen_by_count() -> None:
    """A version that costs a third more, restored once it leads by a standard error on two small windows."""
    chosen = promoted = 0
    for seed in range(300):
        whole = evidence(-0.33, 16, exposure_bp=2_500, seed=seed, rows=8)
        leads = whole["leads"]
        latest = [(windows, span(leads[5 * windows - 10 : 5 * windows])) for windows in range(2, 17)]
        first = next((windows for windows, lead in latest if lead.total > math.sqrt(lead.variance)), 17)
        chosen += first < 17
        for windows in range(first, 17):
            part = {**whole, "champion": whole["champion"][: windows * 5], "leads": leads[: windows * 5]}
            found = judge(part, POLICY)
            if found.verdict != "wait":
                promoted += found.verdict == "promote"
                break

    assert chosen >= 20
    assert promoted <= 0.1 * 300


def test_one_disaster_holds_back_a_candidate_that_saves_a_little_on_every_other_row() -> None:
    """It saves a tenth of what 1,000 rows cost, and on one of them loses nearly all of that again, or it twice."""
    cost, saved = np.ones(1_000), np.full(1_000, 0.1)

    def after(disaster: float) -> Verdict:
        lead = fixed(np.where(np.arange(1_000) == 500, -disaster, saved), 1.0).reshape(25, 40)
        champion = [block(each) for each in fixed(cost, 1.0).reshape(25, 40)]
        blocks = {"champion": champion, "leads": [block(each) for each in lead]}
        return judge({"outcomes": "exogenous", "exposure_bp": 2_500, "window": 200, **blocks}, POLICY)

    assert after(0.0).verdict == "promote"
    assert after(200.0).verdict == "wait"
    assert after(90.0).lower < -0.1 < 0 < after(0.0).lower


def test_a_promotion_is_confirmed_when_it_holds_and_taken_back_when_it_hurts() -> None:
    assert watch(evidence(0.4, 4), POLICY).verdict == "confirm"
    assert watch(evidence(-0.9, 4), POLICY).verdict == "abort"


def flat(champion: list[int], lead: list[int], exposure_bp: int = 0) -> dict[str, Any]:
    """Give a canary of 100 rows in ten blocks, by the rows of each block that were lost and saved."""
    return {
        "outcomes": "exogenous", "exposure_bp": exposure_bp, "window": 100,
        "champion": [[10, bad << 20, bad << 20] for bad in champion],
        "leads": [[10, saved << 20, abs(saved) << 20] for saved in lead],
    }  # fmt: skip


def test_one_loss_more_than_a_champion_without_any_proves_no_harm() -> None:
    assert judge(flat([0] * 10, [0] * 9 + [-1]), POLICY).verdict == "wait"


def test_a_champion_without_a_loss_is_compared_as_if_it_had_one() -> None:
    inputs = flat([0] * 10, [0] * 9 + [-1])

    found = judge(inputs, POLICY)

    low, high = interval(span(inputs["leads"]), POLICY.canary.alpha, 2 * 100)
    assert (found.lower, found.upper) == pytest.approx((low * 100, high * 100))


def test_harm_is_told_as_soon_as_a_window_is_full_and_no_row_before() -> None:
    for ruling in (judge, watch):
        assert ruling(flat([1] * 9, [-10] * 9), POLICY).verdict == "wait"
        assert ruling(flat([1] * 10, [-10] * 10), POLICY).reason == "HARM"


def test_what_is_not_worse_is_promoted_only_if_it_saved_something() -> None:
    blocks = 100

    assert judge(flat([1] * blocks, [0] * blocks, exposure_bp=5_000), POLICY).verdict == "wait"
    assert judge(flat([1] * blocks, [1] + [0] * (blocks - 1), exposure_bp=5_000), POLICY).verdict == "promote"


def test_a_canary_may_take_so_many_windows_and_not_one_row_more() -> None:
    last = POLICY.canary.most_windows * 10

    assert judge(flat([1] * last, [0] * last, exposure_bp=5_000), POLICY).verdict == "wait"
    late = judge(flat([1] * (last + 1), [0] * (last + 1), exposure_bp=5_000), POLICY)
    assert (late.verdict, late.reason) == ("abort", "INCONCLUSIVE")


def test_a_watch_that_proves_nothing_goes_on_to_its_end_and_holds_what_saved_something() -> None:
    last = POLICY.canary.confirm_windows * 10

    assert watch(flat([1] * (last - 1), [1] + [0] * (last - 2)), POLICY).verdict == "wait"
    assert watch(flat([1] * last, [1] + [0] * (last - 1)), POLICY).verdict == "confirm"


def test_answers_that_never_differ_prove_no_gain() -> None:
    found = judge(flat([1] * 10, [0] * 10, exposure_bp=2_500), POLICY)

    assert found.verdict == "wait"
    assert found.lower < 0 < found.upper


def test_a_promotion_that_saved_nothing_by_the_end_of_its_watch_is_taken_back() -> None:
    inputs = flat([1] * 40, [0] * 39 + [-1], exposure_bp=10_000)

    found = watch(inputs, POLICY)

    assert (found.verdict, found.reason) == ("abort", "NOT_BETTER")


def test_a_verdict_is_the_same_for_the_same_integers() -> None:
    assert judge(evidence(0.2, 5), POLICY) == judge(evidence(0.2, 5), POLICY)


def test_selective_outcomes_open_the_smallest_rung_without_evidence() -> None:
    inputs = {"outcomes": "selective", "exposure_bp": 0, "window": 200, "rows": 200, "arms": []}

    found = judge(inputs, POLICY)

    assert found == Verdict(
        verdict="climb", reason="SHADOW_CLEAR", exposure_bp=100, lower=found.lower, upper=found.upper, sample=0
    )


def test_selective_outcomes_open_no_rung_before_a_window_was_scored() -> None:
    inputs = {"outcomes": "selective", "exposure_bp": 0, "window": 200, "rows": 199, "arms": []}

    assert judge(inputs, POLICY).verdict == "wait"


def arms(*rows: list[int], window: int = 1_000) -> dict[str, Any]:
    return {"outcomes": "selective", "exposure_bp": rows[0][0], "window": window, "rows": window, "arms": [*rows]}


def test_a_candidate_with_half_as_many_bad_outcomes_is_promoted_on_the_arms_alone() -> None:
    """Where all rows were served by one arm, as in shadow, nothing can be compared."""
    found = judge(arms([2_500, 50, 300, 4_000], [0, 0, 30, 400], [10_000, 30, 0, 400]), POLICY)

    low, high = ratio_interval([(2_500, 50, 300)], POLICY.canary.alpha)
    assert found.verdict == "promote"
    assert (found.lower, found.upper, found.sample) == (1 - high, 1 - low, 4_800)


def test_a_candidate_with_more_bad_outcomes_goes_no_further_though_the_margin_would_bear_it() -> None:
    found = judge(arms([2_500, 5_010, 14_990, 200_000], window=100_000), POLICY)

    assert found.lower > -POLICY.canary.margin
    assert (found.verdict, found.exposure_bp) == ("wait", 2_500)


def test_selective_harm_rolls_back_on_the_arms_alone() -> None:
    inputs = {"outcomes": "selective", "exposure_bp": 2_500, "window": 200, "rows": 900, "arms": [[2_500, 90, 60, 900]]}

    assert judge(inputs, POLICY).verdict == "abort"


@pytest.mark.parametrize(("ratio", "share"), [(1.0, 0.5), (2.0, 0.25), (0.5, 0.05)])
def test_the_ratio_of_bad_rates_is_covered_at_every_look(ratio: float, share: float) -> None:
    """200 canaries looked at after every 20 bad events; the sequence is exact, so 5 % is the bound."""
    chance = np.random.default_rng(7)
    of_candidate = share * ratio / (share * ratio + 1 - share)
    missed = 0
    for _ in range(200):
        events = chance.random(200) < of_candidate
        looks = [int(events[:n].sum()) for n in range(20, 201, 20)]
        found = [
            ratio_interval([(int(share * 10_000), bad, n - bad)], 0.05)
            for bad, n in zip(looks, range(20, 201, 20), strict=True)
        ]
        missed += any(not low <= ratio <= high for low, high in found)

    assert missed / 200 <= 0.06


@pytest.mark.parametrize(
    "strata", [[(5_000, 100, 80)], [(5_000, 10, 10)], [(100, 1, 30), (500, 4, 40), (2_500, 30, 60)]]
)
def test_the_interval_holds_the_ratios_that_the_mixture_beats_by_no_more_than_alpha(
    strata: list[tuple[int, int, int]],
) -> None:
    """By the definition: 45 % normal in the logarithm with deviation 1/4, 45 % with 1, a tenth even; one in 20."""
    logs = np.log(64) * np.linspace(-1, 1, 513)
    shapes = [np.exp(-((logs / wide) ** 2) / 2) for wide in (0.25, 1.0)] + [np.ones(len(logs))]
    weights = sum(share * shape / shape.sum() for share, shape in zip((0.45, 0.45, 0.1), shapes, strict=True))
    likely = np.zeros(len(logs))
    for exposure_bp, bad, fine in strata:
        odds = exposure_bp / (10_000 - exposure_bp) * np.exp(logs)
        likely += bad * np.log(odds / (1 + odds)) - fine * np.log(1 + odds)
    mixed = (weights * np.exp(likely - likely.max())).sum()

    kept = np.exp(logs[mixed < np.exp(likely - likely.max()) / 0.05])

    assert ratio_interval(strata, 0.05) == pytest.approx((kept[0], kept[-1]))


@pytest.mark.parametrize("alpha", [0.05, 0.99])
def test_no_bad_event_leaves_every_ratio_credible(alpha: float) -> None:
    low, high = ratio_interval([], alpha)

    assert low == pytest.approx(1 / 64)
    assert high == pytest.approx(64)
