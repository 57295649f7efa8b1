"""Claims about regret: lasting leads of a same-size challenger, and gains that come from more data alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from measures.losses import fixed
from measures.sums import block, span
from monitoring.performance.decline import resolve
from monitoring.performance.regret import judge, look_again, weigh
from statemachine.policies.policy import Policy

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


def test_a_lead_beyond_what_a_loss_may_rise_by_is_a_decline_when_fresh_rows_show_it_again() -> None:
    found = weigh(second(rounds(2, recent=0.6, all=0.6), challenge(70, recent=0.6, all=0.6)), POLICY)

    assert found.verdict == "confirmed"


def after(*gains: float) -> dict[str, Any]:
    """Give one round of the given gains of a challenger of the same size, fifty rows for each."""
    chance = np.random.default_rng(7)
    champion = [(chance.random(50) < 0.4).astype(float) for _ in gains]
    leads = [part * gain for part, gain in zip(champion, gains, strict=True)]
    champion_blocks, lead = ([block(fixed(part, 1.0)) for part in parts] for parts in (champion, leads))
    return {"champion": champion_blocks, "leads": {"recent": lead}}


def test_fresh_rows_that_are_not_sure_make_no_decline_while_all_that_is_remembered_does_not_say_so() -> None:
    inputs = second(rounds(3, recent=-0.1, all=-0.1), after(0.3, 0.05, 0.4))
    risen = {**inputs, "level": POLICY.loss.tolerance * span(inputs["challenges"][-1]["champion"]).mean}

    assert resolve(risen, POLICY).verdict == "confirmed"
    assert weigh(inputs, POLICY).verdict == "open"


def test_fresh_rows_that_are_sure_make_a_decline_whatever_was_before() -> None:
    """A world that changed of late: rounds from before the change know nothing of it."""
    found = weigh(second(rounds(3, recent=-0.1, all=-0.1), after(0.6, 0.5, 0.6)), POLICY)

    assert found.verdict == "confirmed"


def test_a_regret_that_fresh_rows_refute_is_neither_decline_nor_improvement() -> None:
    found = weigh(second(rounds(2, recent=0.9, all=0.0), challenge(70, recent=-0.5, all=0.0)), POLICY)

    assert found.verdict == "cleared"


def test_a_lead_that_is_less_than_a_loss_may_rise_by_and_that_no_other_round_shows_is_nothing() -> None:
    found = weigh(second(rounds(3, recent=-0.1, all=-0.1), after(*[0.02] * 30)), POLICY)

    assert found.verdict == "cleared"


def test_a_regret_that_clears_tells_of_a_gain_of_more_data_as_before() -> None:
    inputs = second(rounds(2, recent=0.6, all=0.6), challenge(70, recent=-0.5, all=0.6))

    assert weigh(inputs, POLICY) == look_again(inputs, POLICY)
    assert weigh(inputs, POLICY).verdict == "improvement"


@dataclass(frozen=True)
class Draws:
    """A world that stands still, in which models of one recipe differ by the rows that they happened to learn from."""

    lead: float  #: of challengers over the champion, as a share of its loss

    def challenge(self, chance: np.random.Generator, rows: int) -> dict[str, Any]:
        champion = np.abs(chance.normal(size=rows))
        mine = champion * (1 - self.lead) + chance.normal(scale=0.15, size=rows)
        cost, lead = (
            [block(fixed(part, 1.0)) for part in np.array_split(lost, 10)] for lost in (champion, champion - mine)
        )
        return {"champion": cost, "leads": {"recent": lead}}

    def life(self, seed: int, rows: int = 600, turns: int = 16) -> str:
        """Give what became of a champion: `degraded`, `improvement`, or `healthy` if nothing was believed."""
        chance, known, ended = np.random.default_rng(seed), list[dict[str, Any]](), "healthy"
        for _ in range(turns):
            known = [*known, self.challenge(chance, rows)][-POLICY.regret.memory :]
            if judge({"challenges": known, "design_rows": 2 * rows}, POLICY).finding != "regret":
                continue
            verdict = self.second_look(chance, known, rows)
            if verdict == "confirmed":
                return "degraded"
            known, ended = [], "improvement" if verdict == "improvement" else ended
        return ended

    def second_look(self, chance: np.random.Generator, known: list[dict[str, Any]], rows: int) -> str:
        window = rows * 3 // 10
        for windows in range(1, POLICY.confirmation.most_windows + 2):
            after = self.challenge(chance, windows * window)
            inputs = {
                "challenges": [*known, after][-POLICY.regret.memory :], "design_rows": 2 * rows,
                "blocks": after["leads"]["recent"], "window": window,
            }  # fmt: skip
            verdict = weigh(inputs, POLICY).verdict
            if verdict != "open":
                return verdict
        raise AssertionError(known)


def test_the_luck_of_a_draw_is_an_improvement_and_seldom_a_decline() -> None:
    """60 champions of 16 rounds, beaten by 3 % since their first day: each is found to be, and none has declined."""
    found = Counter(Draws(lead=0.03).life(seed) for seed in range(60))

    assert found["improvement"] >= 50
    assert found["degraded"] <= 3


def test_champions_that_nobody_beats_are_never_degraded_for_more_than_one_in_twenty() -> None:
    found = Counter(Draws(lead=0.0).life(seed) for seed in range(100))

    assert found["degraded"] <= 5


def test_a_challenger_that_leads_by_far_more_than_a_loss_may_rise_by_is_a_decline_in_nine_lives_of_ten() -> None:
    found = Counter(Draws(lead=0.15).life(seed, turns=4) for seed in range(60))

    assert found["degraded"] >= 54
