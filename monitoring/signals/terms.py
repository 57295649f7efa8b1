"""The terms of a watch over a series: what a policy asks, and what a point taught."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

Direction = Literal["higher_is_worse", "lower_is_worse"]
Phase = Literal["learning", "watching", "suspect", "confirmed"]
Verdict = Literal["none", "alarm", "confirmed", "cleared"]


class Thresholds(Protocol):
    """What a policy says about metric series; evidence is given as e-values."""

    @property
    def baseline_points(self) -> int:
        """How many first points give the baseline."""

    @property
    def alarm(self) -> float:
        """The e-value that raises suspicion."""

    @property
    def confirm(self) -> float:
        """The e-value on points after the alarm that confirms it."""

    @property
    def clear(self) -> float:
        """The e-value against the alarm, on points after it, that clears it."""

    @property
    def persistence(self) -> int:
        """How many of the last `of` points after the alarm must be bad."""

    @property
    def of(self) -> int:
        """How many points `persistence` looks back on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFinding:
    """What one point taught; `onset` is the number of the first bad point, -1 when nothing is suspected."""

    verdict: Verdict
    name: str
    point: int
    value: float
    baseline: float | None
    limit: float | None  #: the value beyond which a point is bad
    log_evidence: float
    onset: int
    phase: Phase  #: of the series after the point
    bad: bool

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return asdict(self)
