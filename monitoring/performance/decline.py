"""Performance: is the champion worse than it was, or than the version it replaced? Judged from sums of blocks.

Every judge takes plain integers and gives plain values: it can be run again on recorded evidence. Lists of blocks are
in the order of rows; a block is `[rows, sum, sum of squares]` as `measures.sums` writes it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from measures.sums import LEAST_BLOCKS, MOST_NATS, Block, Span, log_e, span
from monitoring.performance import onset
from statemachine.policies.policy import Policy

DESIGN_WINDOWS = 2  #: windows at which the evidence is sharpest


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

    `inputs`: `blocks` of the value since the champion serves; `level` per row that is accepted; `window` rows. A
    Shiryaev-Roberts sum of evidence over all starting windows (Shin, Ramdas and Rinaldo 2023, arXiv 2203.03532): it
    passes `run_length` less than once in so many looks while the value stays at its level.
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
    up, down = _both_ways(found, window)
    needed = -math.log(policy.confirmation.alpha)
    if up >= needed:
        return Resolution(verdict="confirmed", log_evidence=up)
    if down >= needed or found.rows > policy.confirmation.most_windows * window:
        return Resolution(verdict="cleared", log_evidence=down)
    return Resolution(verdict="open", log_evidence=up)


def persists(inputs: dict[str, Any], policy: Policy) -> Resolution:
    """Say whether a rise lasts for longer than a blip may, is over, or leaves the doubt open.

    `inputs`: those of `resolve`, and `before`, the blocks that the alarm looked at. An alarm that comes early has much
    of a blip still ahead, which would prove a decline by itself. So what `resolve` would confirm must stand on later
    rows alone, which no blip reaches that began where the value rose: by as much evidence, and by `lasting_share` of
    the rise. Evidence against the level errs as often after a huge blip as after a small one; a share of the rise does
    not, since the larger it was, the less can chance bring of it again.
    """
    found = resolve(inputs, policy)
    rise, later = _parted(inputs, policy.confirmation.blip_windows)
    if found.verdict == "cleared":
        return found
    if len(later) < LEAST_BLOCKS or span(inputs["blocks"]).rows < int(inputs["window"]):
        return Resolution(verdict="open", log_evidence=found.log_evidence)
    told, window = span(later, float(inputs["level"])), int(inputs["window"])
    needed, (up, down) = -math.log(policy.confirmation.alpha), _both_ways(told, window)
    stands = up >= needed and told.mean >= policy.confirmation.lasting_share * rise
    if found.verdict == "confirmed" and stands:
        return Resolution(verdict="confirmed", log_evidence=min(up, found.log_evidence))
    if down >= needed or told.rows > policy.confirmation.most_windows * window:
        return Resolution(verdict="cleared", log_evidence=down)
    return Resolution(verdict="open", log_evidence=up)


def _both_ways(found: Span, window: int) -> tuple[float, float]:
    """Give the evidence that the mean lies above its level, and that it lies below."""
    design = DESIGN_WINDOWS * window
    return log_e(found, design), log_e(Span(found.rows, -found.total, found.variance), design)


def _parted(inputs: dict[str, Any], blip_windows: int) -> tuple[float, list[Block]]:
    """Give the rise a row that raised the alarm, and the blocks since that lie farther behind it than a blip lasts.

    The rise is dated to a block, not to a window as the alarm is, and one block more is left out: it began within one.
    """
    level, window, before = float(inputs["level"]), int(inputs["window"]), inputs["before"]
    rose = before[onset.likeliest(before, level, window).index :]
    reached = sum(one[0] for one in rose)
    later = []
    for one in inputs["blocks"]:
        if one[0] and reached >= blip_windows * window + one[0]:
            later.append(one)
        reached += one[0]
    return span(rose, level).mean, later


def recovered(inputs: dict[str, Any], policy: Policy) -> Resolution:
    """Say whether a degraded champion is back at its level: strong evidence on rows since it degraded."""
    blocks, level, window = inputs["blocks"], float(inputs["level"]), int(inputs["window"])
    found = span(blocks, level)
    down = log_e(Span(found.rows, -found.total, found.variance), DESIGN_WINDOWS * window)
    enough = found.rows >= policy.confirmation.most_windows * window and down >= math.log(policy.loss.run_length) / 2
    return Resolution(verdict="recovered" if enough else "open", log_evidence=down)


def returned(inputs: dict[str, Any], policy: Policy) -> Resolution:
    """Say whether a degraded champion is back where it was; that it is better than that would be `recovered` as well.

    `inputs`: those of `recovered`, and `risen`, the blocks of the first windows after the alarm, none of which is among
    `blocks`. A loss that is as normal as ever stays too near to `level` to be proved below it. What can be proved is
    that less than `lasting_share` of the rise is left, by evidence as strong, which counts the error of both means. As
    strong a word for a rise forbids it.
    """
    below = recovered(inputs, policy)
    if below.verdict == "recovered":
        return below
    blocks, level, window = inputs["blocks"], float(inputs["level"]), int(inputs["window"])
    found, risen, share = span(blocks, level), span(inputs["risen"], level), policy.confirmation.lasting_share
    up, _ = _both_ways(found, window)
    middle = share * max(risen.mean, 0.0)
    variance = found.variance + (share * found.rows / max(risen.rows, 1)) ** 2 * risen.variance
    down = log_e(Span(found.rows, middle * found.rows - found.total, variance), DESIGN_WINDOWS * window)
    needed = math.log(policy.loss.run_length) / 2
    back = found.rows >= policy.confirmation.most_windows * window and down >= needed > up
    return Resolution(verdict="recovered" if back else "open", log_evidence=down)


def _evidence(blocks: Sequence[Block], level: float, window: int) -> float:
    return log_e(span(blocks, level), DESIGN_WINDOWS * window)
