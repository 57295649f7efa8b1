"""Reads a recorded stream: a CSV (plain or gzipped) or Parquet file becomes columns, labels and times."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.clock import Ints, paced, times_of
from backtest.errors import StreamInvalid
from backtest.table import listed, read_table
from backtest.truth import infer_task, labels_of
from server.models.references import LEAST_REFERENCE
from server.models.registration import MOST_FEATURES
from server.transport.fields import MOST_WORD

__all__ = ["Column", "Floats", "Ints", "Stream", "StreamInvalid", "infer_task", "read_stream", "stream_of"]

Floats = npt.NDArray[np.float64]

LEAST_SERVED = 10  #: rows behind the reference


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

    def row_at(self, occurred_us: int) -> int:
        """Give the last row that had come by then."""
        return int(np.searchsorted(self.times_us, occurred_us, side="right")) - 1


def read_stream(
    path: Path,
    target: str,
    *,
    task: str | None = None,
    drop: tuple[str, ...] = (),
    time: str | None = None,
    reference_share: float = 0.2,
) -> Stream:
    """Read *path* as a stream. An infinite value of a feature counts as missing.

    Raises:
        StreamInvalid: The file cannot be read, or an option does not fit what it holds.
    """
    return stream_of(
        read_table(path), path.name, target, task=task, drop=drop, time=time, reference_share=reference_share
    )


def stream_of(
    frame: pd.DataFrame,
    name: str,
    target: str,
    *,
    task: str | None = None,
    drop: tuple[str, ...] = (),
    time: str | None = None,
    reference_share: float = 0.2,
) -> Stream:
    """Take a table as a stream; *name* is that of its file, which messages tell.

    Raises:
        StreamInvalid: An option does not fit what the table holds.
    """
    _check_names(name, frame, target, drop, time)
    reference_rows = _reference_rows(name, len(frame), reference_share)
    times_us = times_of(frame[time]) if time else paced(len(frame), reference_rows)
    order = np.argsort(times_us, kind="stable")
    frame = frame.iloc[order].reset_index(drop=True)
    found = task or infer_task(frame[target])
    labels, classes = labels_of(frame[target], found)
    _check_reference(target, labels[:reference_rows])
    left_out = {target, time, *drop}
    names = [each for each in frame.columns if each not in left_out]
    if not 0 < len(names) <= MOST_FEATURES:
        raise StreamInvalid(f"{name}: {len(names)} features are left; 1 to {MOST_FEATURES} are accepted")
    return Stream(
        name=name.split(".", maxsplit=1)[0],
        task=found,
        columns=tuple(_column(frame[each], reference_rows) for each in names),
        labels=labels,
        classes=classes,
        times_us=times_us[order],
        reference_rows=reference_rows,
    )


def _check_names(file: str, frame: pd.DataFrame, target: str, drop: tuple[str, ...], time: str | None) -> None:
    for option, name in (("--target", target), *(("--drop", column) for column in drop), ("--time", time)):
        if name is not None and name not in frame.columns:
            raise StreamInvalid(f"{option}: no column {name!r} in {file}; {_held(frame)}")
        if name == target and option != "--target":
            raise StreamInvalid(f"{option}: {target!r} is the target; another column is accepted")


def _held(frame: pd.DataFrame) -> str:
    told = listed(frame.columns)
    numbers = pd.to_numeric(pd.Series([str(name) for name in frame.columns]), errors="coerce").notna().sum()
    if 2 * numbers >= len(frame.columns):
        return f"its first line holds numbers ({told}), and one of names is accepted"
    return f"it has {told}"


def _reference_rows(file: str, rows: int, share: float) -> int:
    if not 0 < share < 1:
        raise StreamInvalid(f"--reference-share: {share} is not accepted; a share between 0 and 1 is")
    reference_rows = int(rows * share)
    if reference_rows < LEAST_REFERENCE or rows - reference_rows < LEAST_SERVED:
        raise StreamInvalid(
            f"{file}: {rows} rows at --reference-share {share:g} are {reference_rows} to learn from and "
            f"{rows - reference_rows} to serve; at least {LEAST_REFERENCE} and {LEAST_SERVED} are needed"
        )
    return reference_rows


def _check_reference(target: str, labels: Floats) -> None:
    known = labels[~np.isnan(labels)]
    where = f"in the reference, the first {len(labels)} rows"
    if len(known) < LEAST_REFERENCE:
        raise StreamInvalid(
            f"--target: {target!r} is known in {len(known)} rows {where}; at least {LEAST_REFERENCE} are needed"
        )
    if np.ptp(known) == 0:
        raise StreamInvalid(f"--target: {target!r} is constant {where}; at least two values are needed")


def _column(series: pd.Series[Any], reference_rows: int) -> Column:
    name = str(series.name)
    if not 0 < len(name) <= MOST_WORD:
        raise StreamInvalid(f"the column {name[:40]!r}… has a name of {len(name)} characters; 1 to {MOST_WORD} are")
    if pd.api.types.is_numeric_dtype(series):
        values = series.to_numpy(np.float64, na_value=np.nan)
        return Column(name=name, values=np.where(np.isinf(values), np.nan, values))
    words, codes = _words(name, series, reference_rows)
    return Column(name=name, values=codes, words=words)


def _words(name: str, series: pd.Series[Any], reference_rows: int) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    _refuse_what_is_no_word(name, series)
    text = series.astype("string")
    longest = int(text.str.len().fillna(0).max())
    if longest > MOST_WORD:
        raise StreamInvalid(
            f"the column {name!r} holds a text of {longest} characters; words of at most {MOST_WORD} are accepted, "
            "and --drop leaves a column out"
        )
    known = sorted(text[:reference_rows].dropna().unique())
    seen = set(known)
    later = [word for word in dict.fromkeys(text[reference_rows:].dropna()) if word not in seen]
    words = tuple(str(word) for word in [*known, *later])
    return words, pd.Categorical(text, categories=list(words)).codes.astype(np.int32)


def _refuse_what_is_no_word(name: str, series: pd.Series[Any]) -> None:
    """A moment is never seen twice, and a list has no order: no model learns from either as it is."""
    first = series.dropna().head(1)
    held = first.iloc[0] if len(first) else ""
    if not isinstance(held, str | bool | int | float):
        raise StreamInvalid(
            f"the column {name!r} holds {type(held).__name__} values; numbers and words are accepted, --time names the "
            "clock, and --drop leaves a column out"
        )
