"""Collects, from the blocks of a watch, the integers that judges ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from math import inf
from typing import Any

from measures.sums import Block, span
from monitoring.performance.segments import Sums
from server.watching.closings import LabelBlock
from server.watching.splits import of_segment
from server.watching.watch import Watch
from statemachine.health import ModelHealth


def since(watch: Watch, row: int) -> list[LabelBlock]:
    """Give the blocks that lie wholly at or behind *row*."""
    return [one for one in watch.blocks_past(row) if one.first_row >= row]


def latest(blocks: Sequence[LabelBlock], row: int, most: int, end_row: float = inf) -> list[LabelBlock]:
    """Give the last *most* of those that begin in [row, end_row). Of a long life few are looked at."""
    found = (one for one in reversed(blocks) if row <= one.first_row < end_row)
    return list(islice(found, most))[::-1]


def earliest(blocks: Iterable[LabelBlock], row: int, most: int, end_row: float = inf) -> list[LabelBlock]:
    """Give the first *most* of those that lie wholly in [row, end_row), without a look at what comes behind them."""
    found = (one for one in blocks if row <= one.first_row and one.end_row <= end_row)
    return list(islice(found, most))


def of_late(watch: Watch, health: ModelHealth, end_row: float = inf) -> list[LabelBlock]:
    """Give the blocks that an alarm at *end_row* looks at.

    They are of this champion, behind the last suspicion, as far as is remembered.
    """
    first = max(health.epoch_row, watch.reference_rows, health.calm_row)
    most = health.policy.windows.blocks * health.policy.loss.memory
    return latest(watch.blocks_past(first), first, most, end_row)


def cost(blocks: Iterable[LabelBlock], version: str) -> list[Block]:
    """Give the losses of *version*, of the blocks that it answered."""
    return [one.cost[version] for one in blocks if version in one.cost]


def lead(blocks: Iterable[LabelBlock], worse: str, better: str) -> list[Block]:
    """Give by how much *better* saves loss against *worse*, of the blocks that both answered."""
    found: list[Block] = []
    for one in blocks:
        if (worse, better) in one.lead:
            found.append(one.lead[worse, better])
        elif (better, worse) in one.lead:
            rows, total, squares = one.lead[better, worse]
            found.append([rows, -total, squares])
    return found


def cost_in(blocks: Iterable[LabelBlock], version: str, segment: int) -> list[Sums]:
    """Give the losses of *version* in a segment, of the blocks that it answered."""
    return [*of_segment((one.parts[version] for one in blocks if version in one.parts), segment)]


def lead_in(blocks: Iterable[LabelBlock], worse: str, better: str, segment: int) -> list[Sums]:
    """Give by how much *better* saves loss against *worse* in a segment, of the blocks that both answered."""
    found: list[Sums] = []
    for one in blocks:
        if (worse, better) in one.part_lead:
            found += of_segment([one.part_lead[worse, better]], segment)
        elif (better, worse) in one.part_lead:
            found += [
                (rows, -total, squares) for rows, total, squares in of_segment([one.part_lead[better, worse]], segment)
            ]
    return found


def level(watch: Watch, health: ModelHealth) -> float:
    """Say what loss a row is normal for the champion.

    That of the reference; for a later champion at least what it cost while its promotion was watched, since the world
    that it was trained for may be a harder one.
    """
    normal = span(watch.baseline).mean
    if health.epoch:
        normal = max(normal, span(cost(watched(watch, health), health.champion)).mean)
    return normal


def watched(watch: Watch, health: ModelHealth) -> list[LabelBlock]:
    """Give the blocks by which the promotion of this champion was watched; none of the first one."""
    if not health.epoch:
        return []
    first = health.epoch_row - (health.policy.canary.confirm_windows + 1) * watch.window_rows
    return [one for one in watch.blocks_within(first, health.epoch_row) if health.champion in one.cost]


def own_loss(watch: Watch, health: ModelHealth, blocks: Iterable[LabelBlock]) -> dict[str, Any]:
    """Give the loss of the champion in *blocks*, beside what is accepted of it, as judges read it."""
    known = [one for one in blocks if health.champion in one.cost]
    return {
        "rows": [one.first_row for one in known], "blocks": cost(known, health.champion),
        "level": accepted(watch, health), "window": watch.window_rows,
    }  # fmt: skip


def accepted(watch: Watch, health: ModelHealth) -> float:
    """Say what loss a row the policy accepts of the champion."""
    return level(watch, health) * (1 + health.policy.loss.tolerance)
