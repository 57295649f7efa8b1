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
from retraining.template import TEMPLATES
from server.intake import feed
from server.intake.schema import CATEGORICAL, NUMERIC, Feature, Schema
from server.models.references import learned
from server.requests import ReferenceRows
from server.watching.watch import Watch
from statemachine.health import ModelHealth
from statemachine.policy import Policy

MOST_ROWS = 25_000
CALM_WINDOWS = 20  #: served before a cause is planted
SICK_WINDOWS = 10  #: served with it
CHAMPION = "v1"


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
    watch: Watch  #: of the calm rows

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
    made = Ground(
        name=entry["name"], task=stream.task, columns=tuple(one.name for one in stream.columns), words=words,
        rows=rows, labels=stream.labels, outputs=outputs, champion=champion, reference_rows=first, schema=schema,
        window=Policy().windows.rows_for(first), watch=_watch(schema, stream, rows, outputs),
    )  # fmt: skip
    serve(made.watch, Sick(rows[first : made.onset], outputs[first : made.onset], stream.labels[first : made.onset]))
    return made


def served(on: Ground, sick: Sick) -> Watch:
    """Give the watch after the sick rows."""
    watch = copy.deepcopy(on.watch)
    serve(watch, sick)
    return watch


def serve(watch: Watch, sick: Sick) -> None:
    """Let *watch* see rows, and then their labels."""
    first, count = watch.tape.end, len(sick.rows)
    times = np.arange(first, first + count)
    watch.take(watch.seq + 1, feed.Rows(
        first_row=first, ids=[str(row) for row in times], times_us=times, features=np.ascontiguousarray(sick.rows.T),
        outputs={CHAMPION: sick.outputs}, served_by=[CHAMPION], served=np.zeros(count, np.uint8), generation=0,
    ))  # fmt: skip
    known = np.flatnonzero(~np.isnan(sick.labels))
    watch.take(watch.seq + 1, feed.Labels(rows=first + known, values=sick.labels[known], time_us=first + count))


def _watch(schema: Schema, stream: Stream, rows: Floats, outputs: Floats) -> Watch:
    """Give the watch of a model whose reference was just learned."""
    first = stream.reference_rows
    known = ReferenceRows(
        columns={}, labels=stream.labels[:first], outputs=outputs[:first], times_us=np.arange(first, dtype=np.int64)
    )
    reference = learned(schema, Policy(), np.ascontiguousarray(rows[:first].T), known)
    watch = Watch(schema, reference, ModelHealth(reference_rows=first))
    serve(watch, Sick(rows[:first], outputs[:first], stream.labels[:first]))
    return watch


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
