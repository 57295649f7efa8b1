"""What a backtest refuses."""

from __future__ import annotations


class StreamInvalid(ValueError):
    """The file cannot be backtested as asked."""
