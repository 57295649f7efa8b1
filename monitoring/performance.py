"""Performance: is the champion worse than it was, or than the version it replaced? Judged from sums of blocks.

Every judge takes plain integers and gives plain values: it can be run again on recorded evidence. Lists of blocks are
in the order of rows; a block is `[rows, sum, sum of squares]` as `measures.sums` writes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from measures.sums import Block, Span, log_e, span
from statemachine.policy import Policy

DESIGN_WINDOWS = 2  #: windows at which the evidence is sharpest
MOST_NATS = 50.0  #: beyond any threshold; keeps exponentials finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A rise that began at some block and may last."""

    log_evidence: float  #: nats; of the e-detector, so its exponential is compared with a run length
    onset: int  #: index of the first block of the span that speaks loudest
    raised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What data after an alarm say."""

    verdict: str  #: confirmed, cleared or open
    log_evidence: float  #: nats, for the verdict


def alarm(inputs: dict[str, Any], policy: Policy) -> Alarm:
    """Look for a lasting rise of the value above *level*.

    `inputs`: `blocks` of the value since the champion serves; `level` per row that is accepted; `window` rows.
    A Shiryaev-Roberts sum of evidence over all starting windows (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532):
    it passes `run_length` less than once in so many looks while the value stays at its level.
    """
    blocks, level, window = inputs["blocks"], float(inputs["level"]), int(inputs["window"])
    per_window = policy.windows.blocks
    starts = range(len(blocks) - per_window, -1, -per_window)
    found = [(_evidence(blocks[start:], level, window), start) for start in list(starts)[: policy.loss.memory]]
    if not found:
        return Alarm(log_evidence=0.0, onset=len(blocks), raised=False)
    total = math.fsum(math.exp(min(nats, MOST_NATS)) - 1 for nats, _ in found)
    loudest = max(found)
    return Alarm(
        log_evidence=math.log1p(max(total, 0.0)), onset=loudest[1], raised=total + len(found) > policy.loss.run_length
    )


def resolve(inputs: dict[str, Any], policy: Policy) -> Resolution:
    """Say whether data after an alarm confirm it, clear it, or leave it open.

    `inputs`: `blocks` of the value on rows after the alarm only; `level`; `window`.
    """
    blocks, level, window = inputs["blocks"], float(inputs["level"]), int(inputs["window"])
    found = span(blocks, level)
    if found.rows < window:
        return Resolution(verdict="open", log_evidence=0.0)
    design = DESIGN_WINDOWS * window
    up = log_e(found, design)
    down = log_e(Span(found.rows, -found.total, found.variance), design)
    needed = -math.log(policy.confirmation.alpha)
    if up >= needed:
        return Resolution(verdict="confirmed", log_evidence=up)
    if down >= needed or found.rows > policy.confirmation.most_windows * window:
        return Resolution(verdict="cleared", log_evidence=down)
    return Resolution(verdict="open", log_evidence=up)


def recovered(inputs: dict[str, Any], policy: Policy) -> Resolution:
    """Say whether a degraded champion is back at its level: strong evidence on rows since it degraded."""
    blocks, level, window = inputs["blocks"], float(inputs["level"]), int(inputs["window"])
    found = span(blocks, level)
    down = log_e(Span(found.rows, -found.total, found.variance), DESIGN_WINDOWS * window)
    enough = found.rows >= policy.confirmation.most_windows * window and down >= math.log(policy.loss.run_length) / 2
    return Resolution(verdict="recovered" if enough else "open", log_evidence=down)


def _evidence(blocks: Sequence[Block], level: float, window: int) -> float:
    return log_e(span(blocks, level), DESIGN_WINDOWS * window)
