"""What quality sees: of each window, and of the reference that windows are held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from monitoring.profiles.profile import Profile
from monitoring.quality.clock import Rhythm, Ticks
from monitoring.quality.facts import Facts
from monitoring.quality.frozen import Frozen
from monitoring.quality.labels import Labelled, Labelling
from monitoring.quality.shares import Counted
from monitoring.quality.stillness import Stillness


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of a window of rows: `facts` where some are judged, `broken` of each rule, rows that came again.

    `frozen` are the runs of values that are too long, and `labels` those that were due when the window ended, of rows
    before it; `ticks` is what the times of rows showed. Each where it is looked for.
    """

    start_row: int
    profile: Profile
    repeats: int
    facts: Facts | None = None
    broken: tuple[Counted, ...] = ()
    resent: int | None = None
    frozen: tuple[Frozen, ...] | None = None
    labels: Labelled | None = None
    ticks: Ticks | None = None

    @property
    def end_row(self) -> int:
        """The first row after it."""
        return self.start_row + self.profile.rows

    def to_json(self) -> dict[str, Any]:
        """Return the window as evidence holds it; what nobody looked for is left out."""
        told = {
            "facts": self.facts and self.facts.to_json(),
            "rules": [list(one) for one in self.broken] or None,
            "resent": self.resent,
            "frozen": None if self.frozen is None else [one.to_json() for one in self.frozen],
            "labels": self.labels and self.labels.to_json(),
            "ticks": self.ticks and self.ticks.to_json(),
        }
        plain = {"start_row": self.start_row, "profile": self.profile.to_json(), "repeats": self.repeats}
        return {**plain, **{name: value for name, value in told.items() if value is not None}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a window as evidence holds it."""
        return cls(
            start_row=data["start_row"], profile=Profile.from_json(data["profile"]), repeats=data["repeats"],
            facts=Facts.from_json(data["facts"]) if "facts" in data else None,
            broken=_broken(data), resent=data.get("resent"),
            frozen=tuple(map(Frozen.from_json, data["frozen"])) if "frozen" in data else None,
            labels=Labelled.from_json(data["labels"]) if "labels" in data else None,
            ticks=Ticks.from_json(data["ticks"]) if "ticks" in data else None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the rows of the reference did of what a policy asks: broke rules, let values stand, had labels, came.

    `dispersion` says of each rule how much more the counts of rows that broke it varied than those of independent rows.
    """

    broken: tuple[Counted, ...] = ()
    dispersion: tuple[float, ...] = ()
    still: tuple[Stillness, ...] = ()
    labelling: Labelling | None = None
    rhythm: Rhythm | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what there is, by the names under which evidence holds it."""
        told = {
            "rules": [list(one) for one in self.broken],
            "rule_dispersion": list(self.dispersion) if max(self.dispersion, default=1.0) > 1 else [],
            "still": [one.to_json() for one in self.still],
            "labelling": self.labelling and self.labelling.to_json(),
            "rhythm": self.rhythm and self.rhythm.to_json(),
        }
        return {name: value for name, value in told.items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read it from evidence that holds it among others."""
        return cls(
            broken=_broken(data), dispersion=tuple(map(float, data.get("rule_dispersion", ()))),
            still=tuple(Stillness.from_json(one) for one in data.get("still", ())),
            labelling=Labelling.from_json(data["labelling"]) if "labelling" in data else None,
            rhythm=Rhythm.from_json(data["rhythm"]) if "rhythm" in data else None,
        )  # fmt: skip


def _broken(data: Mapping[str, Any]) -> tuple[Counted, ...]:
    """Read how many rows broke each rule, of which it could be said; none where there are no rules."""
    return tuple((int(bad), int(known)) for bad, known in data.get("rules", ()))
