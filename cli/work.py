"""`remission worker`: jobs over gRPC, a sandbox, and a graceful end."""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType

import structlog
from remission import Client

from backtest.remote import RemoteJobs
from cli.reach import NobodyAnswers, credentials, reach
from retraining.sandbox import Sandbox
from retraining.worker import LeasedJob, Result, Worker
from server.logs import configure

JOB_SECONDS = 900.0
LOG = structlog.get_logger()


class Ended(BaseException):
    """The worker was told to end while nothing was in its hands. No error: nothing may catch it on the way."""


class Seeking(RemoteJobs):
    """The jobs of a server. A signal ends the search for one at once, but lets one that was found be done."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.stop = threading.Event()
        self._seeks = False

    def end(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; the second one ends the worker whatever it does."""
        del number, frame
        again = self.stop.is_set()
        self.stop.set()
        if self._seeks or again:
            raise Ended

    def look(self, server: str) -> None:
        """Say that *server* is away, if it is; it is waited for. A signal meanwhile ends the worker behind the look.

        Raises:
            NotLetIn: It is there, and would not let the worker in however long it waits.
        """
        try:
            reach(server)
        except NobodyAnswers:
            LOG.warning("waiting", server=server, reason="nobody answers")

    def lease(self, worker: str) -> LeasedJob | None:
        """Give the oldest job that waits; a server that is away is waited for."""
        self._seeks = True
        try:
            job = super().lease(worker)
        finally:
            self._seeks = False
        if job is not None:
            LOG.info("leased", job=job.job_id, kind=job.kind, model=job.model, attempt=job.attempt)
        return job

    def complete(self, job_id: str, attempt: int, result: Result) -> None:
        """Hand a result in."""
        super().complete(job_id, attempt, result)
        LOG.info("completed", job=job_id, attempt=attempt)

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        """Say that a job could not be done."""
        super().fail(job_id, attempt, failure, message)
        LOG.warning("failed", job=job_id, attempt=attempt, failure=failure, message=message)


def work(server: str, name: str, *, once: bool) -> None:
    """Do jobs of *server* until a signal ends it, or one job."""
    configure("console")
    with (
        contextlib.suppress(Ended),
        Client(server, credentials(), timeout=JOB_SECONDS) as client,
        Sandbox() as sandbox,
    ):
        _work(Seeking(client), sandbox, server, name, once=once)
    LOG.info("stopped", worker=name)


def _work(jobs: Seeking, sandbox: Sandbox, server: str, name: str, *, once: bool) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, jobs.end)
    worker = Worker(name, jobs, sandbox)
    LOG.info("seeking", worker=name, server=server)
    jobs.look(server)
    if jobs.stop.is_set():
        return
    if once:
        worker.run_one()
    else:
        worker.run_until(jobs.stop, idle_seconds=0.1)
