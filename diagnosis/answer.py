"""The answer of a diagnosis: causes, what each explains, since when, and how clear it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from diagnosis.causes import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A cause, the share of the rise that it explains (in [0, 1]), where it shows, and the evidence."""

    kind: Kind
    share: float
    effect: float  #: loss units a row
    log_evidence: float
    features: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundedCause(Cause):
    """A cause with the interval of its share.

    One with a share of 0 and an interval up to more is a rival: it would explain the rise as well as the first.
    """

    low: float
    high: float


C = TypeVar("C", bound=Cause)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution(Generic[C]):
    """What a rise of the loss is put down to: causes, strongest first. `confidence` is in [0, 1], and no probability.

    It is the share of the first cause times how clearly the loss rose: 1 from five standard errors on. A rival that
    fits as well halves it.
    """

    causes: tuple[C, ...]
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


def onset_of(inputs: Mapping[str, Any], first: Cause) -> int:
    """Return the first row of the bad data: the fault's own, if a fault is the cause."""
    if first.kind != "data_quality":
        return int(inputs["onset_row"])
    return int(min(each["onset_row"] for each in inputs["quality"] if each["feature"] in first.features))
