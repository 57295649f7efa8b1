"""The answer of a diagnosis: causes, what each explains, since when, and how clear it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from diagnosis.causes import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause, the share of the rise that it explains with an interval, where it shows, and the evidence.

    One with a share of 0 and an interval up to more is a rival: it would explain the rise as well as the first.
    """

    kind: Kind
    share: float
    low: float
    high: float
    effect: float  #: loss units a row
    log_evidence: float
    features: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Causes, strongest first; the first is the diagnosis. `confidence` is in [0, 1], and no probability.

    It is the share of the first cause times how clearly the loss rose, halved where a rival fits as well.
    """

    causes: tuple[Cause, ...]
    onset_row: int
    confidence: float
    rise: float  #: loss units a row
    error: float  #: standard error of the rise
    labelled: int  #: rows with a label since the onset

    @property
    def cause(self) -> Kind:
        """The first cause."""
        return self.causes[0].kind

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {**asdict(self), "causes": [{**asdict(c), "features": list(c.features)} for c in self.causes]}
