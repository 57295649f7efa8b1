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
UNIX_SECONDS = EPOCH_US // 1_000_000  #: numbers from here on count from 1970: counted from 2000 they begin in 2030
ACCEPTED = "dates, date-times, or numbers of seconds are accepted"
#: What would be read as a moment of the day on which the backtest runs.
OF_TODAY = r"(?i)\s*(?:now|today|T?\d{1,2}:.*)\s*$"
FIRST_TWO = r"^\s*(\d{1,2})([/.\-])(\d{1,2})[/.\-]\d{2,4}\b"  #: of a date that begins with its day or its month
MOST_MONTH = 12
#: Numbers that write a date, by how many digits they have.
WRITTEN = {8: "%Y%m%d", 6: "%Y%m", 4: "%Y"}
YEARS = (1970, 2100)  #: that a number may write


def paced(rows: int, reference_rows: int) -> Ints:
    """Give a clock to a stream without times: its reference lasts thirty days, so that durations mean something."""
    return np.asarray(EPOCH_US + np.arange(rows) * (REFERENCE_US // reference_rows), dtype=np.int64)


def times_of(series: pd.Series[Any]) -> Ints:
    """Read a column of times as microseconds.

    Numbers that all write dates (20160131, 201601, 2016) are these. Others count seconds: from 1970 where all are as
    large as that clock tells since 2000, else from 2000-01-01.

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
    numbers = series.to_numpy(np.float64, na_value=np.nan)
    written = _written(numbers)
    if written is not None:
        return written
    begin_us = 0 if len(numbers) and np.nanmin(numbers, initial=np.inf) >= UNIX_SECONDS else EPOCH_US
    return begin_us + numbers * 1_000_000


def _written(numbers: npt.NDArray[np.float64]) -> npt.NDArray[Any] | None:
    """Give the dates that *numbers* write, or None where one of them writes none."""
    bounded = (numbers > 0) & (numbers < 10 ** max(WRITTEN))
    if not bounded.all() or np.mod(numbers, 1).any():
        return None
    texts = pd.Series(numbers.astype(np.int64).astype(str))
    lengths = texts.str.len().unique()
    if len(lengths) != 1 or int(lengths[0]) not in WRITTEN or not texts.str[:4].astype(int).between(*YEARS).all():
        return None
    dates = pd.to_datetime(texts, format=WRITTEN[int(lengths[0])], errors="coerce", utc=True)
    return None if dates.isna().any() else _microseconds(dates)


def _dates(series: pd.Series[Any]) -> npt.NDArray[Any]:
    """Give microseconds, and -1 where there is no time."""
    texts = series.astype("string")
    parts = texts.str.extract(FIRST_TWO)
    first, second = (pd.to_numeric(parts[column]).to_numpy(np.float64, na_value=np.nan) for column in (0, 2))
    dotted = (parts[1] == ".").to_numpy(bool, na_value=False)
    day_first = ~np.isnan(first) & (dotted | bool((first > MOST_MONTH).any()))
    of_today = texts.str.match(OF_TODAY).to_numpy(bool, na_value=False)
    asked = series.mask(of_today | (day_first & (second > MOST_MONTH)))
    found = _microseconds(pd.to_datetime(asked, errors="coerce", format="mixed", utc=True))
    if not day_first.any():
        return found
    turned = _microseconds(pd.to_datetime(asked, errors="coerce", format="mixed", utc=True, dayfirst=True))
    return np.where(day_first, turned, found)


def _microseconds(dates: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - a column of moments
    us = np.asarray(dates.astype("datetime64[us, UTC]").astype(np.int64))
    return np.where(dates.isna().to_numpy(), -1, us)
