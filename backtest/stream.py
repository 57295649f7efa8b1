"""Reads a recorded stream: a CSV (plain or gzipped) or Parquet file becomes columns, labels and times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_CLASSES = 50  #: whole numbers with more values than this are quantities, not classes
EPOCH_US = 946_684_800_000_000  #: 2000-01-01: where the clock of a stream without times begins
REFERENCE_US = 30 * 86_400 * 1_000_000  #: how long its reference lasts on that clock
LEAST_ROWS = 100
TASKS = ("binary", "multiclass", "regression")


class StreamInvalid(ValueError):
    """The file cannot be backtested as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One feature: numbers with NaN for missing, or codes into words with -1 for missing."""

    name: str
    values: npt.NDArray[Any]
    words: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A recorded stream in the order of its time."""

    name: str
    task: str
    columns: tuple[Column, ...]
    labels: Floats  #: class index or value; NaN where the truth was never learned
    classes: tuple[str, ...]
    times_us: Ints
    reference_rows: int

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.labels)


def read_stream(
    path: Path,
    target: str,
    *,
    task: str | None = None,
    drop: tuple[str, ...] = (),
    time: str | None = None,
    reference_share: float = 0.2,
) -> Stream:
    """Read *path* as a stream.

    Raises:
        StreamInvalid: The file cannot be read, or a column that was named is not there.
    """
    frame = _frame(path)
    for option, name in (("--target", target), *(("--drop", column) for column in drop), ("--time", time)):
        if name is not None and name not in frame.columns:
            raise StreamInvalid(
                f"{option}: no column {name!r} in {path.name}; it has {', '.join(map(str, frame.columns))}"
            )
    if not 0 < reference_share < 1:
        raise StreamInvalid(f"--reference-share: {reference_share} is not accepted; a share between 0 and 1 is")
    if len(frame) < LEAST_ROWS:
        raise StreamInvalid(f"{path.name}: {len(frame)} rows are too few; at least {LEAST_ROWS} are needed")
    reference_rows = int(len(frame) * reference_share)
    if time is not None:
        frame = frame.sort_values(time, kind="stable", ignore_index=True)
    features = frame.drop(columns=[target, *drop, *([time] if time and time not in drop else [])])
    found = task or infer_task(frame[target])
    labels, classes = _labels(frame[target], found)
    if len(np.unique(labels[:reference_rows][~np.isnan(labels[:reference_rows])])) < 2:  # noqa: PLR2004 - two values
        raise StreamInvalid(f"--target: {target!r} is constant in the reference, the first {reference_rows} rows")
    return Stream(
        name=path.name.split(".")[0],
        task=found,
        columns=tuple(_column(features[name], reference_rows) for name in features.columns),
        labels=labels,
        classes=classes,
        times_us=_times(frame[time] if time else None, len(frame), reference_rows),
        reference_rows=reference_rows,
    )


def infer_task(target: pd.Series[Any]) -> str:
    """Guess the task: two values are binary, words or few whole numbers are classes, the rest are quantities."""
    values = target.dropna().unique()
    if len(values) <= 2:  # noqa: PLR2004 - binary
        return "binary"
    if not pd.api.types.is_numeric_dtype(target):
        return "multiclass"
    whole = np.equal(np.mod(values, 1), 0).all()
    return "multiclass" if whole and len(values) <= MOST_CLASSES else "regression"


def _frame(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise StreamInvalid(f"{path}: no such file")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path)
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise StreamInvalid(f"{path.name}: cannot be read: {error}") from error


def _labels(target: pd.Series[Any], task: str) -> tuple[Floats, tuple[str, ...]]:
    if task not in TASKS:
        raise StreamInvalid(f"--task: {task!r} is not accepted; one of {', '.join(TASKS)} is")
    if task == "regression":
        return pd.to_numeric(target, errors="coerce").to_numpy(np.float64), ()
    words = sorted(target.dropna().unique())
    if task == "binary" and len(words) > 2:  # noqa: PLR2004 - binary
        raise StreamInvalid(f"--task binary: the target has {len(words)} values")
    codes = pd.Categorical(target, categories=words).codes.astype(np.float64)
    codes[codes < 0] = np.nan
    return codes, tuple(str(word) for word in words)


def _column(series: pd.Series[Any], reference_rows: int) -> Column:
    if pd.api.types.is_numeric_dtype(series):
        values = series.to_numpy(np.float64, na_value=np.nan)
        return Column(name=str(series.name), values=np.where(np.isinf(values), np.nan, values))
    text = series.astype("string")
    known = sorted(text[:reference_rows].dropna().unique())
    later = [word for word in dict.fromkeys(text[reference_rows:].dropna()) if word not in set(known)]
    words = tuple(str(word) for word in [*known, *later])
    codes = pd.Categorical(text, categories=list(words)).codes.astype(np.int32)
    return Column(name=str(series.name), values=codes, words=words)


def _times(series: pd.Series[Any] | None, rows: int, reference_rows: int) -> Ints:
    """Give the stream's clock. Without times its reference lasts thirty days, so that durations mean something."""
    if series is not None:
        if pd.api.types.is_numeric_dtype(series):
            return np.asarray(EPOCH_US + series.to_numpy(np.float64) * 1_000_000, dtype=np.int64)
        parsed = pd.to_datetime(series, errors="coerce", format="mixed", utc=True)
        if parsed.isna().any():
            raise StreamInvalid(f"--time: row {int(parsed.isna().to_numpy().argmax())} of {series.name!r} is no time")
        return np.asarray(parsed.astype("datetime64[us, UTC]").astype(np.int64), dtype=np.int64)
    return np.asarray(EPOCH_US + np.arange(rows) * (REFERENCE_US // reference_rows), dtype=np.int64)
