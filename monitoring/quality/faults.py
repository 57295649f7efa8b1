"""Finds faults in the data themselves: gaps, infinities, new categories, impossible values, stuck values, repeats.

Each kind of each feature is a stream of "so many of n rows". Its evidence is a CUSUM of likelihood ratios between rates
above the tolerated one and the tolerated one; for any lower rate the ratio's mean is at most 1, so looking at every
window is safe. A stream is reported while its evidence stands above the threshold, which is shared by all.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from monitoring.drift.evidence import log_mean_exp
from monitoring.drift.streams import Stream, Table, Thresholds, streams
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Ints, Reference

#: `log_mean_exp` rounds to this, and no mean is above the highest: streams below the threshold by more are not asked.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFinding:
    """A fault: where, which kind, in which share of the window's rows, since when, and the evidence in nats.

    `slots` are those of the feature's own slots that hold the faulty rows; empty for repeated rows. `told` says more of
    a kind that needs it, as the value that stands for a missing one. `rows` are the faulty rows of the window, of a
    kind that knows them; else none are told.
    """

    feature: str
    kind: str
    share: float
    tolerated: float
    log_evidence: float
    onset_row: int
    row: int  #: the first row after the window
    slots: tuple[int, ...]
    told: str = ""
    rows: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes; what is not told is left out, as before any kind told more."""
        made = {**asdict(self), "slots": list(self.slots), "rows": list(self.rows)}
        return {name: value for name, value in made.items() if value or name not in {"told", "rows"}}


@dataclass(frozen=True, slots=True, eq=False)
class QualityWatch:
    """The state of a watch; `observe` returns its next self."""

    reference: Reference
    table: Table
    threshold: float  #: nats that one stream needs
    sums: Ints  #: (streams, rates) CUSUM, in `NATS`
    since: Ints  #: (streams,) first row after each CUSUM's last zero

    @classmethod
    def start(cls, reference: Reference, policy: Thresholds, beside: int = 0) -> Self:
        """Return the watch that has seen nothing; its streams share the threshold with *beside* others."""
        table = Table.of(reference, streams(reference, policy))
        threshold = math.log(policy.false_alarm_windows * max(len(table.each) + beside, 1))
        return cls(reference, table, threshold, np.zeros_like(table.faulty), np.zeros(len(table.each), np.int64))

    def observe(
        self,
        start_row: int,
        window: Profile,
        repeats: int = 0,
    ) -> tuple[QualityWatch, tuple[QualityFinding, ...]]:
        """Take the window of rows that begins at *start_row*, of which *repeats* equal an earlier row of it."""
        faulty = self.table.counted(window, repeats)
        # A cap, so that a fault that ended is soon forgotten.
        cap = round((self.threshold + 2 * math.log(10)) * NATS)
        since = np.where(self.sums.max(axis=1, initial=0) <= 0, start_row, self.since)
        sums = np.minimum(np.maximum(self.sums, 0) + self.table.gained(faulty, window.rows), cap)
        watch = replace(self, sums=sums, since=since)
        return watch, watch.findings(faulty, start_row, window.rows)

    def findings(self, faulty: Ints, start_row: int, rows: int) -> tuple[QualityFinding, ...]:
        """Return what stands above the threshold, loudest first, of streams with *faulty* rows in their last window."""
        loud = self.sums.max(axis=1, initial=0) >= (self.threshold - ROUNDING) * NATS
        found = []
        for k in np.flatnonzero(loud & (faulty > 0)).tolist():
            stream = self.table.each[k]
            log_e = log_mean_exp(self.sums[k, : len(stream.faulty)].tolist())
            if log_e >= self.threshold:
                found.append(_finding(stream, int(faulty[k]), log_e, int(self.since[k]), start_row, rows))
        return tuple(sorted(found, key=lambda f: (-f.log_evidence, f.feature, f.kind)))

    def to_json(self) -> dict[str, Any]:
        """Return the state without the streams, for canonical bytes."""
        return {"sums": self.table.lists(self.sums), "since": self.since.tolist()}

    def restored(self, state: dict[str, Any]) -> QualityWatch:
        """Return a watch with these streams and the state that `to_json` gave."""
        return replace(self, sums=self.table.rows(state["sums"]), since=np.array(state["since"], np.int64))


def _finding(stream: Stream, faulty: int, log_e: float, first: int, start: int, rows: int) -> QualityFinding:
    return QualityFinding(
        feature=stream.name,
        kind=stream.kind,
        share=round(faulty / rows, 6),
        tolerated=round(stream.tolerated, 6),
        log_evidence=log_e,
        onset_row=first,
        row=start + rows,
        slots=stream.slots,
    )


def judge(inputs: dict[str, Any], policy: Thresholds) -> tuple[QualityFinding, ...]:
    """Fold the recorded windows and return what stands after the last one.

    *inputs* holds `reference`, `windows` (each `start_row`, `profile` and `repeats`) and, if folding does not begin
    with nothing, the `state` before the first window.
    """
    watch = QualityWatch.start(Reference.from_json(inputs["reference"]), policy)
    if inputs.get("state") is not None:
        watch = watch.restored(inputs["state"])
    found: tuple[QualityFinding, ...] = ()
    for each in inputs["windows"]:
        watch, found = watch.observe(each["start_row"], Profile.from_json(each["profile"]), each["repeats"])
    return found
