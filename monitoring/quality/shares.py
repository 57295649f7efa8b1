"""Shares of rows: several streams of "so many of n rows", each held against the share that is tolerated of it.

Each is a CUSUM of likelihood ratios between rates above the tolerated one and the tolerated one; for any lower rate the
ratio's mean is at most 1, so looking at every window is safe. All share one threshold. That is so of independent rows:
where those of the reference came in clumps, evidence is divided by how much more their sums vary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from monitoring.drift.evidence import log_mean_exp
from monitoring.drift.streams import HOPELESS
from monitoring.drift.suspicions import Suspicion
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.dispersion import OWN_CHANCE, by_chance, joined

Counted = tuple[int, int]  #: faulty rows, and those of which it can be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A finding: which stream, in which share of the rows of a window, since when, evidence in nats."""

    stream: int
    share: float
    tolerated: float
    log_evidence: float
    onset_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareWatch:
    """The state of a watch; `observe` returns its next self. A rate that cannot be told from a fault has no stream."""

    threshold: float
    streams: tuple[Suspicion | None, ...]
    dispersion: tuple[float, ...] = ()  #: of each stream; none where all rows are taken for independent

    @classmethod
    def start(
        cls, tolerated: Sequence[float], false_alarm_windows: float, beside: int, dispersion: Sequence[float] = ()
    ) -> Self:
        """Return the watch that has seen nothing; its streams share the threshold with *beside* others."""
        threshold = math.log(false_alarm_windows * max(len(tolerated) + beside, 1))
        streams = (Suspicion(value=0.0, tolerated=one, since=0) if one < HOPELESS else None for one in tolerated)
        return cls(threshold=threshold, streams=tuple(streams), dispersion=tuple(dispersion))

    def observe(self, start_row: int, window: Sequence[Counted]) -> tuple[ShareWatch, tuple[Share, ...]]:
        """Take what was counted of each stream in the window of rows that begins at *start_row*."""
        cap = round((self.threshold + 2 * math.log(10)) * NATS)
        spreads = self.dispersion or (1.0,) * len(self.streams)
        moved = tuple(
            _since(one, start_row).after(*counts, cap, spread) if one else None
            for one, counts, spread in zip(self.streams, window, spreads, strict=True)
        )
        found = (self._finding(k, one, window[k]) for k, one in enumerate(moved) if one)
        return replace(self, streams=moved), tuple(one for one in found if one)

    def _finding(self, k: int, one: Suspicion, counts: Counted) -> Share | None:
        log_e = log_mean_exp(one.sums)
        if log_e < self.threshold or not counts[0]:
            return None
        return Share(
            stream=k, share=round(counts[0] / counts[1], 6), tolerated=round(one.tolerated, 6),
            log_evidence=log_e, onset_row=one.since,
        )  # fmt: skip

    def anew(self) -> Self:
        """Return the watch that has no evidence."""
        return replace(self, streams=tuple(one.anew() if one else None for one in self.streams))

    def to_json(self) -> list[dict[str, Any] | None]:
        """Return the evidence so far, for canonical bytes."""
        return [one.to_json() if one else None for one in self.streams]

    def restored(self, state: Sequence[dict[str, Any] | None]) -> Self:
        """Return a watch like this one with the state that `to_json` gave."""
        return replace(self, streams=tuple(Suspicion.from_json(one) if one else None for one in state))


def dispersion(blocks: Sequence[Counted]) -> float:
    """Return how much more counts over *blocks*, in order of time, vary than those of independent rows; at least 1.

    Blocks are joined by 2, 4 and so on too, since long clumps show only there. What chance may make of independent rows
    is 1; of the rarer kind of row, sound or faulty, so few may come that a clump of two is chance.

    >>> dispersion([(0, 20)] * 19 + [(20, 20)]), dispersion([(1, 20)] * 20)
    (21.053, 1.0)
    """
    bad, known, found = sum(one for one, _ in blocks), sum(of for _, of in blocks), 1.0
    for sums in joined([one * known - bad * of for one, of in blocks]) if 0 < bad < known else ():
        freedom = len(sums) - 1
        ratio = sum(one * one for one in sums) * len(sums) / (bad * (known - bad) * known * freedom)
        # Counts of m on average have a fourth moment of their own: their squares vary as those of fewer values would.
        seen = freedom * 2 / (2 + len(sums) / min(bad, known - bad))
        found = ratio if ratio > found * by_chance(seen, OWN_CHANCE) else found
    return round(found, 3)


def _since(one: Suspicion, start_row: int) -> Suspicion:
    return replace(one, since=start_row) if max(one.sums) <= 0 else one
