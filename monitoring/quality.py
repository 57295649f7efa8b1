"""Finds faults in the data themselves: gaps, infinities, new categories, impossible values, stuck values, repeats.

Each kind of each feature is a stream of "so many of n rows". Its evidence is a CUSUM of likelihood ratios between
rates above the tolerated one and the tolerated one; for any lower rate the ratio's mean is at most 1, so looking at
every window is safe. A stream is reported while its evidence stands above the threshold, which is shared by all.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol, Self

from monitoring.alternatives import NATS
from monitoring.evidence import log_mean_exp
from monitoring.profile import Profile
from monitoring.reference import FAR_OVER, FAR_UNDER, FIRST_BIN, INVALID, MISSING, NEW, Feature, Reference

#: Kinds that count fixed slots, in the order of `Feature.peaks`.
GROUPS = (
    ("missing", (MISSING,)),
    ("invalid", (INVALID,)),
    ("new_category", (NEW,)),
    ("out_of_range", (FAR_UNDER, FAR_OVER)),
)
#: Alternatives: the tolerated rate plus these shares of what is left above it.
STEPS = (0.05, 0.2, 0.6, 0.98)
#: A rate tolerated above this cannot be told from a fault.
HOPELESS = 0.9
#: Only a bin that is rare in the reference can be stuck: a common value, as a zero of rain, may well last.
RARE = 0.2
LEAST_BINS = 16
ROW = "@row"  #: The name under which repeated rows are reported.


class Thresholds(Protocol):
    """What a policy says about quality."""

    @property
    def false_alarm_windows(self) -> float:
        """Windows that pass on average before a false finding, at least."""

    @property
    def extra_share(self) -> float:
        """The rise of a rate, as a share of rows, that does not matter."""

    @property
    def extra_ratio(self) -> float:
        """The rise of a rate, as a multiple of the reference's, that does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityThresholds:
    """Thresholds that need no tuning."""

    false_alarm_windows: float = 10_000.0
    extra_share: float = 0.01
    extra_ratio: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFinding:
    """A fault: where, which kind, in which share of the window's rows, since when, and the evidence in nats.

    `slots` are those of the feature's own slots that hold the faulty rows; empty for repeated rows.
    """

    feature: str
    kind: str
    share: float
    tolerated: float
    log_evidence: float
    onset_row: int
    row: int  #: the first row after the window
    slots: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {**asdict(self), "slots": list(self.slots)}


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of one feature: the slots it counts, the tolerated rate, and evidence per faulty and sound row."""

    feature: int
    name: str
    kind: str
    slots: tuple[int, ...]
    tolerated: float
    faulty: tuple[int, ...]
    sound: tuple[int, ...]


def streams(reference: Reference, policy: Thresholds) -> tuple[Stream, ...]:
    """Return every stream that *reference* lets be judged."""
    found = [each for k, f in enumerate(reference.features) for each in _of_feature(k, f, policy)]
    rate = max(0.05, policy.extra_ratio * reference.repeats / reference.rows)
    return tuple(each for each in [*found, _stream(-1, ROW, "duplicate", (), rate)] if each.tolerated < HOPELESS)


def _of_feature(k: int, feature: Feature, policy: Thresholds) -> list[Stream]:
    rows = sum(feature.counts)
    found = []
    for (kind, slots), peak in zip(GROUPS, feature.peaks, strict=False):
        share = sum(feature.counts[slot] for slot in slots) / rows
        rate = max(policy.extra_ratio * share, share + policy.extra_share, peak)
        found.append(_stream(k, feature.name, kind, slots, rate))
    if feature.kind == "categorical" or feature.slots < FIRST_BIN + LEAST_BINS:
        return found
    rate = max(0.6, 1.25 * feature.peaks[-1])
    rare = (slot for slot in range(FIRST_BIN, feature.slots) if feature.counts[slot] <= RARE * rows)
    return found + [_stream(k, feature.name, "stuck", (slot,), rate, (0.98,)) for slot in rare]


def _stream(
    k: int,
    name: str,
    kind: str,
    slots: tuple[int, ...],
    rate: float,
    steps: tuple[float, ...] = STEPS,
) -> Stream:
    worse = [rate + (1 - rate) * step for step in steps] if rate < HOPELESS else []
    faulty = tuple(round(math.log(q / rate) * NATS) for q in worse)
    sound = tuple(round(math.log((1 - q) / (1 - rate)) * NATS) for q in worse)
    return Stream(k, name, kind, slots, rate, faulty, sound)


@dataclass(frozen=True, slots=True, eq=False)
class QualityWatch:
    """The state of a watch; `observe` returns its next self."""

    reference: Reference
    streams: tuple[Stream, ...]
    threshold: float  #: nats that one stream needs
    sums: tuple[tuple[int, ...], ...] = ()
    since: tuple[int, ...] = field(default=())

    @classmethod
    def start(cls, reference: Reference, policy: Thresholds) -> Self:
        """Return the watch that has seen nothing."""
        found = streams(reference, policy)
        threshold = math.log(policy.false_alarm_windows * max(len(found), 1))
        return cls(reference, found, threshold, tuple((0,) * len(s.faulty) for s in found), (0,) * len(found))

    def observe(
        self,
        start_row: int,
        window: Profile,
        repeats: int = 0,
    ) -> tuple[QualityWatch, tuple[QualityFinding, ...]]:
        """Take the window of rows that begins at *start_row*, of which *repeats* equal an earlier row of it."""
        counts, starts, found = window.counts.tolist(), self.reference.starts, []
        sums, since = [], []
        for stream, old, began in zip(self.streams, self.sums, self.since, strict=True):
            faulty = sum(counts[starts[stream.feature] + slot] for slot in stream.slots) if stream.slots else repeats
            first = start_row if max(old) <= 0 else began
            new = self._add(stream, old, faulty, window.rows)
            sums.append(new)
            since.append(first)
            if faulty and (log_e := log_mean_exp(new)) >= self.threshold:
                found.append(_finding(stream, faulty, log_e, first, start_row, window.rows))
        ranked = sorted(found, key=lambda f: (-f.log_evidence, f.feature, f.kind))
        return replace(self, sums=tuple(sums), since=tuple(since)), tuple(ranked)

    def _add(self, stream: Stream, old: tuple[int, ...], faulty: int, rows: int) -> tuple[int, ...]:
        """Add a window's evidence; it is capped, so that a fault that ended is soon forgotten."""
        cap = round((self.threshold + 2 * math.log(10)) * NATS)
        rates = zip(old, stream.faulty, stream.sound, strict=True)
        return tuple(min(max(s, 0) + faulty * a + (rows - faulty) * b, cap) for s, a, b in rates)

    def to_json(self) -> dict[str, Any]:
        """Return the state without the streams, for canonical bytes."""
        return {"sums": [list(each) for each in self.sums], "since": list(self.since)}

    def restored(self, state: dict[str, Any]) -> QualityWatch:
        """Return a watch with these streams and the state that `to_json` gave."""
        return replace(self, sums=tuple(tuple(each) for each in state["sums"]), since=tuple(state["since"]))


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
