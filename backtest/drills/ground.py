"""The ground that drills stand on: rows in which nothing drifts, and where in them something is planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backtest.clock import REFERENCE_US, paced
from backtest.stream import Column, Floats, Ints, Stream, StreamInvalid
from measures.segments import Segment
from server.errors import Invalid
from server.intake.schema import CATEGORICAL, NUMERIC, Feature, Schema
from server.models.references import LEAST_REFERENCE
from server.watching.splits import segments
from statemachine import timers
from statemachine.health import ModelHealth
from statemachine.policies.policy import Policy

MOST_REFERENCE = 800  #: rows: what a linear model learns quickly from, with windows that can be read
REFERENCE_SHARE = 1 / 3  #: of the rows that there are, where they are few
QUIET_WINDOWS = 10  #: before the change: a false alarm there is told
WINDOWS_AFTER = 30  #: from the change on


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long a drill is, and where its change lies."""

    reference_rows: int
    window: int  #: rows
    seed: int
    silence_us: int  #: that the policy lets pass before it tells of a silence
    label_delay_rows: int
    segments: tuple[Segment, ...] = ()  #: that the policy declares

    @property
    def change(self) -> int:
        """The first row of the change."""
        return self.reference_rows + QUIET_WINDOWS * self.window

    @property
    def rows(self) -> int:
        """All rows."""
        return self.change + WINDOWS_AFTER * self.window

    @property
    def silent_windows(self) -> float:
        """How many windows would come within a silence that the policy lets pass."""
        return self.silence_us / (REFERENCE_US // self.reference_rows) / self.window

    def after(self, windows: float) -> int:
        """Give the row that lies *windows* behind the change."""
        return self.change + round(windows * self.window)

    def windows(self, row: int) -> float:
        """Say how many windows *row* lies behind the change."""
        return round((row - self.change) / self.window, 1)


def plan(pool: Stream, policy: Policy, seed: int) -> Plan:
    """Give the plan of a drill on rows of *pool*.

    Raises:
        StreamInvalid: There are too few rows, or the policy declares segments of what the stream does not have.
    """
    reference_rows = min(MOST_REFERENCE, int(pool.rows * REFERENCE_SHARE))
    if reference_rows < LEAST_REFERENCE:
        least = round(LEAST_REFERENCE / REFERENCE_SHARE)
        raise StreamInvalid(f"--stream: {pool.rows} rows are too few to drill on; at least {least} are needed")
    window = policy.windows.rows_for(reference_rows)
    delay = max(1, window // 2)
    health = ModelHealth(
        policy=policy, reference_rows=reference_rows, label_delay_rows=delay,
        seconds_per_row=REFERENCE_US // reference_rows / timers.SECOND_US,
    )  # fmt: skip
    silence_us = round(timers.silence_seconds(health) * timers.SECOND_US)
    return Plan(
        reference_rows=reference_rows, window=window, seed=seed, silence_us=silence_us, label_delay_rows=delay,
        segments=_segments(pool, policy),
    )  # fmt: skip


def _segments(pool: Stream, policy: Policy) -> tuple[Segment, ...]:
    features = tuple(
        Feature(name=one.name, kind=NUMERIC if one.words is None else CATEGORICAL, categories=tuple(one.words or ()))
        for one in pool.columns
    )
    try:
        return segments(policy, Schema(task=pool.task, metric="", features=features), "--policy")
    except Invalid as error:
        raise StreamInvalid(str(error)) from error


def known(pool: Stream) -> Stream:
    """Give the rows of a recorded stream whose truth was learned: a drill plants what is not known by itself."""
    return taken(pool, np.flatnonzero(~np.isnan(pool.labels)), pool.reference_rows)


def taken(pool: Stream, rows: Ints, reference_rows: int) -> Stream:
    """Give *rows* of *pool*, in that order, on a clock of their own."""
    columns = tuple(replace(one, values=one.values[rows]) for one in pool.columns)
    times_us = paced(len(rows), max(reference_rows, 1))
    labels = pool.labels[rows]
    return replace(pool, columns=columns, labels=labels, times_us=times_us, reference_rows=reference_rows)


def by_chance(pool: Stream, plan: Plan, chance: np.random.Generator) -> Ints:
    """Pick rows in a random order, so that nothing drifts; each once, and again only when all were had."""
    return _in_turn(np.arange(pool.rows), plan.rows, chance)


def by_group(
    group: Sequence[bool] | np.ndarray[tuple[int], np.dtype[np.bool_]],
    plan: Plan,
    chance: np.random.Generator,
    shares: tuple[float, float],
) -> Ints:
    """Pick rows so that those of *group* have the first share before the change, and the second one behind it.

    Within the group, and outside of it, rows come by chance: what is true of a row given its group stays as it was.
    """
    inside, outside = (np.flatnonzero(np.asarray(group) == side) for side in (True, False))
    wanted = np.where(np.arange(plan.rows) < plan.change, *shares)
    of_group = (
        chance.random(plan.rows) < wanted if len(inside) and len(outside) else np.full(plan.rows, len(inside) > 0)
    )
    picked = np.empty(plan.rows, dtype=np.int64)
    for side, here in ((inside, of_group), (outside, ~of_group)):
        if here.any():
            picked[here] = _in_turn(side, int(here.sum()), chance)
    return picked


def _in_turn(rows: Ints, count: int, chance: np.random.Generator) -> Ints:
    """Pick *count* of *rows*, each once before any comes again: in another order, or it would look as if sent twice."""
    first, later = chance.permutation(rows), chance.spawn(1)[0]
    further = (later.permutation(rows) for _ in range((count - 1) // len(rows)))
    return np.concatenate([first, *further])[:count]


def numeric(stream: Stream) -> list[int]:
    """Give the places of the columns of numbers that vary."""
    spans = ((k, one) for k, one in enumerate(stream.columns) if one.words is None)
    return [k for k, one in spans if len(np.unique(one.values[~np.isnan(one.values)])) > 1]


def relation(values: Floats, labels: Floats) -> float:
    """Give the absolute rank correlation of a feature and the truth, of rows that have both (Spearman 1904)."""
    both = ~np.isnan(values) & ~np.isnan(labels)
    if both.sum() <= 1 or np.ptp(values[both]) == 0 or np.ptp(labels[both]) == 0:
        return 0.0
    return abs(float(np.corrcoef(ranks(values[both]), ranks(labels[both]))[0, 1]))


def ranks(values: Floats) -> Floats:
    """Give the mean rank of each value, ties alike."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse], dtype=np.float64)


def by_relation(stream: Stream) -> list[int]:
    """Give the places of the columns of numbers, the one that tells most of the truth first."""
    return sorted(numeric(stream), key=lambda k: -relation(stream.columns[k].values, stream.labels))


def with_column(stream: Stream, place: int, column: Column) -> Stream:
    """Give *stream* with another column at *place*."""
    return replace(stream, columns=(*stream.columns[:place], column, *stream.columns[place + 1 :]))
