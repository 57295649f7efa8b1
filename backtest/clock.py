"""The clock of a recorded stream: the times in its file, or one of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import StreamInvalid

Ints = npt.NDArray[np.int64]

EPOCH_US = 946_684_800_000_000  #: 2000-01-01: where the clock of a stream without times begins
REFERENCE_US = 30 * 86_400 * 1_000_000  #: how long its reference lasts on that clock
MOST_US = 253_402_300_800_000_000  #: the year 10000
ACCEPTED = "dates, date-times, or numbers of seconds are accepted"


def paced(rows: int, reference_rows: int) -> Ints:
    """Give a clock to a stream without times: its reference lasts thirty days, so that durations mean something."""
    return np.asarray(EPOCH_US + np.arange(rows) * (REFERENCE_US // reference_rows), dtype=np.int64)


def times_of(series: pd.Series[Any]) -> Ints:
    """Read a column of times as microseconds; plain numbers count seconds from 2000-01-01.

    Raises:
        StreamInvalid: A row has no time, or one that lies before 1970 or behind the year 9999.
    """
    if pd.api.types.is_bool_dtype(series):
        raise StreamInvalid(f"--time: {series.name!r} holds true and false; {ACCEPTED}")
    numeric = pd.api.types.is_numeric_dtype(series)
    times = _seconds(series) if numeric else _dates(series)
    bad = np.flatnonzero(~((times >= 0) & (times < MOST_US)))
    if len(bad):
        held = series.iloc[int(bad[0])]
        told = "is missing" if pd.isna(held) else f"is {str(held)[:40]!r}, no time from 1970 to 9999"
        raise StreamInvalid(f"--time: row {int(bad[0])} of {series.name!r} {told}; {ACCEPTED}, in every row")
    return times.astype(np.int64)


def _seconds(series: pd.Series[Any]) -> npt.NDArray[Any]:
    return EPOCH_US + series.to_numpy(np.float64, na_value=np.nan) * 1_000_000


def _dates(series: pd.Series[Any]) -> npt.NDArray[Any]:
    """Give microseconds, and -1 where there is no time."""
    parsed = pd.to_datetime(series, errors="coerce", format="mixed", utc=True)
    us = np.asarray(parsed.astype("datetime64[us, UTC]").astype(np.int64))
    return np.where(parsed.isna().to_numpy(), -1, us)
