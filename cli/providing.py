"""`remission signals run`: sources on threads, a client, and a graceful end."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import structlog
from remission import Client

from cli.reach import credentials
from providers.config import load
from providers.progress import kept_in
from providers.prometheus import Source
from providers.running import run
from server.logs import configure

CALL_SECONDS = 30.0
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
        LOG.info("asking", server=server, sources=[one.url for one in config.prometheus])
        run(sources, _now_us, stop)
        LOG.info("stopped")
    return True


def _now_us() -> int:
    return time.time_ns() // 1_000
