"""Together: labelled rows added up by group and block on the axes of their group, for the watch over all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from measures.segments import Segment
from monitoring.drift.together import Axes, Move, axes, cut, dispersions, judge, scores
from monitoring.profiles.reference import OUTPUT, Reference
from server.intake.feed import Ints
from server.watching.tape import Rows, Tape
from statemachine.policies.policy import Policy

MOST_LEARNED = 20_000  #: rows of the reference, the latest, that a group's axes are learned from


@dataclass(frozen=True, slots=True)
class Member:
    """A group, its axes and how dispersed each is, and how many of its rows a window has."""

    segment: Segment
    axes: Axes
    dispersion: tuple[float, ...]
    window: float


@dataclass(frozen=True, slots=True)
class Sums:
    """One block: its first row, and of each group how many rows it has, their sums and their squares on its axes."""

    first_row: int
    each: tuple[tuple[int, list[int], list[int]], ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What shows that rows of all labels have moved together, and what it shows."""

    inputs: dict[str, Any]
    found: Move


class Together:
    """The latest blocks of one model's labelled rows since something was told."""

    def __init__(self, tape: Tape, policy: Policy, reference: Reference, reference_rows: int) -> None:
        self._tape, self._policy, self._reference_rows = tape, policy, reference_rows
        self._window = policy.windows.rows_for(reference_rows)
        self._features = [one for one in reference.features if one.name != OUTPUT]
        self._scores = [scores(one) for one in self._features]
        self._members: list[Member] | None = None
        self._blocks: list[Sums] = []

    def take(self, segments: Sequence[Segment], blocks: Sequence[Rows], since_row: int, told_row: int) -> Moved | None:
        """Take *blocks* of labelled rows, none of them empty; say where rows of *segments* have moved.

        The blocks are those of a window at least. Rows are those from *since_row* on; what began before *told_row* was
        told, and no place is looked at there.
        """
        if self._members is None:
            self._members = self._learned(segments)
        new = [self._summed(self._members, rows) for rows in blocks if int(rows.min()) >= since_row]
        kept = [one for one in self._blocks if one.first_row >= since_row]
        self._blocks = list(cut([*kept, *new], self._policy))
        inputs = {"told_row": told_row, **self._inputs(self._members)}
        found = judge(inputs, self._policy)
        return Moved(inputs, found) if found is not None and found.told else None

    def _learned(self, segments: Sequence[Segment]) -> list[Member]:
        """Learn the axes of each group from the rows of the reference whose labels are known."""
        known = np.arange(self._reference_rows)
        known = known[self._tape.living(known)]
        labels = self._tape.labels[known]
        mine = [known[segment.holds(labels)][-MOST_LEARNED:] for segment in segments]
        scored = [self._scored(rows) for rows in mine]
        made = [axes(each) for each in scored]
        parts = [
            (one, one.values(each), rows // self._window) for one, each, rows in zip(made, scored, mine, strict=True)
        ]
        return [
            Member(segment, one, dispersion, int(segment.holds(labels).sum()) * self._window / len(known))
            for segment, one, dispersion in zip(segments, made, dispersions(parts), strict=True)
        ]

    def _scored(self, rows: Rows) -> Ints:
        matrix = self._tape.matrix(rows)
        each = zip(self._features, self._scores, matrix.T, strict=True)
        return np.stack([scored[one.place(values)] for one, scored, values in each], axis=1)

    def _summed(self, members: Sequence[Member], rows: Rows) -> Sums:
        scored, labels = self._scored(rows), self._tape.labels[rows]
        parts = [one.axes.values(scored[one.segment.holds(labels)]) for one in members]
        each = tuple((len(part), part.sum(axis=0).tolist(), (part * part).sum(axis=0).tolist()) for part in parts)
        return Sums(int(rows.min()), each)

    def _inputs(self, members: Sequence[Member]) -> dict[str, Any]:
        return {
            "rows": [one.first_row for one in self._blocks],
            "groups": [self._group(k, member) for k, member in enumerate(members)],
        }

    def _group(self, k: int, member: Member) -> dict[str, Any]:
        mine = [one.each[k] for one in self._blocks]
        squares = [sum(column) for column in zip(*(squares for _, _, squares in mine), strict=True)]
        return {
            "name": member.segment.name, "axes": [self._features[j].name for j in member.axes.features],
            "dispersion": list(member.dispersion), "window": member.window,
            "counts": [n for n, _, _ in mine], "sums": [sums for _, sums, _ in mine], "squares": squares,
        }  # fmt: skip
