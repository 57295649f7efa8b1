"""Groups: labelled rows by what their labels are, each group held against earlier rows of the same labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from measures.segments import Segment
from monitoring.drift.by_label import start
from monitoring.drift.departures import Departures
from monitoring.drift.parts import learn_part, shared
from monitoring.drift.together import cut
from monitoring.profiles.counting import ArrayCounter
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Reference
from monitoring.profiles.seasons import LEAST_ROWS, Seasons
from server.intake.schema import Schema
from server.watching.closings import LabelWindow
from server.watching.parts import PartWindow
from server.watching.splits import by_label
from server.watching.tape import Rows, Tape
from server.watching.together import Moved, Together
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Drift

MOST_GROUPS = 8  #: classes that have the most rows in the reference
REMEMBERED = 2  #: times as many rows as teach a law: how far back what a group has become may begin


def _no_rows() -> Rows:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Law:
    """What a group is held against, and which of its features have left it."""

    part: Seasons
    watch: Departures


@dataclass(slots=True, kw_only=True)
class Group:
    """The latest rows of one group, and the law that they are held against, if there is one."""

    segment: Segment
    enough: int  #: rows that teach what it has become: as many as the reference has of it
    law: Law | None = None
    since: int | None = None  #: the row from which on it is another
    arrived: Rows = field(default_factory=_no_rows)  #: the latest, of which it may be another by now

    def became(self) -> Rows | None:
        """Give the rows since it is another, where they are enough to be what it is from now on."""
        if self.since is None:
            return None
        rows = self.arrived[self.arrived >= self.since]
        return rows if len(rows) >= self.enough else None

    def take(self, rows: Rows) -> None:
        """Remember *rows*, and the latest before them."""
        self.arrived = np.concatenate([self.arrived, rows])[-REMEMBERED * self.enough :]

    def moved(self, onset_row: int) -> None:
        """Hear that rows of all groups have moved together: what this one was is no law for what it is now."""
        self.law, self.since = None, onset_row

    def renewed(self, law: Law) -> None:
        """Hold what comes against another law."""
        self.law, self.since, self.arrived = law, None, _no_rows()

    def follow(self, part: Seasons, after: Departures, onset_row: int) -> None:
        """Remember since when features are away. One to which all came back is the group that it was."""
        self.law = Law(part, after)
        self.since = None if not after.away else onset_row if self.since is None else self.since


class Groups:
    """The departures of one model by label.

    What has left is held against what it was until as many rows have come as the reference has of the group; from then
    on against these, so that what leaves further, or comes back for good, is told as well. By default nothing is held
    against anything before a feature has left all rows together: until then rows are told apart, and no more. From then
    on all groups are asked together as well whether they have moved, for which no law need be learned
    (`monitoring.drift.together`).
    """

    def __init__(self, schema: Schema, tape: Tape, policy: Policy, reference: Reference, reference_rows: int) -> None:
        self._schema, self._tape, self._reference_rows = schema, tape, reference_rows
        self._policy, self._reference, self._counter = policy, reference, ArrayCounter(reference)
        self._when = "never" if policy.drift.seasons else policy.drift.by_label
        self._groups: list[Group] | None = None  #: known when labels have come behind the reference
        self._since: int | None = None  #: the row from which on something has left, of all rows together
        self._waiting: list[Rows] = []
        self._unasked: list[Rows] = []  #: the latest blocks, of which labels together have not been asked
        self._begun = 0  #: since when rows are what they are, as far as anything was told
        self._together = Together(tape, policy, reference, reference_rows)

    def departed(self, onset_row: int) -> None:
        """Hear that a feature has left all rows together."""
        self._begun = onset_row
        if self._since is None:
            self._since = onset_row
            for group in self._groups or ():
                group.since = onset_row if group.law is None else group.since

    def take(self, rows: Rows, told_row: int) -> LabelWindow | None:
        """Take the labelled *rows* of a block; give the window that they fill, if they do.

        What began before *told_row* was told.
        """
        if self._when == "never":
            return None
        self._waiting.append(rows)
        if len(self._waiting) < self._policy.windows.blocks:
            return None
        blocks, self._waiting = self._waiting, []
        whole = np.concatenate(blocks)
        if not len(whole):
            return None
        if self._groups is None:
            self._groups = list(self._known())
        end, drift = int(whole.max()) + 1, shared(self._policy, len(self._groups))
        moved = self._moved(self._groups, blocks, told_row)
        parts = tuple(self._parts(self._groups, whole, drift, told_row))
        window = LabelWindow(end_row=end, parts=parts, groups=len(self._groups), moved=moved)
        if window.moved or window.told:  # rows were looked at until they said so, and are no measure for rows to come
            self._begun = end
        return window

    def _moved(self, groups: list[Group], blocks: list[Rows], told_row: int) -> Moved | None:
        """Ask all groups together, from when any may be told of on; each begins anew where they have moved."""
        asked = self._policy.drift.together
        self._unasked = list(cut([*self._unasked, *(rows for rows in blocks if len(rows))], self._policy))
        if asked == "never" or (asked == "after_drift" and self._since is None):
            return None
        new, self._unasked = self._unasked, []
        moved = self._together.take([group.segment for group in groups], new, self._begun, told_row)
        if moved is not None:
            for group in groups:
                group.moved(moved.found.onset_row)
        return moved

    def _known(self) -> Iterator[Group]:
        """Give the groups of which the reference has rows enough; others are watched among all rows."""
        known = np.arange(self._reference_rows)
        known = known[self._tape.living(known)]
        labels = self._tape.labels[known]
        for segment in by_label(self._schema, labels, MOST_GROUPS):
            rows = known[segment.holds(labels)]
            if len(rows) >= LEAST_ROWS:
                if self._when == "always":
                    yield Group(segment=segment, enough=len(rows), since=0, arrived=rows)
                else:
                    yield Group(segment=segment, enough=len(rows), since=self._since)

    def _parts(self, groups: list[Group], whole: Rows, drift: Drift, told_row: int) -> Iterator[PartWindow]:
        first, labels = int(whole.min()), self._tape.labels[whole]
        for group in groups:
            became = group.became()
            if became is not None:
                group.renewed(self._law(became, drift))
            rows = whole[group.segment.holds(labels)]
            group.take(rows)
            if group.law is not None and len(rows):
                yield self._one(group, group.law, (first, rows), (drift, told_row))

    def _law(self, rows: Rows, drift: Drift) -> Law:
        part = learn_part(self._reference, self._tape.matrix(rows), self._tape.answers(rows))
        return Law(part, start(self._reference, drift, part))

    def _one(self, group: Group, law: Law, came: tuple[int, Rows], asked: tuple[Drift, int]) -> PartWindow:
        (first, rows), (drift, told_row) = came, asked
        before = replace(law.watch, told_row=max(law.watch.told_row, told_row))
        counted = profile(self._reference, self._tape.matrix(rows), self._tape.answers(rows), self._counter)
        after, found = before.observe(first, counted, drift)
        group.follow(law.part, after, found.onset_row)
        return PartWindow(
            name=group.segment.name, first_row=first, profile=counted, part=law.part, before=before, drift=found
        )
