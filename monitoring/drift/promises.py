"""What a policy promises about drift, and asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Thresholds(Protocol):
    """What a policy says about drift."""

    @property
    def false_alarm_windows(self) -> float:
        """Windows that pass on average before a false alarm, at least."""

    @property
    def tolerance(self) -> float:
        """The change in total variation that does not matter."""

    @property
    def confirm(self) -> float:
        """The e-value on windows after the alarm that confirms it."""

    @property
    def clear(self) -> float:
        """Windows of a drift that lasts which pass on average before it is cleared in error, at least."""

    @property
    def persistence(self) -> int:
        """How many of the last `of` windows after the alarm must speak for drift."""

    @property
    def of(self) -> int:
        """How many windows `persistence` looks back on."""

    @property
    def fdr(self) -> float:
        """The false discovery rate of the features that are named."""

    @property
    def projections(self) -> int:
        """How many projections of features are watched like features."""

    @property
    def seasons(self) -> tuple[str, ...]:
        """The seasons that tell rows apart: each row is held against the reference of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """Thresholds that need no tuning."""

    false_alarm_windows: float = 1000.0
    tolerance: float = 0.005
    confirm: float = 100.0
    clear: float = 20.0
    persistence: int = 3
    of: int = 5
    fdr: float = 0.05
    projections: int = 0
    seasons: tuple[str, ...] = ()
