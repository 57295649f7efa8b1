"""`remission signals run`: sources on threads, receivers beside them, and a graceful end."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import structlog
from remission import Client

from cli.reach import credentials
from providers.config import Otlp, load
from providers.otlp import over_grpc, over_http
from providers.otlp.receiving import Receiver
from providers.progress import kept_in
from providers.prometheus import Source
from providers.running import run
from server.logs import configure

CALL_SECONDS = 30.0
EXPORT_SECONDS = 5.0
LOG = structlog.get_logger()


def provide(file: Path, server: str, *, once: bool, logs: str) -> bool:
    """Ask until a signal ends it, or each query once; say whether nothing failed."""
    configure(logs)
    config = load(file)
    with kept_in(Path(config.state)) as progress, Client(server, credentials(), timeout=CALL_SECONDS) as client:
        sources = [Source(one, client, progress, LOG) for one in config.prometheus]
        if once:
            return sum(source.turn(_now_us()) for source in sources) == 0
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with _receivers(config.otlp, server) as ports:
            LOG.info("running", server=server, sources=[one.url for one in config.prometheus], **ports)
            run(sources, _now_us, stop)
        LOG.info("stopped")
    return True


@contextlib.contextmanager
def _receivers(config: Otlp | None, server: str) -> Iterator[dict[str, int]]:
    """Listen to exporters; give the port of each way in.

    Their calls wait for a service that is away no longer than exporters do for an answer.
    """
    if config is None:
        yield {}
        return
    with contextlib.ExitStack() as held:
        client = held.enter_context(Client(server, credentials(), timeout=EXPORT_SECONDS))
        receiver, ports = Receiver(config, client, LOG, time.time_ns), dict[str, int]()
        if config.grpc:
            ports["otlp_grpc"] = held.enter_context(over_grpc.listening(config, receiver))
        if config.http:
            ports["otlp_http"] = held.enter_context(over_http.listening(config, receiver))
        yield ports


def _now_us() -> int:
    return time.time_ns() // 1_000
