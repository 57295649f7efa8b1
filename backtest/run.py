"""A whole backtest: read, train, drive, report."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from remission import Client

from backtest.backend import Backend, Local, Remote, Setup
from backtest.champion import matrix, refit, train
from backtest.driver import Driver
from backtest.reigns import reigns
from backtest.report import METRICS, bounds, report
from backtest.stream import Floats, Stream, StreamInvalid
from retraining.sandbox import Sandbox
from retraining.template import TEMPLATES
from retraining.worker import Worker
from server.settings import Settings
from server.wiring import build
from statemachine.policy import Policy, PolicyInvalid
from store import migrate

DEFAULT_TEMPLATE = "hgb-60"
LABEL_DELAY_SHARE = 0.01
MOST_SEED = 2**32 - 1  #: what generators of random numbers take, and the contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What can be asked of a backtest."""

    metric: str = ""
    template: str = DEFAULT_TEMPLATE
    outcomes: str = "exogenous"
    label_delay: int | None = None
    policy: dict[str, Any] = field(default_factory=dict)
    database: str = ""
    server: str = ""
    external_worker: bool = False
    baselines: bool = False
    seed: int = 0  #: of what chance decides: samples and estimators, and who is served by a candidate
    model: str = ""


Begin = Callable[[int], Callable[[int], None]]  #: given how many rows there are, gives what is told of each step


def backtest(stream: Stream, options: Options, begin: Begin = lambda _: lambda _: None) -> dict[str, Any]:
    """Run *stream* through the whole service, and report.

    Raises:
        StreamInvalid: An option does not fit the stream.
    """
    setup = _setup(stream, options)
    template = TEMPLATES[setup.template]
    begun = time.perf_counter()
    rows = matrix(stream)
    fitting = time.perf_counter()
    champion = train(stream, rows, template, setup.seed)
    first_fits = time.perf_counter() - fitting
    with _opened(options) as (backend, worker):
        progress = begin(stream.rows - stream.reference_rows)
        driver = Driver(stream, setup, backend, None if options.external_worker else worker)
        served = driver.run(champion, progress)
        seconds = time.perf_counter() - begun
        audit, events = backend.audit(setup.name), backend.events(setup.name)
    return report(
        promoted=reigns(stream, setup.metric, events, driver.answers),
        stream=stream, metric=setup.metric, seed=setup.seed, served=served.outputs, static=served.static,
        baselines=_baselines(stream, rows, options) if options.baselines else {}, events=events, audit=audit,
        seconds=seconds, training_seconds=first_fits + worker.fit_us / 1_000_000,
    )  # fmt: skip


def _setup(stream: Stream, options: Options) -> Setup:
    metric = options.metric or METRICS[stream.task][0]
    if metric not in METRICS[stream.task]:
        raise StreamInvalid(
            f"--metric: {metric!r} is not accepted for {stream.task}; one of {', '.join(METRICS[stream.task])} is"
        )
    if options.template not in TEMPLATES:
        raise StreamInvalid(f"--template: {options.template!r} is unknown; known are {', '.join(sorted(TEMPLATES))}")
    if options.outcomes not in ("exogenous", "selective"):
        raise StreamInvalid(f"--outcomes: {options.outcomes!r} is not accepted; exogenous or selective is")
    try:
        Policy.from_json(options.policy)
    except PolicyInvalid as error:
        raise StreamInvalid(f"--policy: {error}") from error
    delay = options.label_delay
    if delay is None:
        delay = max(1, round(stream.rows * LABEL_DELAY_SHARE))
    if not 0 <= delay < stream.rows - stream.reference_rows:
        raise StreamInvalid(
            f"--label-delay: {delay} is not accepted; 0 to {stream.rows - stream.reference_rows - 1} rows are"
        )
    if not 0 <= options.seed <= MOST_SEED:
        raise StreamInvalid(f"--seed: {options.seed} is not accepted; 0 to {MOST_SEED} is")
    name = (options.model or stream.name).lower()[:63]
    return Setup(
        name=name, metric=metric, outcomes=options.outcomes, template=options.template, label_delay_rows=delay,
        policy=options.policy, seed=options.seed,
    )  # fmt: skip


@contextlib.contextmanager
def _opened(options: Options) -> Iterator[tuple[Backend, Worker]]:
    """Open the service here, or the way to a server, with a worker of our own."""
    with tempfile.TemporaryDirectory(prefix="remission-") as folder, Sandbox() as sandbox:
        if options.server:
            with Client(options.server, timeout=600.0) as client:
                remote = Remote(client)
                yield remote, Worker("backtest", remote, sandbox)
            return
        database = options.database or f"sqlite:///{Path(folder) / 'backtest.db'}"
        if not database.startswith("memory://"):
            migrate.upgrade(database)
        service = build(Settings(database=database, artifacts=str(Path(folder) / "artifacts"), clock="stream"))
        local = Local(service)
        try:
            yield local, Worker("backtest", local, sandbox)
        finally:
            service.store.close()


def _baselines(stream: Stream, rows: Floats, options: Options) -> dict[str, Floats]:
    """Retrain at every tenth: on the recent fifth of the stream, and on everything."""
    template = TEMPLATES[options.template]
    recent, everything = np.full(stream.rows, np.nan), np.full(stream.rows, np.nan)
    window = stream.rows // 5
    for first, end in bounds(stream.rows):
        recent[first:end] = refit(stream, rows, template, options.seed, (max(first - window, 0), first))[first:end]
        everything[first:end] = refit(stream, rows, template, options.seed, (0, first))[first:end]
    return {"recent": recent, "all": everything}
