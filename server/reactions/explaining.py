"""Explaining: a degraded model is diagnosed, from tables of its rows and losses before the onset and since.

While the incident is open it is diagnosed anew, each time that the rows since its onset have doubled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnosis.relations import most_changed
from measures.losses import SCALE, fixed, losses
from measures.sums import block
from monitoring.performance.matched import matched
from monitoring.profiles import relations
from monitoring.profiles.profile import LossTable, loss_table
from monitoring.profiles.reference import Floats, Ints
from monitoring.profiles.seasons import Calendar
from server.reactions import findings
from server.reactions.scene import Scene
from server.watching.closings import RowWindow
from server.watching.watch import Watch
from statemachine import anew
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED

#: What a row costs to a diagnosis. Of chances it is the square of what they miss: that moves with every row.
METRICS = {"binary": "brier", "multiclass": "accuracy", "regression": "mae"}
#: Losses by which rows are told apart, in fixed-point steps of the unit.
LOSS_EDGES = {
    "binary": (SCALE // 16, SCALE // 4, SCALE * 9 // 16),
    "multiclass": (SCALE // 2,),
    "regression": (SCALE // 4, SCALE // 2, SCALE, SCALE * 2),
}
JUDGE, JUDGE_ANEW = "diagnosis@3", "diagnosis_anew@3"
MOST_RELATED = 32  #: features between which relations are counted: their tables grow with the square


def explain(scene: Scene) -> None:
    """Diagnose a degraded model that was not yet."""
    health = scene.health
    if health.place == DEGRADED and not health.cause:
        scene.follow(JUDGE, tables(scene.watch, health))


def explain_anew(scene: Scene, window: RowWindow) -> None:
    """Diagnose again where *window* has doubled the rows since the onset; another cause takes the first one's place."""
    health = scene.health
    if anew.is_due(health, window.first_row, window.end_row):
        scene.follow(JUDGE_ANEW, {**tables(scene.watch, health), "named": health.cause})


def tables(watch: Watch, health: ModelHealth) -> dict[str, Any]:
    """Give what a diagnosis is made from, as the watch of a model has seen it."""
    onset = min(max(health.onset_row, 1), watch.tape.end)
    before = _Span(watch, health.champion, max(onset - watch.reference_rows, 0), onset)
    after = _Span(watch, health.champion, onset, watch.tape.end)
    policy = health.policy
    calendar = Calendar.of((*policy.drift.seasons, *policy.loss.seasons), policy.drift.utc_offset_minutes)
    if calendar.names:
        _match(before, after, calendar)
    return {
        "layout": watch.profiler.reference.layout(),
        "reference": before.losses().to_json(),
        "current": after.losses().to_json(),
        "relations": _relations(watch, before, after),
        "quality": findings.faults_since(watch, health, onset),
        "drift": findings.drift_since(watch, onset),
        "onset_row": onset,
        "at_row": watch.tape.end,
        **_segments(watch, before, after),
    }


def _match(before: _Span, after: _Span, calendar: Calendar) -> None:
    """Keep rows that have each season in equal shares, of those with a label and of those without."""
    pairs = [
        (old[then], new[now])
        for old, new in zip(before.places(), after.places(), strict=True)
        for then, now in [matched(calendar, before.times_us[old], after.times_us[new])]
    ]
    before.keep(np.sort(np.concatenate([old for old, _ in pairs])))
    after.keep(np.sort(np.concatenate([new for _, new in pairs])))


def _segments(watch: Watch, before: _Span, after: _Span) -> dict[str, Any]:
    """Add up what each segment that the policy declares cost before and since; nothing where there is none."""
    if not watch.segments:
        return {}
    names = [one.name for one in watch.schema.features]
    told = zip(watch.segments, before.of_segments(), after.of_segments(), strict=True)
    each = [{"name": one.name, "column": names[one.feature], "before": old, "after": new} for one, old, new in told]
    return {"segments": each}


def _relations(watch: Watch, before: _Span, after: _Span) -> dict[str, Any]:
    """Count which levels fall together; of very many features, of those that have most to do with what changed."""
    edges, features = LOSS_EDGES[watch.schema.task], np.arange(len(watch.schema.features))
    levels = relations.Levels.of(watch.profiler.reference, edges)
    if len(features) > MOST_RELATED:
        ranked = most_changed(before.beside(levels), after.beside(levels), levels.starts)
        features = np.sort([k for k in ranked if k < len(features)][:MOST_RELATED])
        levels = relations.Levels.of(watch.profiler.reference.keeping(features.tolist()), edges)
    unlabelled = [span.unlabelled(levels, features) for span in (before, after)]
    return relations.to_json(levels, before.together(levels, features), after.together(levels, features), unlabelled)


class _Span:
    """The rows [first, end) that a version answered."""

    def __init__(self, watch: Watch, version: str, first: int, end: int) -> None:
        self._watch = watch
        outputs, labels = watch.tape.outputs(version, np.arange(first, end)), watch.tape.labels[first:end]
        answered = ~np.isnan(outputs)
        self._rows, self._outputs = watch.tape.features(first, end)[answered], outputs[answered]
        self._labels, self.times_us = labels[answered], watch.tape.times_us[first:end][answered]

    @property
    def _known(self) -> NDArray[np.bool_]:
        return np.asarray(~np.isnan(self._labels))

    def places(self) -> tuple[Ints, Ints]:
        """Give the places of the rows with a label, and of those without."""
        return np.flatnonzero(self._known), np.flatnonzero(~self._known)

    def keep(self, places: Ints) -> None:
        """Forget all other rows."""
        self._rows, self._outputs = self._rows[places], self._outputs[places]
        self._labels, self.times_us = self._labels[places], self.times_us[places]

    def losses(self) -> LossTable:
        """Sum the losses by label and feature bin."""
        return loss_table(self._watch.profiler.reference, *self._told())

    def beside(self, levels: relations.Levels) -> Ints:
        """Count which levels of all features fall together with those of the output, the label and the loss."""
        return levels.beside(*self._told())

    def together(self, levels: relations.Levels, features: Ints) -> Ints:
        """Count which levels of these *features* and of all else fall together."""
        rows, outputs, labels, lost = self._told()
        return levels.together(rows[:, features], outputs, labels, lost)

    def unlabelled(self, levels: relations.Levels, features: Ints) -> Ints:
        """Count the levels of rows without a label, up to the last with one: behind it none could be known yet."""
        last = int(np.flatnonzero(self._known).max(initial=-1))
        without = np.flatnonzero(~self._known[: last + 1])
        return levels.single(self._rows[without][:, features], self._outputs[without])

    def of_segments(self) -> list[list[int]]:
        """Sum the losses of each segment."""
        rows, _, _, lost = self._told()
        return [block(lost[one.holds(rows[:, one.feature])]) for one in self._watch.segments]

    def _told(self) -> tuple[Floats, Floats, Floats, Ints]:
        """Give the rows with a label, what was answered, the labels, and what the answers cost."""
        task, known = self._watch.schema.task, self._known
        outputs, labels = self._outputs[known], self._labels[known]
        lost = fixed(losses(task, METRICS[task], outputs, labels), self._watch.unit)
        return self._rows[known], outputs, labels, lost
