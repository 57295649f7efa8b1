"""What entries of a feed close: blocks of labelled rows, windows of rows, and points of metric series."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from measures.sums import Block
from monitoring.drift.departures import Departures
from monitoring.drift.learned import LearnedWatch
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.performance.estimate import Estimated
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Ints
from monitoring.profiles.seasons import Cells, cells_to_json
from monitoring.quality.faults import QualityFinding
from monitoring.quality.inspection import Inspection
from monitoring.quality.seen import Seen
from monitoring.signals.series import SeriesWatch
from server.watching.parts import PartWindow
from server.watching.together import Moved


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelBlock:
    """The sums of one block of labelled rows, in the order in which labels came.

    `cost` holds a block of losses for each version that answered every row of it; `lead` one of paired differences,
    first minus second, for each pair of versions that did. `parts` and `part_lead` hold the same by segment. Where
    losses are held against their seasons, `cost` and `parts` are, and leads are not.
    """

    index: int
    first_row: int
    end_row: int  #: one past its highest row
    generations: tuple[int, ...]  #: of the routes that its rows came under, rising
    cost: dict[str, Block]
    lead: dict[tuple[str, str], Block]
    parts: dict[str, Ints]  #: by version: (segments, 3), in the order of the policy; empty without segments
    part_lead: dict[tuple[str, str], Ints]  #: as `parts`, by pair
    arms: dict[str, tuple[int, int]]  #: by version: rows served, and bad ones among them


@dataclass(frozen=True, slots=True)
class ShapeWindow:
    """The watch over shapes before a window, and what the window taught it."""

    before: LearnedWatch
    found: DriftFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWindow:
    """The profile of consecutive rows."""

    first_row: int
    end_row: int  #: one past its last row; some between may be erased, and are not in the profile
    profile: Profile
    projections: Profile | None  #: beside it, where some are watched
    seen: Seen  #: as quality saw it
    quality_before: Inspection
    drift_before: DriftWatch
    faults: tuple[QualityFinding, ...]
    drift: DriftFinding
    departures_before: Departures
    departed: DriftFinding  #: features that have left the reference in it
    shapes: ShapeWindow | None  #: what was learned before it, and taught by it; where the policy asks for shapes
    cells: Cells | None  #: both by season, where the policy asks for seasons
    within: tuple[tuple[str, DriftFinding], ...]  #: what each segment taught
    shown: Profile  #: what the watch over drift was shown
    parts: tuple[PartWindow, ...]  #: by segment, where the policy looks for drift in them; of the newest window alone
    estimate: Estimated | None  #: of what the version that the reference is of costs, in units of loss; if asked for

    def to_json(self) -> dict[str, Any]:
        """Give the window as judges read it."""
        return {"start_row": self.first_row, "profile": self.profile.to_json(), "repeats": self.seen.repeats}

    def compared(self) -> dict[str, Any]:
        """Give the window as judges of drift read it."""
        beside = {} if self.projections is None else {"projections": self.projections.to_json()}
        cells = {} if self.cells is None else {"cells": cells_to_json(self.cells)}
        return {**self.to_json(), **beside, **cells}

    def inspected(self) -> dict[str, Any]:
        """Give the window as judges of the data's quality read it."""
        return self.seen.to_json()


@dataclass(slots=True)
class Series:
    """One metric series so far."""

    watch: SeriesWatch
    values: list[float] = field(default_factory=list)
    last_us: int = 0  #: time of its newest point


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint:
    """One point of a metric series, its number in it, and the series before it."""

    name: str
    number: int
    value: float
    before: SeriesWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelWindow:
    """As many labelled rows as a window has, told apart by their labels."""

    end_row: int  #: one past its highest row
    parts: tuple[PartWindow, ...]  #: by group
    groups: int  #: that share the budget of false alarms
    moved: Moved | None = None  #: where all groups together have moved

    @property
    def told(self) -> tuple[PartWindow, ...]:
        """The groups of which features have left in it."""
        return tuple(part for part in self.parts if part.drift.verdict == "alarm")


Closing = LabelBlock | LabelWindow | RowWindow | SeriesPoint
