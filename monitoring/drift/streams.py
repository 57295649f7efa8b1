"""What quality counts: a stream of "so many of n rows" for each kind of fault of each feature, and all as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np

from monitoring.profiles.alternatives import NATS
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    FIRST_BIN,
    INVALID,
    MISSING,
    NEW,
    Feature,
    Ints,
    Reference,
)

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
#: A rate tolerated below this is no less than this: of what can never be, one row would say more than can be counted.
LEAST_RATE = 1e-12
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
    stuck = _stream(k, feature.name, "stuck", (), rate, (0.98,))
    return found + [replace(stuck, slots=(slot,)) for slot in rare]


def _stream(
    k: int,
    name: str,
    kind: str,
    slots: tuple[int, ...],
    rate: float,
    steps: tuple[float, ...] = STEPS,
) -> Stream:
    said = [gains(rate + (1 - rate) * step, rate) for step in steps] if rate < HOPELESS else []
    return Stream(k, name, kind, slots, rate, tuple(one for one, _ in said), tuple(one for _, one in said))


def gains(worse: float, tolerated: float) -> tuple[int, int]:
    """Return what a faulty and a sound row say for the rate *worse* instead of the *tolerated* one, in `NATS`."""
    faulty = math.log(worse / max(tolerated, LEAST_RATE))
    return round(faulty * NATS), round(math.log((1 - worse) / (1 - tolerated)) * NATS)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """All streams as arrays, one row a stream, so that a window is counted at once.

    A stream with fewer rates than others repeats its last one: its sums then move alike, and decide nothing.
    """

    each: tuple[Stream, ...]
    slots: Ints  #: (streams, most slots) flat slots; what is left over points behind them, to a count of zero
    faulty: Ints  #: (streams, rates) evidence of a faulty row
    sound: Ints  #: (streams, rates) evidence of a sound one

    @classmethod
    def of(cls, reference: Reference, each: tuple[Stream, ...]) -> Self:
        """Write *each* of the streams of *reference* as a row."""
        starts = reference.starts
        nothing, repeats = starts[-1], starts[-1] + 1
        flat = [[starts[one.feature] + slot for slot in one.slots] or [repeats] for one in each]
        width = max(map(len, flat), default=1)
        rates = max((len(one.faulty) for one in each), default=1)
        return cls(
            each=each,
            slots=_array([[*row, *[nothing] * (width - len(row))] for row in flat], width),
            faulty=_array([padded(one.faulty, rates) for one in each], rates),
            sound=_array([padded(one.sound, rates) for one in each], rates),
        )

    def counted(self, window: Profile, repeats: int) -> Ints:
        """Return the faulty rows of each stream."""
        counts: Ints = np.append(window.counts, [0, repeats])
        return np.asarray(counts[self.slots].sum(axis=1), dtype=np.int64)

    def gained(self, faulty: Ints, rows: int) -> Ints:
        """Return what *faulty* of *rows* rows add to the sums, (streams, rates)."""
        return faulty[:, None] * self.faulty + (rows - faulty)[:, None] * self.sound

    def rows(self, lists: Sequence[Sequence[int]]) -> Ints:
        """Return sums that were written as lists, (streams, rates)."""
        rates = self.faulty.shape[1]
        return _array([padded(values, rates) for values in lists], rates)

    def lists(self, sums: Ints) -> list[list[int]]:
        """Return *sums* as lists, each as long as its stream has rates."""
        return [row[: len(one.faulty)] for one, row in zip(self.each, sums.tolist(), strict=True)]


def padded(values: Sequence[int], length: int) -> list[int]:
    """Return *values* with the last one repeated up to *length*.

    >>> padded([3, 4], 4)
    [3, 4, 4, 4]
    """
    return [*values, *[values[-1]] * (length - len(values))]


def _array(rows: list[list[int]], width: int) -> Ints:
    """Give *rows* as an array whose columns lie in one piece: there are many rows, and few of what is asked of each."""
    return np.asfortranarray(np.array(rows, dtype=np.int64).reshape(len(rows), width))
