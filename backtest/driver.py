"""The driver: serves a recorded stream as serving infrastructure would, on the stream's own clock.

Everything happens one after the other, and nothing depends on how long it takes: rows are served and sent, labels
follow when they have become known, jobs are done while the stream's time stands still, and a new route is acknowledged
before the next row. So the same stream gives the same log wherever it is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from backtest.backend import Backend, Route, Setup
from backtest.champion import Champion, matrix
from backtest.stream import Floats, Stream
from retraining.artifact import Manifest
from retraining.models import Predictor, load
from statemachine.policies.policy import Policy

CHUNK_ROWS = 4_096  #: predicted at once: what a model answers does not depend on when it is asked
IDLE_SECONDS = 0.05

Progress = Callable[[int], None]


class Workshop(Protocol):
    """Whoever does the jobs while the stream's time stands still."""

    def run_one(self) -> bool:
        """Do at most one job; say whether there was one."""
        ...


@dataclass(slots=True)
class Served:
    """What was served, row by row, and how the version that began would have done alone."""

    outputs: Floats
    static: Floats
    seconds: float = 0.0
    versions: set[str] = field(default_factory=set)


class Driver:
    """One model, one stream, one backend."""

    def __init__(self, stream: Stream, setup: Setup, backend: Backend, workshop: Workshop | None) -> None:
        self._stream, self._setup, self._backend, self._workshop = stream, setup, backend, workshop
        self._rows = matrix(stream)
        self._predictors: dict[str, Predictor] = {}
        self._answers: dict[tuple[str, int], Floats] = {}
        self._route: Route | None = None

    def run(self, champion: Champion, progress: Progress = lambda _: None) -> Served:
        """Register the model, serve every row behind the reference, and say what was served."""
        stream, model, begun = self._stream, self._setup.name, time.perf_counter()
        self._predictors["v1"] = champion.predict
        labels = stream.labels[: stream.reference_rows]
        self._backend.register(stream, self._setup, labels, champion.reference_outputs)
        self._backend.keep(model, "v1", champion.artifact, champion.manifest.to_bytes())
        served = Served(outputs=np.full(stream.rows, np.nan), static=np.full(stream.rows, np.nan))
        step = Policy.from_json(self._setup.policy).windows.rows_for(stream.reference_rows)
        told = stream.reference_rows
        for first in range(stream.reference_rows, stream.rows, step):
            rows = range(first, min(first + step, stream.rows))
            self._serve(rows, served)
            told = self._tell(told, rows)
            self._work()
            progress(len(rows))
        served.seconds = time.perf_counter() - begun
        return served

    def answers(self, version: str, first: int, end: int) -> Floats:
        """Give what *version*, which has scored before, answers on rows [first, end)."""
        return self._answer(version, range(first, end)) if first < end else np.empty(0)

    def _serve(self, rows: range, served: Served) -> None:
        route = self._current_route()
        exogenous = self._setup.outcomes == "exogenous"
        ids = [str(row) for row in rows]
        chosen = route.chosen(ids)
        versions = route.versions(exogenous=exogenous)
        answers = {version: self._answer(version, rows) for version in versions}
        by = [route.candidate if one else route.champion for one in chosen]
        served.outputs[rows.start : rows.stop] = [answers[version][i] for i, version in enumerate(by)]
        served.static[rows.start : rows.stop] = self._answer("v1", rows)
        served.versions.update(by)
        if not exogenous:  # only the served answer is known to anyone
            mine = {version: np.array([one == version for one in by]) for version in versions}
            answers = {v: np.where(mine[v], values, np.nan) for v, values in answers.items() if mine[v].any()}
        self._backend.ingest(self._stream, self._setup.name, rows, answers, by, route.generation)

    def _tell(self, told: int, rows: range) -> int:
        """Send the labels that have become known since *told*."""
        until = rows.stop - self._setup.label_delay_rows
        if until <= told:
            return told
        known = told + np.flatnonzero(~np.isnan(self._stream.labels[told:until]))
        if len(known):
            self._backend.label(self._stream, self._setup.name, known, int(self._stream.times_us[rows.stop - 1]))
        return until

    def _work(self) -> None:
        """Have jobs done; the stream's time stands still meanwhile."""
        if self._workshop is not None:
            while self._workshop.run_one():
                self._current_route()
            return
        while self._backend.busy(self._setup.name):
            time.sleep(IDLE_SECONDS)
        self._current_route()

    def _current_route(self) -> Route:
        """Give the route in force; a new one is loaded and acknowledged first."""
        route = self._backend.route(self._setup.name)
        if self._route is None or route.generation != self._route.generation:
            exogenous = self._setup.outcomes == "exogenous"
            for version in route.versions(exogenous=exogenous):
                self._load(version, route)
            kept = {*route.versions(exogenous=True), "v1"}
            self._answers = {key: values for key, values in self._answers.items() if key[0] in kept}
            self._backend.acknowledge(self._setup.name, route)
            self._route = self._backend.route(self._setup.name)
        return self._route

    def _load(self, version: str, route: Route) -> None:
        if version not in self._predictors:
            self._predictors[version] = self._fetch(route.manifests[version])

    def _fetch(self, sha256: str) -> Predictor:
        manifest = Manifest.from_bytes(self._backend.download(sha256))
        base = self._fetch(manifest.base_manifest_sha256) if manifest.base_manifest_sha256 else None
        return load(manifest, self._backend.download(manifest.artifact_sha256), base)

    def _answer(self, version: str, rows: range) -> Floats:
        """Give what *version* answers on *rows*, predicted in chunks and kept."""
        parts = []
        for chunk in range(rows.start // CHUNK_ROWS, (rows.stop - 1) // CHUNK_ROWS + 1):
            key, base = (version, chunk), chunk * CHUNK_ROWS
            if key not in self._answers:
                self._answers[key] = self._predictors[version](self._rows[base : base + CHUNK_ROWS])
            parts.append(self._answers[key][max(rows.start - base, 0) : rows.stop - base])
        return np.concatenate(parts)
