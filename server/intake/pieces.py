"""Pieces of an entry: what may stand in clear, and for each key the bytes that only its holder may read.

Rows are cut as records, one after another, so that the rows of a subject are one stretch of bytes however many there
are: nothing here loops over rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from server.intake import feed

Header = dict[str, Any]
Ints = feed.Ints
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Cut:
    """An entry in pieces: a header and bytes in clear, and one piece for each key."""

    header: Header
    clear: bytes
    pieces: list[bytes]


def cut_rows(entry: feed.Rows, keys: feed.Keys) -> Cut:
    """Cut rows by their keys. In clear stand counts, versions, the last time, and words that the vocabulary learned."""
    order, bounds = _sorted(keys)
    header = {
        "first_row": entry.first_row,
        "rows": entry.count,
        "until_us": int(entry.times_us[-1]),
        "features": entry.features.shape[0],
        "versions": list(entry.outputs),
        "served_by": entry.served_by,
        "generation": entry.generation,
        "categories": entry.categories,
        "latency": entry.latency_us is not None,
    }
    if len(bounds) == 1:
        return Cut(header, b"", [_with_ids(entry.ids, _records(entry, header).tobytes())])
    records, ids = _records(entry, header)[order], [entry.ids[i] for i in order.tolist()]
    data, size = memoryview(records.tobytes()), records.dtype.itemsize
    parts = [_with_ids(ids[first:end], data[first * size : end * size]) for first, end in bounds]
    return Cut(header, _key_numbers(keys), parts)


def join_rows(header: Header, clear: bytes, pieces: Sequence[bytes | None]) -> feed.Rows:
    """Put rows together again; those of a piece that is None are erased."""
    count = header["rows"]
    keys = _keys(header, clear, count)
    records, ids, erased = _joined(header, keys, pieces)
    return feed.Rows(
        first_row=header["first_row"],
        ids=ids,
        times_us=np.ascontiguousarray(records["time"]),
        features=np.ascontiguousarray(records["features"].T),
        outputs={
            version: np.ascontiguousarray(records["outputs"][:, i]) for i, version in enumerate(header["versions"])
        },
        served_by=header["served_by"],
        served=np.ascontiguousarray(records["served"]),
        generation=header["generation"],
        categories=header["categories"],
        latency_us=np.ascontiguousarray(records["latency"]) if header["latency"] else None,
        keys=keys,
        erased=erased,
    )


def _joined(
    header: Header, keys: feed.Keys, pieces: Sequence[bytes | None]
) -> tuple[npt.NDArray[Any], list[str], feed.Bools | None]:
    """Give records and ids by row, and which rows are erased: blank, and without an id."""
    read = [_ids_of(piece) for piece in pieces if piece is not None]
    if len(read) == len(pieces) == 1:
        [(names, data)] = read
        return np.frombuffer(data, dtype=_record(header)), names, None
    order, bounds = _sorted(keys)
    # In the order of keys, so that what is alive is one stretch of bytes.
    alive = np.repeat([piece is not None for piece in pieces], [end - first for first, end in bounds])
    records, ids, erased = _blank(header), [""] * len(order), np.ones(len(order), dtype=np.bool_)
    rows = order[alive]
    records[rows] = np.frombuffer(b"".join(data for _, data in read), dtype=records.dtype)
    erased[rows] = False
    for row, name in zip(rows.tolist(), (name for names, _ in read for name in names), strict=True):
        ids[row] = name
    return records, ids, erased if erased.any() else None


def cut_labels(entry: feed.Labels, keys: feed.Keys) -> Cut:
    """Cut labels by the keys of their rows. In clear stand the numbers of the rows, and when the truth was learned."""
    order, bounds = _sorted(keys)
    values = entry.values[order]
    header = {"count": len(entry.rows), "time_us": entry.time_us}
    clear = _key_numbers(keys) + np.ascontiguousarray(entry.rows, dtype="<i8").tobytes()
    return Cut(header, clear, [values[first:end].tobytes() for first, end in bounds])


def join_labels(header: Header, clear: bytes, pieces: Sequence[bytes | None]) -> feed.Labels:
    """Put labels together again; those of a piece that is None are NaN."""
    count = header["count"]
    keys = _keys(header, clear, count)
    order, bounds = _sorted(keys)
    values = np.full(count, np.nan)
    for (first, end), piece in zip(bounds, pieces, strict=True):
        if piece is not None:
            values[order[first:end]] = np.frombuffer(piece, dtype="<f8")
    rows = np.frombuffer(clear, dtype="<i8", offset=len(clear) - 8 * count)
    return feed.Labels(rows=rows, values=values, time_us=header["time_us"])


def _records(entry: feed.Rows, header: Header) -> npt.NDArray[Any]:
    records = np.empty(entry.count, dtype=_record(header))
    records["time"], records["features"], records["served"] = entry.times_us, entry.features.T, entry.served
    for i, values in enumerate(entry.outputs.values()):
        records["outputs"][:, i] = values
    if entry.latency_us is not None:
        records["latency"] = entry.latency_us
    return records


def _blank(header: Header) -> npt.NDArray[Any]:
    """Give rows of which nothing is known but that they came no later than the last."""
    records = np.zeros(header["rows"], dtype=_record(header))
    records["time"], records["features"], records["outputs"] = header["until_us"], np.nan, np.nan
    return records


def _record(header: Header) -> np.dtype[Any]:
    fields: list[Any] = [
        ("time", "<i8"),
        ("features", "<f8", (header["features"],)),
        ("outputs", "<f8", (len(header["versions"]),)),
        ("served", "u1"),
    ]
    return np.dtype([*fields, ("latency", "<i8")] if header["latency"] else fields)


def _sorted(keys: feed.Keys) -> tuple[Ints, list[tuple[int, int]]]:
    """Give the order that puts rows of one key together, and where each key's rows begin and end in it."""
    order = np.argsort(keys.of, kind="stable")
    ends = np.cumsum(np.bincount(keys.of, minlength=len(keys.ids))).tolist()
    return order, list(zip([0, *ends[:-1]], ends, strict=True))


def _key_numbers(keys: feed.Keys) -> bytes:
    """Write which key each row has; nothing where there is only one."""
    return np.ascontiguousarray(keys.of, dtype="<i4").tobytes() if len(keys.ids) > 1 else b""


def _keys(header: Header, clear: bytes, count: int) -> feed.Keys:
    if len(header["keys"]) == 1:
        return feed.Keys(header["keys"], np.zeros(count, dtype=np.int64))
    return feed.Keys(header["keys"], np.frombuffer(clear, dtype="<i4", count=count).astype(np.int64))


def _with_ids(ids: Sequence[str], records: bytes | memoryview) -> bytes:
    names = orjson.dumps(ids)
    return b"".join((len(names).to_bytes(_LENGTH_BYTES, "little"), names, records))


def _ids_of(piece: bytes) -> tuple[list[str], bytes]:
    end = _LENGTH_BYTES + int.from_bytes(piece[:_LENGTH_BYTES], "little")
    names: list[str] = orjson.loads(piece[_LENGTH_BYTES:end])
    return names, piece[end:]
