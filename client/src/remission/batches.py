"""Batches and references, from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from remission.columns import (
    Kinds,
    LengthsDifferError,
    Table,
    count_rows,
    encode,
    pack_floats,
    pack_micros,
    require_unicode,
    tabulate,
)
from remission.v1 import columns_pb2, ingest_pb2, model_pb2


class NotTextError(ValueError):
    """An id is no text."""

    def __init__(self, name: str, row: int, kind: str) -> None:
        super().__init__(f"{type(self).__doc__} {name}[{row}] is of type {kind}; text is accepted.")
        self.name, self.row, self.kind = name, row, kind


class NotScoredError(ValueError):
    """A row was served by a version that has no output here."""

    def __init__(self, row: int, version: str, versions: Sequence[str]) -> None:
        told = f"served_by[{row}] is {version!r}, and there are outputs of {', '.join(versions)}"
        super().__init__(f"{type(self).__doc__} {told}.")
        self.row, self.version, self.versions = row, version, tuple(versions)


MAX_BATCH_BYTES = 16 * 1024 * 1024  #: what a server takes at once


def make_batch(  # noqa: PLR0913 - a batch has this many columns, and each is named
    batch_id: str,
    data: Table | ArrayLike,
    *,
    outputs: Mapping[str, ArrayLike],
    prediction_ids: Sequence[str],
    times_us: ArrayLike,
    served_by: Sequence[str] | str | None = None,
    route_generation: int = 0,
    unit_ids: Sequence[str | None] = (),
    subject_ids: Sequence[str | None] = (),
    latency_us: ArrayLike = (),
    kinds: Kinds | None = None,
) -> ingest_pb2.Batch:
    """Return predictions as a batch of the contract.

    Args:
        batch_id: Makes the batch idempotent; the same rows sent again must carry the same id.
        data: Features, (rows, features) or by name.
        outputs: What each version predicted, (rows,) float64 each; NaN where it did not score a row.
        prediction_ids: One a row.
        times_us: When rows were scored, (rows,) int64 microseconds since the epoch, or dates in UTC; not decreasing.
        served_by: The version whose output was served, for all rows or one a row; the first of *outputs* without it.
        route_generation: The generation of the route that was followed.
        unit_ids: What assignment was made by, one a row, or none; None or blank where a row has no unit.
        subject_ids: Whom rows are about, as opaque ids, one a row, or none; None or blank is nobody. What is kept of a
            subject can be erased.
        latency_us: How long each prediction took, (rows,) int32, or none.
        kinds: The features' kinds, where they cannot be inferred from the columns' types.

    Raises:
        LengthsDifferError: Something has more or fewer rows than the features.
        NotNumericError: A numeric column, or an output, holds something else.
        NotMicrosecondsError: A time or a latency is no number, or too large.
        NotTextError: An id is no text.
        NotUnicodeError: An id, or a word of a feature, holds half of a surrogate pair.
        NotScoredError: A row was served by a version that has no output.

    >>> batch = make_batch("b-1", {"x": [0.5]}, outputs={"v1": [0.9]}, prediction_ids=["p-1"], times_us=[0])
    >>> batch.row_count
    1
    """
    table = tabulate(data)
    rows = count_rows(table) if table else len(prediction_ids)
    ids = read_ids("prediction_ids", prediction_ids)
    units, subjects = (
        read_ids(name, values, optional=True) for name, values in (("unit_ids", unit_ids), ("subject_ids", subject_ids))
    )
    for name, values in {"prediction_ids": ids, "times_us": times_us, **outputs}.items():
        require_length(name, values, rows)
    for name, values in {"unit_ids": units, "subject_ids": subjects, "latency_us": latency_us}.items():
        require_length(name, values, rows, optional=True)
    return ingest_pb2.Batch(
        batch_id=batch_id,
        row_count=rows,
        prediction_ids=ids,
        times_us=pack_micros("times_us", times_us, "i8"),
        columns=encode(table, kinds),
        outputs=[
            columns_pb2.Output(version=version, values=pack_floats(f"outputs[{version}]", values))
            for version, values in outputs.items()
        ],
        served_by=_served_by(served_by, list(outputs), rows),
        route_generation=route_generation,
        unit_ids=units,
        subject_ids=subjects,
        latency_us=pack_micros("latency_us", latency_us, "i4"),
    )


def make_reference(
    data: Table | ArrayLike,
    *,
    labels: ArrayLike,
    outputs: ArrayLike,
    times_us: ArrayLike = (),
    kinds: Kinds | None = None,
    names: Sequence[str] = (),
) -> model_pb2.Reference:
    """Return a past in which the champion was well.

    Args:
        data: Features, (rows, features) or by name.
        labels: True values, (rows,): class index or value.
        outputs: What the champion predicted, (rows,), on rows that it was not fitted to.
        times_us: When, (rows,) int64 microseconds since the epoch, or dates in UTC, or none.
        kinds: The features' kinds, where they cannot be inferred.
        names: Of the features, for a matrix.

    Raises:
        LengthsDifferError: Something has more or fewer rows than the features.
        NotNumericError: A numeric column, the labels or the outputs hold something else.
        NotMicrosecondsError: A time is no number, or too large.
    """
    table = tabulate(data, names)
    rows = count_rows(table)
    require_length("labels", labels, rows)
    require_length("outputs", outputs, rows)
    require_length("times_us", times_us, rows, optional=True)
    return model_pb2.Reference(
        row_count=rows,
        columns=encode(table, kinds),
        labels=pack_floats("labels", labels),
        outputs=pack_floats("outputs", outputs),
        times_us=pack_micros("times_us", times_us, "i8"),
    )


def require_length(name: str, values: ArrayLike, rows: int, *, optional: bool = False) -> None:
    """Refuse a column that has not one value a row, as two of `predict_proba`; an *optional* one may have none.

    Raises:
        LengthsDifferError: It has more, or fewer.
    """
    length = np.asarray(values).size
    if length != rows and not (optional and length == 0):
        raise LengthsDifferError(name, rows, length)


def read_ids(name: str, values: Sequence[str | None], *, optional: bool = False) -> list[str]:
    """Read ids, one a row; where *optional* ones are none, they are empty.

    Raises:
        NotTextError: One is no text.
        NotUnicodeError: One holds half of a surrogate pair.
    """
    found = ["" if one is None and optional else one for one in values]
    for row, one in enumerate(found):
        if not isinstance(one, str):  # a number as a text is another id as soon as its type changes
            raise NotTextError(name, row, type(one).__name__)
    texts = [str(one) for one in found]
    require_unicode(name, texts)
    return texts


def _served_by(served_by: Sequence[str] | str | None, versions: list[str], rows: int) -> bytes:
    if served_by is None:
        return b""
    names = [served_by] * rows if isinstance(served_by, str) else served_by
    require_length("served_by", names, rows)
    for row, name in enumerate(names):
        if name not in versions:
            raise NotScoredError(row, name, versions)
    index: NDArray[np.uint8] = np.array([versions.index(name) for name in names], dtype=np.uint8)
    return index.tobytes()
