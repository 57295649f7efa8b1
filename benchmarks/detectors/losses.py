"""Blips of the loss, and what lasts: followed from alarm to alarm as the service does, by the defaults of a policy.

Losses are 0 or 1, and looked at with every block, as often as labels could come. What was confirmed is told beside what
the rows behind the alarm alone would have confirmed: so long does a decline wait for proof that it is no blip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.detectors.aims import Line
from benchmarks.detectors.size import SEED, Size
from benchmarks.detectors.tasks import Task
from measures.losses import fixed
from measures.sums import Block, block
from monitoring.performance import decline
from statemachine.policies.policy import Policy

POLICY = Policy()
NORMAL = 0.12  #: share of wrong answers, of which the policy accepts a little more
WINDOW, BLOCKS = 200, POLICY.windows.blocks
CALM, BEHIND = 10, 12  #: windows before something happens, and behind a blip
LASTING = 30  #: windows of what lasts

Inputs = dict[str, Any]
Rule = Callable[[Inputs, Policy], decline.Resolution]


@dataclass(frozen=True, slots=True)
class Rise:
    """What happens to the loss: how high it rises, for how many windows."""

    rate: float
    windows: int

    @property
    def lasts(self) -> bool:
        """Whether it is a decline."""
        return self.windows == LASTING

    @property
    def told(self) -> str:
        """Say what happens."""
        long = "from then on" if self.lasts else f"for {self.windows} windows" if self.windows > 1 else "for a window"
        return f"wrong answers {NORMAL:.0%} -> {self.rate:.0%} {long}"


RISES = (
    Rise(0.5, 1), Rise(0.7, 1), Rise(0.25, 2), Rise(0.28, 2), Rise(0.32, 2), Rise(0.5, 2), Rise(0.7, 2),
    Rise(0.18, LASTING), Rise(0.24, LASTING), Rise(0.36, LASTING), Rise(0.7, LASTING),
)  # fmt: skip


def tasks(size: Size) -> Iterator[Task]:
    """Give a task for all runs of one rise."""
    for rise in RISES:
        yield Task(rise.told, partial(_runs, rise, 2 * size.references))


def lines(size: Size, found: dict[str, Any]) -> Iterator[Line]:
    """Tell what share was confirmed, and by how much later than rows behind the alarm alone would have it."""
    for rise in RISES:
        told = found[rise.told]
        alarmed = f"{sum(one['alarmed'] for one in told)} of {2 * size.references} runs alarmed"
        share = float(np.mean([one["confirmed"] is not None for one in told]))
        bounds = {"at_least": 0.99} if rise.lasts else {"at_most": 0.01}
        yield Line(what=f"confirmed: {rise.told}", reached=share, note=f"{alarmed}; {_before(told)}", **bounds)
        if rise.lasts:
            yield Line(what=f"windows more that this takes: {rise.told}", reached=extra_delay(told))


def extra_delay(told: list[dict[str, Any]]) -> float:
    """Give the mean windows by which a confirmation comes later than rows behind the alarm alone would bring it."""
    both = [(one["confirmed"], one["at_once"]) for one in told if None not in (one["confirmed"], one["at_once"])]
    return float(np.mean([late - early for late, early in both])) if both else 0.0


def _before(told: list[dict[str, Any]]) -> str:
    return f"{np.mean([one['at_once'] is not None for one in told]):.1%} by rows behind the alarm alone"


def _runs(rise: Rise, runs: int) -> list[dict[str, Any]]:
    return [followed(rise, run) for run in range(runs)]


def followed(rise: Rise, run: int) -> dict[str, Any]:
    """Give whether a run alarmed, and after how many windows each rule confirmed a decline; None: it never did."""
    drawn = _drawn(rise, np.random.default_rng([SEED, 8, round(rise.rate * 100), rise.windows, run]))
    alarmed, confirmed = follow(drawn, decline.persists)
    _, at_once = follow(drawn, decline.resolve)
    return {"alarmed": alarmed, "confirmed": confirmed, "at_once": at_once}


def follow(drawn: list[Block], rule: Rule) -> tuple[bool, float | None]:
    """Look with every block: for an alarm, then by *rule* for what becomes of it, and again once it was cleared."""
    memory, calm, alarm, alarmed = BLOCKS * POLICY.loss.memory, 0, 0, False
    for end in range(BLOCKS, len(drawn) + 1):
        before = drawn[max(calm, (alarm or end) - memory) : alarm or end]
        if not alarm:
            alarm = end if decline.alarm(_inputs(before), POLICY).raised and len(before) >= BLOCKS else 0
            alarmed |= alarm > CALM * BLOCKS
            continue
        found = rule({**_inputs(drawn[alarm:end]), "before": before}, POLICY)
        if found.verdict == "confirmed":
            return alarmed, end / BLOCKS - CALM
        if found.verdict == "cleared":
            alarm, calm = 0, end
    return alarmed, None


def _inputs(blocks: list[Block]) -> Inputs:
    return {"blocks": blocks, "level": NORMAL * (1 + POLICY.loss.tolerance), "window": WINDOW}


def _drawn(rise: Rise, rng: np.random.Generator) -> list[Block]:
    behind = 0 if rise.lasts else BEHIND
    rates = np.repeat([NORMAL, rise.rate, NORMAL], [CALM * BLOCKS, rise.windows * BLOCKS, behind * BLOCKS])
    size = WINDOW // BLOCKS
    return [block(fixed((rng.random(size) < rate).astype(float), 1.0)) for rate in rates]
