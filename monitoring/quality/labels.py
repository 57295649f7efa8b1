"""Finds labels that stay away: more rows have none when they should, or those of one class come no more.

Rows are asked for their labels when these are due, which is some time after they came. The share without one is held
against what the reference and the worst of its windows had, as all faults are. That a class stops is told by the rows
which have labels, and against one alternative alone: that it has all but gone. It takes a class that never was away for
a window of the reference. A world in which a class dies out looks just the same: no label tells the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from monitoring.drift.streams import HOPELESS, Thresholds
from monitoring.drift.suspicions import Suspicion
from monitoring.profiles.reference import Floats
from monitoring.quality.shares import Counted

LABELS, LABEL_CLASS = "labels", "label_class"  #: the kinds of fault
MOST_ABSENT = 0.98  #: share of a window's labels that are of other classes; of a rarer class nothing is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Rows whose labels are due: the first, how many, how many of them have none, and how many each class has."""

    first_row: int
    due: int
    missing: int
    classes: tuple[int, ...] = ()

    @classmethod
    def of(cls, first_row: int, labels: Floats, classes: int) -> Self:
        """Count *labels* (n,), NaN where none has come; *classes* is 0 where labels are amounts."""
        known = labels[~np.isnan(labels)]
        each = np.bincount(known.astype(np.int64), minlength=classes)[:classes] if classes else np.empty(0, np.int64)
        return cls(first_row=first_row, due=len(labels), missing=len(labels) - len(known), classes=tuple(each.tolist()))

    @property
    def shares(self) -> tuple[Counted, ...]:
        """Rows without a label, of all; and for each class labels of another one, of all labels."""
        known = self.due - self.missing
        return ((self.missing, self.due), *((known - one, known) for one in self.classes))

    def to_json(self) -> list[Any]:
        """Return plain values, for canonical bytes."""
        return [self.first_row, self.due, self.missing, list(self.classes)]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Self:
        """Undo `to_json`."""
        first_row, due, missing, classes = data
        return cls(first_row=first_row, due=due, missing=missing, classes=tuple(classes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelling:
    """How the reference was labelled: the names of classes, all of it, and of each share its worst window."""

    names: tuple[str, ...]
    whole: Labelled
    worst: tuple[Counted, ...]

    @classmethod
    def of(cls, labels: Floats, names: Sequence[str], window: int) -> Self:
        """Learn from the *labels* (n,) of the reference's rows, cut into windows of about *window* rows."""
        parts = np.array_split(labels, max(len(labels) // window, 1))
        each = [Labelled.of(0, part, len(names)).shares for part in parts]
        worst = tuple(max(some, key=_share) for some in zip(*each, strict=True))
        return cls(names=tuple(names), whole=Labelled.of(0, labels, len(names)), worst=worst)

    def streams(self, policy: Thresholds) -> Iterator[Suspicion | None]:
        """Give what each share is tested against; None where nothing can be told of it."""
        missing, *others = map(_share, self.whole.shares)
        peak, *peaks = map(_share, self.worst)
        rate = max(policy.extra_ratio * missing, missing + policy.extra_share, peak)
        yield Suspicion(value=0.0, tolerated=rate, since=0) if rate < HOPELESS else None
        for share, most in zip(others, peaks, strict=True):
            rate = max(1 - (1 - share) / policy.extra_ratio, most)
            # One sum: the highest alternative is tested, and no other.
            yield Suspicion(value=0.0, tolerated=rate, since=0, sums=(0,)) if 0 < rate < MOST_ABSENT else None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"names": list(self.names), "whole": self.whole.to_json(), "worst": [list(one) for one in self.worst]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        worst = tuple((int(bad), int(known)) for bad, known in data["worst"])
        return cls(names=tuple(data["names"]), whole=Labelled.from_json(data["whole"]), worst=worst)


def _share(counts: Counted) -> float:
    return counts[0] / counts[1] if counts[1] else 0.0
