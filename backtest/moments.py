"""Moments of a backtest, told by rows."""

from __future__ import annotations

import numpy as np

from backtest.stream import Stream


def row_of(stream: Stream, occurred_us: int) -> int:
    """Give the last row that had come by then."""
    return int(np.searchsorted(stream.times_us, occurred_us, side="right")) - 1
