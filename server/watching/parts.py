"""Parts: the drift within each segment that a policy declares, each held against its own rows of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from measures.segments import Segment
from monitoring.drift.departures import Departures
from monitoring.drift.parts import learn_part, shared
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.counting import Counter
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Reference
from monitoring.profiles.seasons import Seasons
from server.intake.feed import Floats
from statemachine.policies.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWindow:
    """The rows of one segment in a window, the watch before them, and what they taught it."""

    name: str
    first_row: int
    profile: Profile
    part: Seasons  #: what its rows of the reference were
    before: DriftWatch | Departures
    drift: DriftFinding

    def to_json(self) -> dict[str, Any]:
        """Give what a judge needs beside the reference and the policy."""
        return {
            "subject": self.name, "part": self.part.to_json(), "state": self.before.to_json(),
            "start_row": self.first_row, "profile": self.profile.to_json(),
        }  # fmt: skip


class Parts:
    """The watches over drift within segments; none of a segment that the reference hardly has."""

    def __init__(self, segments: Sequence[Segment], reference: Reference, policy: Policy) -> None:
        wanted = policy.segments.drift and not policy.drift.seasons
        self._segments = tuple(segments) if wanted else ()
        self._policy, self._reference = shared(policy, len(self._segments)), reference
        self._watches: dict[str, tuple[Seasons, DriftWatch]] = {}

    @property
    def number(self) -> int:
        """How many segments share the budget of false alarms."""
        return len(self._segments)

    def look_at_reference(self, matrix: Floats, outputs: Floats) -> None:
        """Learn what each segment looks like, by the rows (n, features) of the reference that are known."""
        for one in self._segments:
            mine = one.holds(matrix[:, one.feature])
            part = learn_part(self._reference, matrix[mine], outputs[mine])
            if part.known:
                self._watches[one.name] = part, DriftWatch.start(self._reference, self._policy, seasons=part)

    def take(self, first: int, matrix: Floats, served: Floats, counter: Counter) -> tuple[PartWindow, ...]:
        """Show each watch its rows of a window that begins at row *first*."""
        return tuple(
            self._one(one, first, (matrix[mine], served[mine]), counter)
            for one in self._segments
            if one.name in self._watches and (mine := one.holds(matrix[:, one.feature])).any()
        )

    def _one(self, segment: Segment, first: int, rows: tuple[Floats, Floats], counter: Counter) -> PartWindow:
        part, before = self._watches[segment.name]
        counted = profile(self._reference, *rows, counter)
        after, found = before.observe(first, counted, self._policy)
        self._watches[segment.name] = part, after
        return PartWindow(name=segment.name, first_row=first, profile=counted, part=part, before=before, drift=found)
