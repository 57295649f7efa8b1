"""Datasets as bytes: a JSON header of known length, then raw little-endian columns. Equal rows, equal bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAGIC = b"RMSN1\n"
_LENGTH_BYTES = 8
_ITEM_BYTES = 8
MOST_HEADER_BYTES = 16 << 20


class DatasetInvalid(ValueError):
    """The bytes are not a dataset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Consecutive rows of one model from `first_row` on, with what is known of them."""

    first_row: int
    rows: Floats  #: (n, features), codes for categories, NaN for missing
    labels: Floats  #: (n,), NaN where unknown
    outputs: dict[str, Floats]  #: by version, (n,), NaN where it did not score

    def to_bytes(self) -> bytes:
        """Write the dataset."""
        header = {
            "first_row": self.first_row,
            "rows": self.rows.shape[0],
            "features": self.rows.shape[1],
            "versions": list(self.outputs),
        }
        head = orjson.dumps(header)
        columns = [self.rows.T, self.labels, *self.outputs.values()]
        body = [np.ascontiguousarray(column, dtype="<f8").tobytes() for column in columns]
        return b"".join([MAGIC, len(head).to_bytes(_LENGTH_BYTES, "little"), head, *body])

    @classmethod
    def from_bytes(cls, data: bytes) -> Dataset:
        """Read a dataset.

        Raises:
            DatasetInvalid: The bytes are torn, foreign, or do not have the length that their header tells.
        """
        header, offset = _header(data)
        count, features, versions = header["rows"], header["features"], header["versions"]
        expected = offset + _ITEM_BYTES * count * (features + 1 + len(versions))
        if len(data) != expected:
            raise DatasetInvalid(f"{len(data)} bytes; the header asks for {expected}")
        values = np.frombuffer(data, dtype="<f8", offset=offset)
        cut = features * count
        tail = values[cut:].reshape(1 + len(versions), count)
        return cls(
            first_row=header["first_row"],
            rows=np.ascontiguousarray(values[:cut].reshape(features, count).T),
            labels=tail[0],
            outputs={version: tail[i + 1] for i, version in enumerate(versions)},
        )


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    start = len(MAGIC) + _LENGTH_BYTES
    if data[: len(MAGIC)] != MAGIC or len(data) < start:
        raise DatasetInvalid("it does not begin as a dataset does")
    size = int.from_bytes(data[len(MAGIC) : start], "little")
    if size > min(MOST_HEADER_BYTES, len(data) - start):
        raise DatasetInvalid(f"a header of {size} bytes does not fit")
    try:
        header = orjson.loads(data[start : start + size])
    except orjson.JSONDecodeError as error:
        raise DatasetInvalid(f"the header is no JSON: {error}") from error
    _check(header)
    return header, start + size


def _check(header: Any) -> None:  # noqa: ANN401 - whatever the bytes hold
    if not isinstance(header, dict) or set(header) != {"first_row", "rows", "features", "versions"}:
        raise DatasetInvalid("the header has other fields than a dataset's")
    for name in ("first_row", "rows", "features"):
        if type(header[name]) is not int or not 0 <= header[name] < 1 << 40:
            raise DatasetInvalid(f"{name} is {header[name]!r}; a whole number is accepted")
    versions = header["versions"]
    if (
        not isinstance(versions, list)
        or not all(isinstance(v, str) for v in versions)
        or len(set(versions)) != len(versions)
    ):
        raise DatasetInvalid("versions are not a list of distinct names")
