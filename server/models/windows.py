"""What the latest windows of rows showed, feature by feature, for people and dashboards. Nothing follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from measures.losses import losses
from measures.segments import Segment
from monitoring.drift.standing import Standing, standings
from monitoring.performance.estimate import Estimated
from monitoring.profiles.logbins import count_durations, quantile
from monitoring.profiles.moments import Moments
from monitoring.profiles.newcomers import Newcomers
from monitoring.profiles.reference import (
    FAR_OVER,
    FAR_UNDER,
    INVALID,
    MISSING,
    NEW,
    OUTPUT,
    OVER,
    UNDER,
    Floats,
    Ints,
    Reference,
)
from server.desk import Desk
from server.following import consequences
from server.intake.schema import CATEGORICAL, Schema
from server.reactions import segments
from server.reactions.evidence import watched
from server.watching.closings import RowWindow
from server.watching.estimates import RANKS
from server.watching.watch import Watch
from store.ports import Unit

MOST_WORDS = 10  #: that are new, of a feature
SHARES = {"missing": [MISSING], "invalid": [INVALID], "new": [NEW], "outside": [FAR_UNDER, UNDER, OVER, FAR_OVER]}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureView:
    """One feature in one window: where its evidence stands, the sizes of its change, and what came."""

    standing: Standing
    shares: dict[str, float]  #: of the window's rows, by name as in `SHARES`
    mean: float | None
    spread: float | None
    words: tuple[tuple[str, int], ...]  #: that the reference did not know, the most frequent first


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentView:
    """One segment in one window."""

    name: str
    rows: int
    labelled: int
    loss: float | None
    accepted: float | None  #: a row; None where the segment is not watched
    log_evidence: float | None  #: that it drifted, in nats; None where that is not looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowView:
    """One window of rows as it is told."""

    window: RowWindow
    coverage: float
    loss: float | None
    estimate: Estimated | None
    latency_us: tuple[float | None, float | None]  #: p50 and p99
    delay_us: tuple[float | None, float | None]  #: of labels: p50 and p90
    features: tuple[FeatureView, ...]
    segments: tuple[SegmentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What stands on the tape of one window: taken at once, so that all else can be told without the writer."""

    window: RowWindow
    matrix: Floats
    served: Floats
    labels: Floats
    latency_us: Floats
    delay_us: Floats
    estimate: Estimated | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a model's watch has of its latest windows."""

    schema: Schema
    reference: Reference
    words: list[list[str]]  #: by feature and code
    rows: list[Rows]
    segments: list[tuple[Segment, float | None]]  #: with the loss that is accepted of each


def taken(desk: Desk, unit: Unit, model: str, most: int) -> Taken:
    """Take the latest windows of *model* off its watch, once all that was taken in has been looked at.

    Raises:
        ModelMissing: It is not under watch.
    """
    consequences.follow(desk, unit, model)
    watch = desk.watch(unit, model)
    words = [list(known) for known in desk.intake(unit, model).vocabulary.codes]
    rows, health = [_rows(watch, window) for window in watch.windows[-most:]], desk.health(unit, model)
    served = watched(watch, health)
    parts = [(one, segments.accepted(watch, health, k, served)) for k, one in enumerate(watch.segments)]
    return Taken(schema=watch.schema, reference=watch.profiler.reference, words=words, rows=rows, segments=parts)


def _rows(watch: Watch, window: RowWindow) -> Rows:
    tape, places = watch.tape, np.arange(window.first_row, window.end_row)
    alive = ~tape.erased[places]
    numbers = places[alive]
    return Rows(
        window=window,
        matrix=tape.features(window.first_row, window.end_row)[alive],
        served=tape.served(window.first_row, window.end_row)[alive],
        labels=tape.labels[numbers],
        latency_us=tape.latency_us[numbers],
        delay_us=tape.delay_us[numbers],
        estimate=window.estimate or watch.profiler.estimate(numbers, window.profile),
    )


def told(found: Taken) -> list[WindowView]:
    """Tell what windows showed, in the order of their rows."""
    return [_window(found, rows) for rows in found.rows]


def _window(found: Taken, rows: Rows) -> WindowView:
    latency, delay = count_durations(rows.latency_us), count_durations(rows.delay_us)
    return WindowView(
        window=rows.window,
        coverage=float((~np.isnan(rows.labels)).mean()),
        loss=_loss(found.schema, rows.served, rows.labels),
        estimate=rows.estimate,
        latency_us=(quantile(latency, 0.5), quantile(latency, 0.99)),
        delay_us=(quantile(delay, 0.5), quantile(delay, 0.9)),
        features=tuple(_features(found, rows)),
        segments=tuple(_segment(found, rows, *each) for each in found.segments),
    )


def _segment(found: Taken, rows: Rows, segment: Segment, accepted: float | None) -> SegmentView:
    mine = segment.holds(rows.matrix[:, segment.feature])
    served, labels = rows.served[mine], rows.labels[mine]
    return SegmentView(
        name=segment.name, rows=int(mine.sum()), labelled=int((~np.isnan(labels)).sum()),
        loss=_loss(found.schema, served, labels), accepted=accepted,
        log_evidence=next((drift.log_evidence for name, drift in rows.window.within if name == segment.name), None),
    )  # fmt: skip


def _loss(schema: Schema, served: Floats, labels: Floats) -> float | None:
    """Tell what was served cost; ranks of a single window say little, and mean nothing beside those of others."""
    if schema.metric == RANKS:
        return None
    cost = losses(schema.task, schema.metric, served, labels)
    known = cost[~np.isnan(cost)]
    return float(known.mean()) if len(known) else None


def _features(found: Taken, rows: Rows) -> list[FeatureView]:
    """Tell of each feature, and of what features make up together, of which there is nothing but where it stands."""
    columns = len(found.reference.features)
    standing = standings(rows.window.drift_before, rows.window.shown)
    joint = [FeatureView(standing=one, shares={}, mean=None, spread=None, words=()) for one in standing[columns:]]
    return [*_columns(found, rows, standing[:columns]), *joint]


def _columns(found: Taken, rows: Rows, standing: list[Standing]) -> list[FeatureView]:
    reference, profile = found.reference, rows.window.profile
    moments, starts = Moments.of(reference, rows.matrix, rows.served), reference.starts
    return [
        FeatureView(
            standing=one,
            shares=_shares(profile.counts[starts[k] : starts[k + 1]], profile.rows),
            mean=moments.mean(reference, k),
            spread=moments.spread(reference, k),
            words=_newcomers(found, rows, k) if one.name != OUTPUT else (),
        )
        for k, one in enumerate(standing)
    ]


def _shares(counts: Ints, rows: int) -> dict[str, float]:
    return {name: float(counts[slots].sum()) / rows for name, slots in SHARES.items()}


def _newcomers(found: Taken, rows: Rows, k: int) -> tuple[tuple[str, int], ...]:
    """Tell the words of a feature that the reference did not know; those that were not learned have no name here."""
    if found.schema.features[k].kind != CATEGORICAL:
        return ()
    feature, words, codes = found.reference.features[k], found.words[k], rows.matrix[:, k]
    new = codes[feature.place(codes) == NEW].astype(np.int64)
    counted = Newcomers.of(words[code] for code in new[new < len(words)].tolist()).words
    return tuple(sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:MOST_WORDS])
