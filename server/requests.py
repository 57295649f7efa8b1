"""What can be asked, as plain values: the transport reads them from messages, the backtest makes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from statemachine.externals import ExternalSignal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Categories:
    """A categorical column as it was sent: a dictionary, and codes into it; -1 is missing."""

    dictionary: list[str]
    codes: npt.NDArray[np.int32]


Column = Floats | Categories


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsBatch:
    """Rows to ingest. Every column has `len(ids)` values."""

    model: str
    batch_id: str
    ids: list[str]
    times_us: Ints
    columns: dict[str, Column]
    outputs: dict[str, Floats]
    served: npt.NDArray[np.uint8]  #: index into `outputs`, in its order
    generation: int
    latency_us: Ints | None = None
    subjects: list[str] = field(default_factory=list)  #: opaque ids of whom rows are about, empty for nobody; or none

    def digest(self) -> str:
        """Give the SHA-256 of the content: equal batches, equal digest."""
        sha = hashlib.sha256("\x1f".join((*self.ids, *self.outputs, str(self.generation))).encode())
        sha.update(self.times_us.tobytes() + self.served.tobytes())
        for name in sorted(self.columns):
            column = self.columns[name]
            sha.update(name.encode())
            if isinstance(column, Categories):
                sha.update("\x1f".join(column.dictionary).encode() + column.codes.tobytes())
            else:
                sha.update(column.tobytes())
        for values in self.outputs.values():
            sha.update(values.tobytes())
        if self.subjects:
            sha.update("\x1f".join(self.subjects).encode())
        return sha.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsBatch:
    """Labels to join by prediction id."""

    model: str
    batch_id: str
    ids: list[str]
    values: Floats
    times_us: Ints
    allow_missing: bool = False  #: where nothing is known of a prediction, the others are taken all the same

    def digest(self) -> str:
        """Give the SHA-256 of the content; where nothing may be missing, as earlier releases have made it."""
        allowed = b"allow_missing" if self.allow_missing else b""
        return hashlib.sha256("\x1f".join(self.ids).encode() + self.values.tobytes() + allowed).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a metric series."""

    name: str
    time_us: int
    value: float
    higher_is_worse: bool | None = None  #: None: as the signal is declared
    tolerance: float | None = None  #: None: as the signal is declared
    unit: str = ""  #: empty: that of the signal

    def to_json(self) -> dict[str, Any]:
        """Give the point as JSON, without the unit of a point that has none: so earlier releases have written it."""
        return {
            "name": self.name,
            "time_us": self.time_us,
            "value": self.value,
            "higher_is_worse": self.higher_is_worse,
            "tolerance": self.tolerance,
            **({"unit": self.unit} if self.unit else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsBatch:
    """Points of metric series."""

    model: str
    request_id: str
    points: list[Point]
    provider: str = ""  #: who measured them

    def to_json(self) -> Any:  # noqa: ANN401 - what a digest is taken of
        """Give the content as JSON; where nobody is named who measured, as earlier releases have written it."""
        points = [point.to_json() for point in self.points]
        return {"points": points, "provider": self.provider} if self.provider else points


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceRows:
    """The rows that a champion was trained and checked on."""

    columns: dict[str, Column]
    labels: Floats
    outputs: Floats  #: the champion's, best on rows that it was not trained on; NaN where unknown
    times_us: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class NewModel:
    """A model to put under watch."""

    request_id: str
    name: str
    owner: str
    purpose: str
    task: str
    metric: str
    outcomes: str
    template: str
    features: list[dict[str, Any]]
    classes: list[str]
    champion: str
    label_delay_rows: int
    policy: dict[str, Any]
    seed: int = 0
    signals: list[ExternalSignal] = field(default_factory=list)
    reference: ReferenceRows | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an accepted batch is told. A repeated batch gets the first one again."""

    batch_id: str
    accepted: int
    first_row: int = 0
    repeated: int = 0
    labelled: int = 0
    watermark_us: int = 0
    duplicate: bool = False
    missing: list[int] = field(default_factory=list)  #: positions of labels of whose predictions nothing is known
    erased: int = 0  #: rows of the model of which nothing is known any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a worker hands in."""

    job: str
    attempt: int
    report: dict[str, Any]
    artifacts: list[str] = field(default_factory=list)
    isolation: str = ""
    measured: dict[str, Any] = field(default_factory=dict)
