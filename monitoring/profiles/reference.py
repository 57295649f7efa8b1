"""The reference: what a model's rows looked like when all was well, as integers on fixed bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["numeric", "categorical"]

#: Slots that every feature has before its regular bins. `far_*` is outside the plausible range, `under` and
#: `over` only outside what the reference held.
SPECIAL = ("missing", "invalid", "new", "far_under", "under", "over", "far_over")
MISSING, INVALID, NEW, FAR_UNDER, UNDER, OVER, FAR_OVER = range(len(SPECIAL))
FIRST_BIN = len(SPECIAL)
MAX_BINS = 64
OUTPUT = "@output"  #: The model's output is profiled as one more numeric feature.
LABEL = "@label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What the owner of a model declares about a feature: its kind, and how many categories it knows."""

    name: str
    kind: Kind = "numeric"
    categories: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature of the reference: its bins, its counts, and how far its own blocks strayed.

    `edges` are the inner edges of numeric bins, each belonging to the bin on its right. `codes` gives the bin of each
    known category. `peaks` are the highest share that any block of the reference had of missing, invalid, new, far out
    of range, and of its fullest bin. `dispersion` has a factor (1 or more) for each alternative of
    `alternatives.ladder`: by how much sums over blocks vary more than independent rows would.
    """

    name: str
    kind: Kind
    edges: tuple[float, ...]
    low: float
    high: float
    codes: tuple[int, ...]
    counts: tuple[int, ...]
    peaks: tuple[float, ...]
    dispersion: tuple[float, ...] = ()

    @property
    def slots(self) -> int:
        """The number of slots: the special ones and the regular bins."""
        return len(self.counts)

    def far(self) -> tuple[float, float]:
        """Return the bounds of the plausible: one range beyond the range; of positive values, a tenth of the least."""
        span = self.high - self.low or max(abs(self.low), 1.0)
        lowest = self.low - span
        return (max(lowest, self.low / 10) if self.low > 0 else lowest), self.high + span

    def place(self, values: Floats) -> Ints:
        """Return the slot of each value; shape as *values*, in `[0, slots)`."""
        if self.kind == "categorical":
            return self._place_codes(values)
        placed = np.searchsorted(np.array(self.edges), values, side="right") + FIRST_BIN
        far_low, far_high = self.far()
        placed[values < self.low] = UNDER
        placed[values > self.high] = OVER
        placed[values < far_low] = FAR_UNDER
        placed[values > far_high] = FAR_OVER
        return _flaws(values, placed)

    def _place_codes(self, values: Floats) -> Ints:
        bins = np.append(np.array(self.codes, dtype=np.int64) + FIRST_BIN, NEW)
        whole = np.isfinite(values) & (values >= 0) & (values == np.floor(values))
        code = np.where(whole, np.minimum(values, len(self.codes)), 0).astype(np.int64)
        return _flaws(values, np.where(whole, bins[code], INVALID))

    def to_json(self) -> dict[str, Any]:
        """Return the feature as plain lists, for canonical bytes."""
        return {
            "name": self.name,
            "kind": self.kind,
            "edges": list(self.edges),
            "low": self.low,
            "high": self.high,
            "codes": list(self.codes),
            "counts": list(self.counts),
            "peaks": list(self.peaks),
            "dispersion": list(self.dispersion),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(
            name=data["name"],
            kind=data["kind"],
            low=float(data["low"]),
            high=float(data["high"]),
            edges=tuple(map(float, data["edges"])),
            codes=tuple(data["codes"]),
            counts=tuple(data["counts"]),
            peaks=tuple(map(float, data["peaks"])),
            dispersion=tuple(map(float, data["dispersion"])),
        )


def _flaws(values: Floats, placed: Ints) -> Ints:
    placed[np.isinf(values)] = INVALID
    placed[np.isnan(values)] = MISSING
    return placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """All features (the output is the last one), the bins of the label, and the share of repeated rows.

    Slots of all features lie one after another in one flat vector; `starts` says where each feature's begin.
    """

    rows: int
    features: tuple[Feature, ...]
    label_edges: tuple[float, ...]
    repeats: int  #: rows of the reference that are equal to an earlier one

    @property
    def starts(self) -> tuple[int, ...]:
        """The first flat slot of each feature, and the length of the vector at the end."""
        return tuple(np.cumsum([0, *(each.slots for each in self.features)]).tolist())

    @property
    def label_bins(self) -> int:
        """The number of label bins."""
        return len(self.label_edges) + 1

    def keeping(self, features: Sequence[int]) -> Reference:
        """Return the reference of these *features* alone, in this order, and of the output."""
        return replace(self, features=(*(self.features[k] for k in features), self.features[-1]))

    def layout(self) -> list[dict[str, Any]]:
        """Return name, kind, first flat slot and number of slots per feature, for those who read flat vectors."""
        return [
            {"name": each.name, "kind": each.kind, "start": start, "slots": each.slots}
            for each, start in zip(self.features, self.starts[:-1], strict=True)
        ]

    def check(self, rows: Floats, outputs: Floats) -> None:
        """Refuse rows of another shape.

        Raises:
            ValueError: The number of columns is not the reference's, or that of rows is not the outputs'.
        """
        if rows.shape != (len(outputs), len(self.features) - 1):
            message = f"rows have shape {rows.shape}, expected ({len(outputs)}, {len(self.features) - 1})"
            raise ValueError(message)

    def place(self, rows: Floats, outputs: Floats) -> Ints:
        """Return the flat slot of every value; *rows* is (n, features), the result (n, features + 1).

        Raises:
            ValueError: The number of columns is not the reference's.
        """
        self.check(rows, outputs)
        columns = [*rows.T, outputs]
        placed = [f.place(c) + s for f, c, s in zip(self.features, columns, self.starts[:-1], strict=True)]
        return np.stack(placed, axis=1)

    def place_labels(self, labels: Floats) -> Ints:
        """Return the label bin of each label that is no NaN."""
        return np.searchsorted(np.array(self.label_edges), labels, side="right").astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """Return the reference as plain lists, for canonical bytes."""
        return {
            "schema": 1,
            "rows": self.rows,
            "features": [each.to_json() for each in self.features],
            "label_edges": list(self.label_edges),
            "repeats": self.repeats,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(
            rows=data["rows"],
            features=tuple(map(Feature.from_json, data["features"])),
            label_edges=tuple(map(float, data["label_edges"])),
            repeats=data["repeats"],
        )
