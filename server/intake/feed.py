"""What came in, in the order in which it was accepted: rows, labels and metric points.

An entry is a JSON header of known length, then raw little-endian columns; `server/intake/sealing.py` seals it. It is
written once, inside the transaction that acknowledges it, and everything that the service concludes is read from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

ROWS, LABELS, METRICS = "rows", "labels", "metrics"
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that the rows of an entry are sealed under."""

    ids: list[str]
    of: Ints  #: (n,), index into `ids`


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Accepted rows: codes and values of each feature, and the outputs of each version that scored them."""

    first_row: int
    ids: list[str]
    times_us: Ints  #: (n,)
    features: Floats  #: (f, n): one contiguous line a feature; categories as codes, missing as NaN
    outputs: dict[str, Floats]  #: by version, (n,), NaN where it did not score
    served_by: list[str]  #: version of each served output, by index
    served: Bytes  #: (n,), index into `served_by`
    generation: int
    categories: dict[str, list[str]] = field(default_factory=dict)  #: first seen here, by feature index
    latency_us: Ints | None = None
    keys: Keys | None = None  #: what each row is sealed under; None for rows of a release that sealed nothing
    erased: Bools | None = None  #: rows whose key is destroyed: without id, features NaN, outputs NaN

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Accepted labels, by row."""

    rows: Ints
    values: Floats  #: NaN where the key of the row is destroyed
    time_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Accepted points of plain metric series."""

    points: list[dict[str, Any]]


Entry = Rows | Labels | Points


def encode(entry: Entry) -> bytes:
    """Write an entry in clear."""
    match entry:
        case Rows():
            header = {
                "first_row": entry.first_row,
                "ids": entry.ids,
                "features": entry.features.shape[0],
                "versions": list(entry.outputs),
                "served_by": entry.served_by,
                "generation": entry.generation,
                "categories": entry.categories,
                "latency": entry.latency_us is not None,
            }
            columns: list[npt.NDArray[Any]] = [entry.times_us, entry.features, *entry.outputs.values(), entry.served]
            if entry.latency_us is not None:
                columns.append(entry.latency_us)
            return _join(header, columns)
        case Labels():
            return _join({"count": len(entry.rows), "time_us": entry.time_us}, [entry.rows, entry.values])
        case Points():
            return _join({"points": entry.points}, [])


def decode(kind: str, body: bytes) -> Entry:
    """Read an entry back. The body is our own: it was checked when it was written."""
    header, reader = _split(body)
    if kind == METRICS:
        return Points(points=header["points"])
    if kind == LABELS:
        count = header["count"]
        return Labels(rows=reader.ints(count), values=reader.floats(count), time_us=header["time_us"])
    count = len(header["ids"])
    return Rows(
        first_row=header["first_row"],
        ids=header["ids"],
        times_us=reader.ints(count),
        features=reader.floats(header["features"] * count).reshape(header["features"], count),
        outputs={version: reader.floats(count) for version in header["versions"]},
        served_by=header["served_by"],
        served=reader.bytes(count),
        generation=header["generation"],
        categories=header["categories"],
        latency_us=reader.ints(count) if header["latency"] else None,
    )


def _join(header: dict[str, Any], columns: list[npt.NDArray[Any]]) -> bytes:
    head = orjson.dumps(header)
    parts = [len(head).to_bytes(_LENGTH_BYTES, "little"), head]
    parts += [np.ascontiguousarray(column).tobytes() for column in columns]
    return b"".join(parts)


def _split(body: bytes) -> tuple[dict[str, Any], _Columns]:
    size = int.from_bytes(body[:_LENGTH_BYTES], "little")
    return orjson.loads(body[_LENGTH_BYTES : _LENGTH_BYTES + size]), _Columns(body, _LENGTH_BYTES + size)


class _Columns:
    """Reads raw columns one after the other."""

    def __init__(self, body: bytes, offset: int) -> None:
        self._body, self._offset = body, offset

    def floats(self, count: int) -> Floats:
        return self._next("<f8", count)

    def ints(self, count: int) -> Ints:
        return self._next("<i8", count)

    def bytes(self, count: int) -> Bytes:
        return self._next("u1", count)

    def _next(self, kind: str, count: int) -> npt.NDArray[Any]:
        values = np.frombuffer(self._body, dtype=kind, count=count, offset=self._offset)
        self._offset += values.nbytes
        return values
