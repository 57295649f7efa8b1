"""The quarantine: rows under a fault of the data, from which no version learns and by which none is judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from monitoring.quality.faults import QualityFinding
from retraining.scope import Range

#: Kinds that are broken whatever the world does. A regime that passes also leaves the range, brings new words, or
#: repeats rows through a quiet night: to hold such rows cost a promotion on occupancy, and loss on bank_marketing.
BROKEN = (
    "missing", "invalid", "stuck", "sentinel", "unit", "absurd", "rule", "resent", "frozen", "labels", "label_class",
    "clock_still", "clock_behind",
)  # fmt: skip

_Key = tuple[str, str, int]  #: feature, kind and first row of a fault


class Quarantine:
    """Each fault of a kind in `BROKEN`, from the last zero of its evidence to the end of the last window with it.

    Of a kind that knows its rows, those alone are held: between two absurd values all may be well. A fault that has
    lasted as long as the policy accepts is the world as it is: its rows are let go, all of them, so that models may
    learn it. One that ended sooner was repaired, and what it broke stays broken. Both follow from rows and policy
    alone.
    """

    def __init__(self, accepted_rows: int) -> None:
        """Let a fault go that has lasted for this many rows."""
        self._accepted = accepted_rows
        self._ends: dict[_Key, int] = {}  #: one past the last row
        self._rows: dict[_Key, set[int]] = {}  #: of faults that know them

    def take(self, faults: Iterable[QualityFinding], end: int) -> None:
        """Remember what was found in a window that ends before row *end*."""
        for fault in (one for one in faults if one.kind in BROKEN):
            key = (fault.feature, fault.kind, fault.onset_row)
            self._ends[key] = end
            if fault.rows:
                self._rows.setdefault(key, set()).update(fault.rows)

    def within(self, first: int, end: int) -> tuple[Range, ...]:
        """Give the rows of `[first, end)` that are held, as ranges that rise and do not touch."""
        found: list[Range] = []
        for onset, last in sorted(self._spans()):
            begin, stop = max(onset, first), min(last, end)
            if begin >= stop:
                continue
            if found and begin <= found[-1][1]:
                begin, stop = found[-1][0], max(found.pop()[1], stop)
            found.append((begin, stop))
        return tuple(found)

    def _spans(self) -> Iterator[Range]:
        """Give what is held of each fault that was not accepted."""
        for key, last in self._ends.items():
            if last - key[-1] < self._accepted:
                yield from ((row, row + 1) for row in self._rows[key]) if key in self._rows else [(key[-1], last)]

    def reach(self, rows: int, end: int, least: int) -> int:
        """Give the first row from which *rows* rows before *end* are free, or else *least*.

        Never later than where they would begin if nothing were held.
        """
        free = np.flatnonzero(~held(self.within(least, end), least, max(end, least)))
        first = int(free[-rows]) + least if len(free) >= rows else least
        return min(first, end - rows)


def held(ranges: Iterable[Range], first: int, end: int) -> NDArray[np.bool_]:
    """Say of each row of `[first, end)` whether one of *ranges* has it."""
    found = np.zeros(end - first, dtype=bool)
    for begin, stop in ranges:
        found[max(begin - first, 0) : max(stop - first, 0)] = True
    return found
