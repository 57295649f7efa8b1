"""Segments: what labels say about parts of the rows that a policy watches by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from measures.sums import span
from monitoring.performance.segments import alarm, normal
from server.reactions.evidence import watched
from server.watching.closings import LabelBlock
from server.watching.splits import of_segment
from server.watching.watch import Watch
from statemachine.health import ModelHealth
from statemachine.words import Signal

JUDGE = "segment_alarm@1"


def value(watch: Watch, health: ModelHealth, blocks: Sequence[LabelBlock]) -> dict[str, Any]:
    """Give what the judge of segments asks for: of each, its loss window by window, and what is accepted of it."""
    windows = by_window([one for one in blocks if health.champion in one.parts], health)
    added = [np.stack([one.parts[health.champion] for one in some]).sum(axis=0) for some in windows]
    served = watched(watch, health)
    told = [
        {"name": one.name, "level": level, "window": rows(watch, k), "blocks": of_segment(added, k)}
        for k, one in enumerate(watch.segments)
        if (level := accepted(watch, health, k, served)) is not None
    ]  # fmt: skip
    starts = [some[0].first_row for some in windows]
    return {"signal": str(Signal.SEGMENT), "at_row": watch.labelled_end, "rows": starts, "segments": told}


def signals(watch: Watch, health: ModelHealth, blocks: Sequence[LabelBlock]) -> dict[str, float | None]:
    """Tell what conditions may ask of segments, of these *blocks* of the champion."""
    told = value(watch, health, blocks)
    last = [(each["level"], span(each["blocks"][-1:])) for each in told["segments"]]
    rises = [found.mean / level - 1 for level, found in last if found.rows and level]
    evidence = alarm(told, health.policy).log_evidence if told["segments"] else None
    return {"segment.log_evidence": evidence, "segment.up": max(rises, default=None)}


def by_window(blocks: Sequence[LabelBlock], health: ModelHealth) -> list[Sequence[LabelBlock]]:
    """Give whole windows of *blocks*, counted from the newest, the oldest first."""
    size = health.policy.windows.blocks
    return [blocks[at - size : at] for at in range(len(blocks), size - 1, -size)][::-1]


def of_alarm(watch: Watch, health: ModelHealth, blocks: Sequence[LabelBlock]) -> dict[str, Any] | None:
    """Give what is asked of the segment under suspicion, of *blocks*; None where it is watched no more."""
    subject = health.alarmed_about
    k = next((k for k, one in enumerate(watch.segments) if one.name == subject), None)
    level = None if k is None else accepted(watch, health, k, watched(watch, health))
    if k is None or level is None:
        return None
    mine = [one for one in blocks if health.champion in one.parts]
    return {
        "signal": str(Signal.SEGMENT), "subject": subject, "at_row": watch.labelled_end,
        "rows": [one.first_row for one in mine], "level": level, "window": rows(watch, k),
        "blocks": of_segment((one.parts[health.champion] for one in mine), k),
    }  # fmt: skip


def accepted(watch: Watch, health: ModelHealth, k: int, served: Sequence[LabelBlock]) -> float | None:
    """Say what loss a row is accepted of a segment; None where the reference does not tell what is normal for it.

    For a later champion it is at least what it cost there while its promotion was watched, in the blocks *served*.
    """
    policy, count = health.policy.segments, len(watch.segments)
    first = normal(watch.normal[k], count, policy) if watch.normal else None
    if first is None:
        return None
    later = of_segment((one.parts[health.champion] for one in served), k)
    found = max(first, normal(later, count, policy) or 0.0)
    return found * (1 + health.policy.loss.tolerance)


def named_in(subject: str, names: Iterable[str]) -> str:
    """Name which of *names* a subject, `segment: features`, is about; of two that begin alike the one named whole."""
    return max((one for one in names if subject.startswith(f"{one}: ")), key=len, default="")


def rows(watch: Watch, k: int) -> int:
    """Say how many rows of a segment a window has, by its share of the reference."""
    total = sum(one[0] for one in watch.normal[k])
    return max(round(watch.window_rows * total / watch.reference_rows), 1)
