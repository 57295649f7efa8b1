"""Claims about since when an alarm says that things are bad: `@1` for evidence of its time, `@2` for that of now."""

from __future__ import annotations

from typing import Any

import numpy as np

from measures.losses import fixed
from measures.sums import block
from server.judges.rulings import Inputs, Ruling
from server.judges.table import rule
from statemachine.policies.policy import Policy

POLICY = Policy()
WINDOW, SIZE, FIRST = 50, 10, 1_000


def losses(seed: int, *means: float) -> list[list[int]]:
    """Give blocks of losses of 0 and 1, one mean a window."""
    chance = np.random.default_rng(seed)
    return [block(fixed((chance.random(SIZE) < mean).astype(float), 1.0)) for mean in means for _ in range(5)]


def served(seed: int, *means: float) -> Inputs:
    """Give what is recorded of a champion's own loss, whose accepted level is 0.25, from row 1,000 on."""
    found = losses(seed, *means)
    rows = [FIRST + SIZE * k for k in range(len(found))]
    return {"blocks": found, "rows": rows, "level": 0.25, "window": WINDOW}


def challenged(own: Inputs) -> Inputs:
    """Give two rounds in which a challenger of the same size leads by far, the last one from row 1,700 on."""
    one = {"champion": losses(1, 0.5, 0.5), "leads": {"recent": losses(2, 0.4, 0.4)}}
    return {
        "challenges": [one, one], "design_rows": 200, "job": "m-1", "at_row": 1_800, "onset_row": 1_700,
        "signal": "regret", "subject": "recent", "served": own,
    }  # fmt: skip


def asked(judge: str, inputs: Inputs) -> dict[str, Any]:
    def no_evidence(sha256: str) -> bytes:
        raise LookupError(sha256)

    ruling, _ = rule(judge, inputs, POLICY, no_evidence)
    assert isinstance(ruling, Ruling)
    return ruling.payload


def test_a_loss_that_was_high_before_it_rose_is_dated_by_its_rise() -> None:
    """A champion above its level for eight windows, and far above it for the last two, from row 1,400 on."""
    inputs = {**served(5, *[0.45] * 8, *[0.8] * 2), "signal": "loss", "subject": "", "at_row": 1_500}

    before, now = asked("alarm@1", inputs), asked("alarm@2", inputs)

    assert (before["detector"], now["detector"]) == ("shiryaev_roberts@1", "shiryaev_roberts@2")
    assert before["onset_row"] == FIRST
    assert abs(now["onset_row"] - 1_400) <= WINDOW
    assert before["log_evidence"] == now["log_evidence"]


def test_a_regret_is_dated_by_when_the_loss_of_who_is_beaten_rose() -> None:
    own = served(4, *[0.2] * 8, *[0.6] * 8)

    before, now = asked("regret_alarm@1", challenged(own)), asked("regret_alarm@2", challenged(own))

    assert (before["detector"], now["detector"]) == ("regret@1", "regret@2")
    assert before["onset_row"] == 1_700
    assert abs(now["onset_row"] - 1_400) <= WINDOW


def test_a_regret_of_a_champion_whose_loss_never_rose_is_dated_by_the_rows_that_show_it() -> None:
    assert asked("regret_alarm@2", challenged(served(5, *[0.2] * 16)))["onset_row"] == 1_700


def test_a_regret_that_knows_no_loss_of_its_champion_is_dated_by_the_rows_that_show_it() -> None:
    assert asked("regret_alarm@2", challenged(served(6)))["onset_row"] == 1_700
