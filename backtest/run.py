"""A whole backtest: read, train, drive, report."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from remission import Client

from backtest.backend import Backend
from backtest.champion import matrix, refit, train
from backtest.driver import Driver
from backtest.local import Local
from backtest.options import Options, setup_of
from backtest.reigns import reigns
from backtest.remote import Remote
from backtest.report import bounds, report
from backtest.stream import Floats, Stream, StreamInvalid
from retraining.sandbox import Sandbox
from retraining.template import TEMPLATES
from retraining.worker import Worker
from server.checkpoints.keys import fresh_keys
from server.checkpoints.notary import Notary
from server.clock import wall_us
from server.service import Service
from server.settings import Settings
from server.wiring import build
from store import migrate
from store.errors import StoreError

__all__ = ["Options", "backtest"]


Begin = Callable[[int], Callable[[int], None]]  #: given how many rows there are, gives what is told of each step


def backtest(stream: Stream, options: Options, begin: Begin = lambda _: lambda _: None) -> dict[str, Any]:
    """Run *stream* through the whole service, and report.

    Raises:
        StreamInvalid: An option does not fit the stream.
        RequestError: The service refuses the stream.
    """
    setup = setup_of(stream, options)
    with _opened(options) as (backend, worker):
        progress, begun = begin(stream.rows - stream.reference_rows), time.perf_counter()
        rows = matrix(stream)
        fitting = time.perf_counter()
        champion = train(stream, rows, TEMPLATES[setup.template], setup.seed)
        first_fits = time.perf_counter() - fitting
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


@contextlib.contextmanager
def _opened(options: Options) -> Iterator[tuple[Backend, Worker]]:
    """Open the service here, or the way to a server, with a worker of our own."""
    with tempfile.TemporaryDirectory(prefix="remission-") as folder, Sandbox() as sandbox:
        if options.server:
            with Client(options.server, options.tls, timeout=600.0) as client:
                remote = Remote(client)
                yield remote, Worker("backtest", remote, sandbox)
            return
        database = options.database or f"sqlite:///{Path(folder) / 'backtest.db'}"
        service = _service(database, str(Path(folder) / "artifacts"))
        local = Local(service)
        try:
            yield local, Worker("backtest", local, sandbox)
        finally:
            service.close()


def _service(database: str, artifacts: str) -> Service:
    try:
        migrate.prepare(database)
        # What a rehearsal records is shown by deriving it again; nobody is given a signature of it.
        unsigned = Notary(fresh_keys(), None, wall_us)
        return build(Settings(database=database, artifacts=artifacts, clock="stream"), notary=unsigned)
    except StoreError as error:
        raise StreamInvalid(f"--db: {error}") from error


def _baselines(stream: Stream, rows: Floats, options: Options) -> dict[str, Floats]:
    """Retrain at every tenth: on the recent fifth of the stream, and on everything."""
    template = TEMPLATES[options.template]
    recent, everything = np.full(stream.rows, np.nan), np.full(stream.rows, np.nan)
    window = stream.rows // 5
    for first, end in bounds(stream.rows):
        recent[first:end] = refit(stream, rows, template, options.seed, (max(first - window, 0), first))[first:end]
        everything[first:end] = refit(stream, rows, template, options.seed, (0, first))[first:end]
    return {"recent": recent, "all": everything}
