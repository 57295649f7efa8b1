"""`remission worker`: jobs over gRPC, a sandbox, and a graceful end."""

from __future__ import annotations

import os
import signal
import threading

from remission import Client

from backtest.backend import Remote
from retraining.sandbox import Sandbox
from retraining.worker import Worker

JOB_SECONDS = 900.0


def work(server: str, name: str, *, once: bool) -> None:
    """Do jobs of *server* until a signal ends it, or one job."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Client(server, timeout=JOB_SECONDS) as client, Sandbox() as sandbox:
        worker = Worker(name, Remote(client), sandbox)
        if once:
            worker.run_one()
        else:
            worker.run_until(stop, idle_seconds=0.1)
