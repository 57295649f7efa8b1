"""Claims about regret: lasting leads of a same-size challenger, and gains that come from more data alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from measures.losses import fixed
from measures.sums import block
from monitoring.regret import judge, look_again
from statemachine.policy import Policy

POLICY = Policy()
ROWS = 200


def challenge(seed: int, **gains: float) -> dict[str, Any]:
    """Give a round on 200 rows: a champion that loses 0.3 a row, challengers that save the given share of it."""
    chance = np.random.default_rng(seed)
    champion = (chance.random(ROWS) < 0.3).astype(float)
    leads = {}
    for name, gain in gains.items():
        mine = (chance.random(ROWS) < 0.3 * (1 - gain)).astype(float)
        leads[name] = [block(fixed(part, 1.0)) for part in np.array_split(champion - mine, 10)]
    return {"champion": [block(fixed(part, 1.0)) for part in np.array_split(champion, 10)], "leads": leads}


def rounds(count: int, seed: int = 0, **gains: float) -> dict[str, Any]:
    return {
        "challenges": [challenge(100 * seed + turn, **gains) for turn in range(count)],
        "design_rows": 2 * ROWS,
    }  # fmt: skip


def test_a_challenger_of_the_same_size_that_leads_is_regret() -> None:
    assert judge(rounds(2, recent=0.5, all=0.5), POLICY).finding == "regret"


def test_a_lead_of_more_data_alone_is_an_improvement_and_no_decline() -> None:
    assert judge(rounds(2, recent=-0.2, all=0.6), POLICY).finding == "improvement"


def test_no_lead_is_no_finding() -> None:
    assert judge(rounds(4, recent=-0.3, all=-0.3), POLICY).finding == "none"


def test_a_first_round_without_all_history_is_judged_on_the_recent_challenger() -> None:
    assert judge(rounds(1, recent=0.6), POLICY).finding == "regret"


def test_rounds_beyond_the_memory_are_forgotten() -> None:
    old = [challenge(turn, recent=0.9) for turn in range(3)]
    new = [challenge(50 + turn, recent=-0.2) for turn in range(POLICY.regret.memory)]

    assert judge({"challenges": [*old, *new], "design_rows": 2 * ROWS}, POLICY).finding == "none"


def test_challengers_that_are_no_better_are_found_no_better() -> None:
    """100 champions, eight looks each, two challengers that share no gain, and one budget of error."""
    found = 0
    for seed in range(100):
        whole = rounds(8, seed, recent=0.0, all=0.0)
        found += any(
            judge({**whole, "challenges": whole["challenges"][:end]}, POLICY).finding != "none" for end in range(1, 9)
        )

    assert found / 100 <= POLICY.regret.alpha + 0.05


def second(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Give the second look at a regret alarm: *after* holds the rows behind it, as the latest round."""
    return {
        "challenges": [*before["challenges"], after], "design_rows": before["design_rows"],
        "blocks": after["leads"]["recent"], "level": 0.0, "window": 50,
    }  # fmt: skip


def test_a_decline_that_fresh_rows_show_again_is_confirmed() -> None:
    found = look_again(second(rounds(2, recent=0.6, all=0.6), challenge(70, recent=0.6, all=0.6)), POLICY)

    assert found.verdict == "confirmed"


def test_a_decline_that_fresh_rows_refute_is_cleared_though_the_rows_before_the_alarm_were_loud() -> None:
    found = look_again(second(rounds(2, recent=0.9, all=0.0), challenge(70, recent=-0.5, all=0.0)), POLICY)

    assert found.verdict == "cleared"


def test_a_regret_that_clears_still_tells_that_more_data_make_a_better_model() -> None:
    found = look_again(second(rounds(2, recent=0.6, all=0.6), challenge(70, recent=-0.5, all=0.6)), POLICY)

    assert found.verdict == "improvement"
    assert found.log_evidence > np.log(1 / POLICY.regret.alpha)
