"""Profiles of windows: integer counts on the reference's bins, and losses by bin; merging is addition.

Since every number is an integer, no order, partition or replica can change a bit of a merged profile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.counting import ArrayCounter, Counter
from monitoring.profiles.packing import packed, unpacked
from monitoring.profiles.reference import Floats, Ints, Reference

#: Squares of losses are kept at 2^-10 of the loss unit, so that 10^5 rows of a thousand units fit 64 bits.
SQUARE_SHIFT = 10
SIEVES = 2  #: features, besides the output, by which most rows are told apart before they are compared as wholes
MICRO_ROWS = 250  #: of the smallest profiles that are kept
MOST_AT_ONCE = 1 << 21  #: 32-bit halves whose sum a float still holds exactly


@dataclass(slots=True, eq=False)  # not frozen: to merge two would take a quarter more
class Profile:
    """Counts of a window of rows; `counts` is flat, laid out as `Reference.layout` says. Nobody changes one."""

    rows: int
    counts: Ints

    def __add__(self, other: Profile) -> Profile:
        """Return the profile of both windows together."""
        return Profile(self.rows + other.rows, self.counts + other.counts)

    def beside(self, other: Profile | None) -> Profile:
        """Return the counts of this one, and then those of *other* of the same rows."""
        return self if other is None else Profile(self.rows, np.concatenate([self.counts, other.counts]))

    def parted(self, last: int) -> tuple[Profile, Profile | None]:
        """Undo `beside`: return the profile without its *last* slots, and that of them, or None if they are none."""
        if not last:
            return self, None
        return Profile(self.rows, self.counts[:-last]), Profile(self.rows, self.counts[-last:])

    def __eq__(self, other: object) -> bool:
        """Say whether every count is equal."""
        return isinstance(other, Profile) and self.rows == other.rows and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]  # Arrays have no hash; name a profile by its canonical bytes.

    def to_json(self) -> dict[str, Any]:
        """Return the rows and the packed counts, for canonical bytes: half of what plain integers take."""
        return {"rows": self.rows, "packed": packed(self.counts)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`; profiles of before are read as well, which hold plain integers as `counts`."""
        if "packed" in data:
            return cls(data["rows"], unpacked(data["packed"]))
        return cls(data["rows"], np.array(data["counts"], dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class LossTable:
    """Labelled rows and their fixed-point losses by label bin and flat slot.

    `rows` and `loss` are (label bins, flat slots); `squares` (flat slots) sums the squares of `loss >> 10`.
    """

    rows: Ints
    loss: Ints
    squares: Ints

    def scores_by_label(self, reference: Reference) -> Ints:
        """Return the rows by label bin and slot of the output, (label bins, slots)."""
        return self.rows[:, reference.starts[-2] :]

    def __add__(self, other: LossTable) -> LossTable:
        """Return the table of both windows together."""
        return LossTable(self.rows + other.rows, self.loss + other.loss, self.squares + other.squares)

    def __eq__(self, other: object) -> bool:
        """Say whether every sum is equal."""
        return isinstance(other, LossTable) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # Arrays have no hash; name a table by its canonical bytes.

    def to_json(self) -> dict[str, Any]:
        """Return plain integers, for canonical bytes."""
        return {"rows": self.rows.tolist(), "loss": self.loss.tolist(), "squares": self.squares.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(*(np.array(data[name], dtype=np.int64) for name in ("rows", "loss", "squares")))


def profile(reference: Reference, rows: Floats, outputs: Floats, counter: Counter | None = None) -> Profile:
    """Count *rows* (n, features) and *outputs* (n,) on the bins of *reference*.

    Who has many windows makes the *counter* of the reference once: it costs as much as a few thousand rows.

    >>> from monitoring.profiles.learning import learn
    >>> from monitoring.profiles.reference import Column
    >>> x = np.arange(100.0).reshape(100, 1)
    >>> reference = learn([Column(name="x")], x, x[:, 0])
    >>> window = profile(reference, np.array([[5.0], [np.nan], [1e9]]), np.zeros(3))
    >>> window.rows, window.counts[:7].tolist()
    (3, [1, 0, 0, 0, 0, 0, 1])
    """
    return Profile(len(rows), (counter or ArrayCounter(reference)).count(rows, outputs))


def micro_profiles(
    reference: Reference, rows: Floats, outputs: Floats, segments: Ints, counter: Counter | None = None
) -> dict[int, list[Profile]]:
    """Profile the rows of each of *segments* (n,) in their order, in pieces of at most `MICRO_ROWS`, about even.

    Each piece has at least half of that if the segment has. What is wanted of any span, or of all segments, is a sum.
    """
    counted = counter or ArrayCounter(reference)
    found: dict[int, list[Profile]] = {}
    for segment in np.unique(segments).tolist():
        mine = np.flatnonzero(segments == segment)
        pieces = np.array_split(mine, -(-len(mine) // MICRO_ROWS))
        found[segment] = [profile(reference, rows[piece], outputs[piece], counted) for piece in pieces]
    return found


def no_losses(reference: Reference) -> LossTable:
    """Return the empty table, to add to."""
    shape = (reference.label_bins, reference.starts[-1])
    return LossTable(np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape[1], np.int64))


def loss_table(reference: Reference, rows: Floats, outputs: Floats, labels: Floats, losses: Ints) -> LossTable:
    """Sum the fixed-point *losses* (n,) of rows by label and bin; rows whose label is NaN are left out."""
    known = ~np.isnan(labels)
    placed = reference.place(rows[known], outputs[known])
    label, loss, width = reference.place_labels(labels[known]), losses[known].astype(np.int64), reference.starts[-1]
    shape = (reference.label_bins, width)
    flat = (placed + label[:, None] * width).ravel()
    features = placed.shape[1]
    return LossTable(
        np.bincount(flat, minlength=shape[0] * width).astype(np.int64).reshape(shape),
        _sums(flat, np.repeat(loss, features), shape[0] * width).reshape(shape),
        _sums(placed.ravel(), np.repeat((loss >> SQUARE_SHIFT) ** 2, features), width),
    )


def _sums(at: Ints, values: Ints, slots: int) -> Ints:
    """Sum 64-bit *values* by slot, exactly: their halves are summed as floats, which hold whole numbers below 2^53.

    A half is below 2^32 in size, so 2^21 values cannot lose a bit; there are never more at a time. Sums wrap around as
    those of 64-bit integers do.
    """
    sums = np.zeros(slots, np.int64)
    for start in range(0, len(at), MOST_AT_ONCE):
        here, some = at[start : start + MOST_AT_ONCE], values[start : start + MOST_AT_ONCE]
        high = np.bincount(here, weights=some >> 32, minlength=slots).astype(np.int64)
        sums += np.bincount(here, weights=some & 0xFFFF_FFFF, minlength=slots).astype(np.int64) + (high << 32)
    return sums


def repeated_rows(rows: Floats, outputs: Floats) -> int:
    """Return how many rows equal an earlier one, bit by bit; a fact of a whole window, so it does not merge."""
    like = np.arange(len(rows))
    for column in [outputs, *rows.T[:SIEVES]]:
        like = like[_shared(column[like])]  # a value that one row alone has tells that row from all others
        if not len(like):
            return 0
    whole = np.ascontiguousarray(np.column_stack([rows[like], outputs[like]]))
    as_bytes = whole.view(np.dtype((np.void, whole.dtype.itemsize * whole.shape[1]))).ravel()
    return len(as_bytes) - len(set(as_bytes.tolist()))


def _shared(values: Floats) -> NDArray[np.bool_]:
    """Say of each value whether another has the same bits."""
    bits = np.ascontiguousarray(values, np.float64).view(np.int64)
    order = np.sort(bits)
    same = order[1:] == order[:-1]
    return np.isin(bits, np.unique(order[1:][same])) if same.any() else np.zeros(len(bits), np.bool_)
