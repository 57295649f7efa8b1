"""Blocks: labelled rows in the order in which labels came, added up a few at a time; and the baseline before them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measures.losses import fixed, losses, unit_of
from measures.sums import Block, block
from monitoring.performance.levels import Levels, learn_levels
from monitoring.performance.segments import Sums
from monitoring.profiles.seasons import Calendar
from server.intake.feed import Floats, Ints
from server.intake.schema import Schema
from server.watching.closings import LabelBlock
from server.watching.estimates import RANKS
from server.watching.splits import of_segment, segments, sums
from server.watching.tape import Rows, Tape
from statemachine.policies.policy import Policy

LEAST_POOL = 200  #: labelled rows among which a row is ranked, at least


class Blocks:
    """The blocks of one model, each of as many *rows*; losses in units of *unit*."""

    def __init__(self, schema: Schema, tape: Tape, policy: Policy, reference_rows: int, unit: float) -> None:
        self.rows = policy.windows.block_for(reference_rows)
        self.closed: list[LabelBlock] = []
        self._reached: list[int] = []  #: one past the highest row so far, block by block
        self._asked, self._inside, self._seen = (0, 0), list[LabelBlock](), 0  #: rows, blocks in them, of so many
        self._schema, self._tape, self._reference_rows, self._unit = schema, tape, reference_rows, unit
        self.segments = segments(policy, schema)
        self.normal: list[tuple[Sums, ...]] = []  #: of the reference, segment by segment, block by block
        self._calendar = Calendar.of(policy.loss.seasons, policy.drift.utc_offset_minutes)
        self._levels: Levels | None = None  #: of the loss by season, where the policy names some
        self._pool = max(policy.windows.rows_for(reference_rows), LEAST_POOL)
        self._labelled: list[Rows] = []  #: in order of arrival, not yet in a block
        self._waiting = 0
        self.newest: Rows = np.empty(0, dtype=np.int64)  #: the rows of the block that closed last
        self._recent = np.empty(0, dtype=np.int64)  #: the latest labelled rows, to rank among

    @property
    def end(self) -> int:
        """One past the highest row that the latest block holds."""
        return max((one.end_row for one in self.closed[-1:]), default=self._reference_rows)

    def past(self, row: int) -> list[LabelBlock]:
        """Give the blocks from the first on that holds *row* or one behind it: labels come in any order."""
        return self.closed[bisect_right(self._reached, row) :]

    def within(self, first: int, end: int) -> list[LabelBlock]:
        """Give the blocks that lie wholly in [first, end); each is looked at once, while these rows are asked for."""
        if self._asked != (first, end):
            self._asked, self._inside, self._seen = (first, end), [], bisect_right(self._reached, first)
        self._inside += [one for one in self.closed[self._seen :] if first <= one.first_row and one.end_row <= end]
        self._seen = len(self.closed)
        return self._inside.copy()

    def take(self, rows: Rows) -> Iterator[LabelBlock]:
        """Add *rows* whose labels are on the tape now, in the order in which they came; give the blocks that close."""
        live = rows[rows >= self._reference_rows]
        if not len(live):
            alive = rows[self._tape.living(rows)]
            self._recent = alive[-self._pool :]
            self._look_at_reference(alive)
            return
        self._labelled.append(live)
        self._waiting += len(live)
        while self._waiting >= self.rows:
            queue = np.concatenate(self._labelled)
            whole, rest = queue[: self.rows], queue[self.rows :]
            self._labelled, self._waiting = [rest], len(rest)
            # Erased rows keep their places in blocks, so that no border moves; but they count for nothing.
            alive = whole[self._tape.living(whole)]
            self._recent = np.concatenate([self._recent, alive])[-self._pool :]
            self.newest = alive
            yield self._close(whole, alive)

    def _close(self, whole: Rows, rows: Rows) -> LabelBlock:
        """Add up the *rows* of a block of which something is known."""
        answered = [v for v in self._tape.versions() if len(rows) and not np.isnan(self._tape.outputs(v, rows)).any()]
        lost, told = {version: self._losses(version, rows) for version in answered}, rows
        if self._levels is not None:
            lost, told = self._evened(lost, rows, self._levels)
        cost: dict[str, Block] = {version: block(each) for version, each in lost.items()}
        saved = {pair: self._difference(*pair, rows) for pair in combinations(answered, 2)}
        held = self._held(told)
        parts = {version: sums(held, each) for version, each in lost.items()} if held else {}
        mine = held if told is rows or not saved else self._held(rows)
        one = LabelBlock(
            index=len(self.closed), first_row=int(whole.min()), end_row=int(whole.max()) + 1,
            generations=tuple(np.unique(self._tape.generation[whole]).tolist()), cost=cost, parts=parts,
            lead={pair: block(each) for pair, each in saved.items()},
            part_lead={pair: sums(mine, each) for pair, each in saved.items()} if mine else {},
            arms=self._arms(rows),
        )  # fmt: skip
        self.closed.append(one)
        self._reached.append(max([one.end_row, *self._reached[-1:]]))
        return one

    def _difference(self, left: str, right: str, rows: Rows) -> Ints:
        """Give the paired differences of fixed-point losses, *left* minus *right*."""
        return self._losses(left, rows, right) - self._losses(right, rows, left)

    def _held(self, rows: Rows) -> list[NDArray[np.bool_]]:
        """Say which of *rows* each segment holds."""
        return [one.holds(self._tape.feature(one.feature, rows)) for one in self.segments]

    def _evened(self, lost: dict[str, Ints], rows: Rows, levels: Levels) -> tuple[dict[str, Ints], Rows]:
        """Take seasons off what *rows* cost each version; rows of a season that nobody knows are left out."""
        known = levels.known(self._tape.times_us[rows])
        told = rows[known]
        times_us = self._tape.times_us[told]
        return {version: levels.evened(each[known], times_us) for version, each in lost.items()}, told

    def _look_at_reference(self, rows: Rows) -> None:
        """Learn from *rows* of the reference what is normal for seasons and segments, where the policy names some."""
        known_already = self.normal or self._levels is not None  # a label that comes late changes no normal
        if known_already or not (self._calendar.names or self.segments) or not self._tape.versions():
            return
        outputs = self._tape.outputs(self._tape.versions()[0], rows)
        known = rows[~np.isnan(outputs)]
        found = losses(self._schema.task, self._schema.metric, outputs[~np.isnan(outputs)], self._tape.labels[known])
        steps, first = fixed(found, self._unit), self._tape.versions()[0]
        if self._calendar.names:
            self._levels = learn_levels(self._calendar, steps, self._tape.times_us[known])
            evened, known = self._evened({first: steps}, known, self._levels)
            steps = evened[first]
        held = self._held(known)
        pieces = [slice(at, at + self.rows) for at in range(0, len(known), self.rows)]
        parts = [sums([mine[piece] for mine in held], steps[piece]) for piece in pieces]
        self.normal = [of_segment(parts, k) for k in range(len(held))]

    def _losses(self, version: str, rows: Rows, beside: str | None = None) -> Ints:
        """Give fixed-point losses of *version*; ranks are taken among recent rows that it, and *beside*, answered."""
        if self._schema.metric != RANKS:
            found = losses(
                self._schema.task, self._schema.metric, self._tape.outputs(version, rows), self._tape.labels[rows]
            )
            return fixed(found, self._unit)
        pool = self._recent
        known = ~np.isnan(self._tape.outputs(version, pool))
        if beside is not None:
            known &= ~np.isnan(self._tape.outputs(beside, pool))
        pool = pool[known]
        found = losses(self._schema.task, RANKS, self._tape.outputs(version, pool), self._tape.labels[pool])
        return fixed(found[np.isin(pool, rows)], self._unit)

    def _arms(self, rows: Rows) -> dict[str, tuple[int, int]]:
        """Count what was served and what was bad: a wrong class, or a loss beyond twice the unit."""
        found: dict[str, tuple[int, int]] = {}
        for version in self._tape.versions():
            mine = rows[self._tape.served_by(version, rows)]
            if len(mine):
                outputs, labels = self._tape.outputs(version, mine), self._tape.labels[mine]
                metric = "mae" if self._schema.task == "regression" else "accuracy"
                lost = losses(self._schema.task, metric, outputs, labels)
                found[version] = (len(mine), int((lost > (2 * self._unit if metric == "mae" else 0)).sum()))
        return found


def baseline(schema: Schema, policy: Policy, outputs: Floats, labels: Floats) -> dict[str, Any]:
    """Sum the champion's losses on the reference rows that it was not trained on."""
    known = np.flatnonzero(~np.isnan(outputs) & ~np.isnan(labels))
    found = losses(schema.task, schema.metric, outputs[known], labels[known])
    unit = unit_of(schema.task, schema.metric, found)
    size = policy.windows.block_for(len(labels))
    steps = fixed(found, unit)
    blocks = [block(steps[at : at + size]) for at in range(0, len(steps), size)]
    return {"unit": unit, "blocks": blocks, "rows": len(known)}
