"""Segments of a canary: who harms none is seldom turned back, however often one looks, and who harms one is."""

from __future__ import annotations

from typing import Any

import numpy as np

from measures.losses import fixed
from measures.sums import block
from rollout.judge import judge, judge_with_segments, watch, watch_with_segments
from rollout.segments import harmed
from statemachine.policies.policy import Policy

ROWS, BLOCKS_IN_WINDOW, WINDOWS = 40, 5, 16
WINDOW = ROWS * BLOCKS_IN_WINDOW
POLICY = Policy()
SHARES = [0.1, 0.2, 0.3, 0.4]
TOLERATED = 0.2 * (1 + POLICY.gates.segment_tolerance)


def life(seed: int, rates: list[float], windows: int = WINDOWS) -> dict[str, Any]:
    """Give a canary whose champion errs in a fifth of the rows of each segment, and the candidate at these *rates*."""
    chance = np.random.default_rng(seed)
    whole: dict[str, list[list[int]]] = {"champion": [], "leads": []}
    segments: list[dict[str, Any]] = [{"name": f"s{k}", "champion": [], "leads": []} for k in range(len(SHARES))]
    for _ in range(windows * BLOCKS_IN_WINDOW):
        where = chance.choice(len(SHARES), size=ROWS, p=SHARES)
        cost = fixed((chance.random(ROWS) < 0.2).astype(float), 1.0)
        lead = cost - fixed((chance.random(ROWS) < np.array(rates)[where]).astype(float), 1.0)
        for one, mine in [(whole, where >= 0), *((each, where == k) for k, each in enumerate(segments))]:
            one["champion"].append(block(cost[mine]))
            one["leads"].append(block(lead[mine]))
    shared = {"outcomes": "exogenous", "exposure_bp": 2_500, "window": WINDOW}
    return {**shared, **whole, "segments": segments}


def looks(inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what is known after each window."""
    cuts = range(BLOCKS_IN_WINDOW, WINDOWS * BLOCKS_IN_WINDOW + 1, BLOCKS_IN_WINDOW)
    return [
        {
            **inputs, "champion": inputs["champion"][:cut], "leads": inputs["leads"][:cut],
            "segments": [
                {**one, "champion": one["champion"][:cut], "leads": one["leads"][:cut]} for one in inputs["segments"]
            ],
        }
        for cut in cuts
    ]  # fmt: skip


def test_of_canaries_that_do_no_harm_few_are_turned_back_though_all_windows_are_looked_at() -> None:
    """Each is as much worse as is tolerated, in all segments at once."""
    lives = 200
    found = sum(any(harmed(one, POLICY) for one in looks(life(seed, [TOLERATED] * 4))) for seed in range(lives))

    assert found <= POLICY.gates.segment_alpha * lives


def test_who_is_wrong_in_a_tenth_of_the_rows_is_turned_back_though_the_whole_is_better() -> None:
    lives = [life(seed, [0.8, 0.05, 0.05, 0.05]) for seed in range(40)]

    assert [harmed(one, POLICY) for one in lives] == ["s0"] * 40
    assert {judge(one, POLICY).verdict for one in lives} == {"promote"}
    assert {(found.verdict, found.reason) for found in (judge_with_segments(one, POLICY) for one in lives)} == {
        ("abort", "HARM")
    }


def test_a_promotion_that_harms_a_segment_does_not_hold() -> None:
    inputs = {**life(1, [0.8, 0.05, 0.05, 0.05]), "exposure_bp": 10_000}

    assert (watch(inputs, POLICY).verdict, watch_with_segments(inputs, POLICY).verdict) == ("confirm", "abort")


def test_who_harms_none_is_judged_as_the_whole_is() -> None:
    inputs = life(1, [0.05] * 4)

    assert judge_with_segments(inputs, POLICY) == judge(inputs, POLICY)
    assert watch_with_segments(inputs, POLICY) == watch(inputs, POLICY)


def test_of_too_few_rows_nothing_is_said() -> None:
    inputs = life(1, [1.0, 0.05, 0.05, 0.05])
    rows = sum(one[0] for one in inputs["segments"][0]["leads"])

    assert harmed(inputs, Policy.from_json({"segments": {"least_rows": rows}})) == "s0"
    assert not harmed(inputs, Policy.from_json({"segments": {"least_rows": rows + 1}}))


def test_where_no_segment_is_known_none_is_harmed() -> None:
    assert not harmed({"window": WINDOW, "segments": []}, POLICY)
