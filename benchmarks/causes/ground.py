"""The ground: a real stream in random order, so that nothing moves in it but what is planted, and a champion."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backtest.champion import Champion, matrix, train
from backtest.stream import Floats, Stream, read_stream
from backtest.table import read_table
from measures.losses import losses
from monitoring.profiles.reference import Ints
from retraining.template import TEMPLATES
from server.intake import feed
from server.intake.schema import CATEGORICAL, NUMERIC, Feature, Schema
from server.models.references import learned
from server.requests import ReferenceRows
from server.watching.watch import Watch
from statemachine.health import ModelHealth
from statemachine.policies.policy import Policy
from statemachine.policies.sections import FAULTS, Quality

MOST_ROWS = 25_000
CALM_WINDOWS = 20  #: served before a cause is planted
SICK_WINDOWS = 10  #: served with it
CHAMPION = "v1"
STEP_US = 60_000_000  #: between two rows, on average: they come by chance
MOST_ENTITIES = 30  #: values of a feature that can say whose a row is
LEAST_OF_ENTITY, MOST_OF_ENTITY = 0.05, 0.4  #: share of the rows that the largest entity may have


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """One stream in random order, its champion, and where a cause is planted."""

    name: str
    task: str
    columns: tuple[str, ...]
    words: tuple[int, ...]  #: by column, how many words the reference has; 0 for numbers
    rows: Floats
    labels: Floats
    outputs: Floats  #: of the champion; for reference rows, of models that had not seen them
    champion: Champion
    reference_rows: int
    schema: Schema
    window: int
    times_us: Ints
    entity: int | None  #: the column that says whose a row is, if one can
    watch: Watch  #: of the calm rows
    wary: Watch  #: of the same rows, under a policy that looks for all faults that a window can show

    @property
    def onset(self) -> int:
        """The first row with the cause in it."""
        return self.reference_rows + CALM_WINDOWS * self.window

    @property
    def sick_rows(self) -> int:
        """How many rows have the cause in them."""
        return SICK_WINDOWS * self.window

    @property
    def health(self) -> ModelHealth:
        """The model as its log would tell it."""
        return ModelHealth(model=self.name, champion=CHAMPION, reference_rows=self.reference_rows, onset_row=self.onset)

    def costs(self, outputs: Floats, labels: Floats) -> Floats:
        """Give the loss of each row as a diagnosis counts it."""
        return losses(self.task, {"binary": "brier"}.get(self.task, self.schema.metric), outputs, labels)


@dataclass(frozen=True, slots=True, eq=False)
class Sick:
    """The rows that are served from the onset on, what was answered, and what is known of the truth."""

    rows: Floats
    outputs: Floats
    labels: Floats  #: NaN where nothing is known
    times_us: Ints | None = None  #: where clocks tell others than those of the ground


def ground(data: Path, entry: dict[str, Any], seed: int) -> Ground:
    """Read a stream, shuffle it, train its champion, and serve the calm rows."""
    stream = _shuffled(data, entry, seed)
    rows, first = matrix(stream), stream.reference_rows
    champion = train(stream, rows, TEMPLATES["hgb-60"], seed)
    outputs = np.concatenate([champion.reference_outputs, champion.predict(rows[first:])])
    words = tuple(_words(one.words, rows[:first, i]) for i, one in enumerate(stream.columns))
    features = tuple(
        Feature(name=one.name, kind=CATEGORICAL if one.words else NUMERIC, categories=(one.words or ())[: words[i]])
        for i, one in enumerate(stream.columns)
    )
    metric = "mae" if stream.task == "regression" else "accuracy"
    schema = Schema(task=stream.task, metric=metric, features=features, classes=stream.classes)
    times = np.cumsum(np.random.default_rng(seed).exponential(STEP_US, len(rows))).astype(np.int64)
    entity = entity_in(rows[:first])
    whose = stream.columns[entity].name if entity is not None else ""
    wary = Policy(quality=Quality(looks_for=FAULTS, entity=whose))
    made = Ground(
        name=entry["name"], task=stream.task, columns=tuple(one.name for one in stream.columns), words=words,
        rows=rows, labels=stream.labels, outputs=outputs, champion=champion, reference_rows=first, schema=schema,
        window=Policy().windows.rows_for(first), times_us=times, entity=entity,
        watch=_watch(schema, Policy(), stream, rows, outputs, times),
        wary=_watch(schema, wary, stream, rows, outputs, times),
    )  # fmt: skip
    calm = Sick(rows[first : made.onset], outputs[first : made.onset], stream.labels[first : made.onset])
    for watch in (made.watch, made.wary):
        serve(made, watch, calm)
    return made


def calm(on: Ground, *, warily: bool = False) -> Watch:
    """Give a watch of one's own, after the calm rows."""
    return copy.deepcopy(on.wary if warily else on.watch)


def serve(on: Ground, watch: Watch, sick: Sick) -> None:
    """Let *watch* see rows, window by window, each with its labels behind it."""
    first = watch.tape.end
    times = on.times_us[first : first + len(sick.rows)] if sick.times_us is None else sick.times_us
    for start in range(0, len(sick.rows), on.window):
        part = slice(start, start + on.window)
        _serve(watch, Sick(sick.rows[part], sick.outputs[part], sick.labels[part]), times[part])


def _serve(watch: Watch, sick: Sick, times_us: Ints) -> None:
    """Let *watch* see rows, and then their labels."""
    first, count = watch.tape.end, len(sick.rows)
    watch.take(watch.seq + 1, feed.Rows(
        first_row=first, ids=[str(row) for row in range(first, first + count)], times_us=times_us,
        features=np.ascontiguousarray(sick.rows.T), outputs={CHAMPION: sick.outputs}, served_by=[CHAMPION],
        served=np.zeros(count, np.uint8), generation=0,
    ))  # fmt: skip
    known = np.flatnonzero(~np.isnan(sick.labels))
    told_us = int(times_us.max(initial=0)) + 1
    watch.take(watch.seq + 1, feed.Labels(rows=first + known, values=sick.labels[known], time_us=told_us))


def _watch(schema: Schema, policy: Policy, stream: Stream, rows: Floats, outputs: Floats, times_us: Ints) -> Watch:
    """Give the watch of a model whose reference was just learned."""
    first = stream.reference_rows
    known = ReferenceRows(columns={}, labels=stream.labels[:first], outputs=outputs[:first], times_us=times_us[:first])
    reference = learned(schema, policy, np.ascontiguousarray(rows[:first].T), known)
    watch = Watch(schema, reference, ModelHealth(reference_rows=first, policy=policy))
    _serve(watch, Sick(rows[:first], outputs[:first], stream.labels[:first]), times_us[:first])
    return watch


def entity_in(rows: Floats) -> int | None:
    """Choose the first column of few values, as a sensor's or a station's name has, that may say whose a row is."""
    for k, values in enumerate(rows.T):
        _, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        most = counts.max(initial=0) / len(rows)
        if 1 < len(counts) <= MOST_ENTITIES and LEAST_OF_ENTITY <= most <= MOST_OF_ENTITY:
            return k
    return None


def _shuffled(data: Path, entry: dict[str, Any], seed: int) -> Stream:
    """Read rows that have a label in random order; of very many, some."""
    frame = read_table(data / entry["file"]).dropna(subset=[entry["target"]])
    order = np.random.default_rng([20261125, seed]).permutation(len(frame))[:MOST_ROWS]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{entry['name']}.parquet"
        frame.iloc[order].reset_index(drop=True).to_parquet(path)
        return read_stream(path, entry["target"], task=entry["task"], drop=tuple(entry["drop_columns"]))


def _words(words: tuple[str, ...] | None, values: Floats) -> int:
    return int(np.nanmax(values, initial=-1)) + 1 if words else 0
