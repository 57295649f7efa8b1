"""The worker: leases jobs, has them done in the sandbox, keeps the lease alive, and hands results in."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from retraining.sandbox.supervisor import OK, Outcome
from retraining.template import Limits

MOST_CACHED_BYTES = 256 << 20
UPLOADS = {"model": "model", "manifest.json": "manifest"}  #: what a job may leave, in the order of handing it in


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasedJob:
    """A job as a worker holds it. The attempt number fences off those who held it before."""

    job_id: str
    kind: str
    model: str
    attempt: int
    spec: dict[str, Any]
    datasets: tuple[str, ...]
    heartbeat_seconds: float


class DatasetDamaged(Exception):
    """The bytes that came are not those that were asked for."""

    def __init__(self, sha256: str) -> None:
        """Name what was asked for."""
        super().__init__(f"the bytes that came do not have the hash {sha256}")
        self.sha256 = sha256


@dataclass(frozen=True, slots=True)
class Result:
    """What a job has come to: the report, the hashes of what was kept, the isolation reached, and what was measured."""

    report: dict[str, Any]
    artifacts: list[str]  #: the manifest's before the model's
    isolation: str
    measured: dict[str, int]  #: microseconds and bytes


class Jobs(Protocol):
    """Where jobs come from and go to. Only `heartbeat` is called from another thread, while others may be under way.

    What passes by itself, such as a broken connection, is tried again in here: an error that comes out ends the job.
    """

    def lease(self, worker: str) -> LeasedJob | None:
        """Give the oldest job that waits; None when there is none."""
        ...

    def heartbeat(self, job_id: str, attempt: int, progress_bp: int, message: str) -> bool:
        """Keep the lease alive; False when the worker should give up."""
        ...

    def download(self, sha256: str) -> bytes:
        """Give the bytes with this hash."""
        ...

    def upload(self, data: bytes, kind: str, job_id: str, attempt: int) -> str:
        """Keep bytes, `model` or `manifest`; give their hash."""
        ...

    def complete(self, job_id: str, attempt: int, result: Result) -> None:
        """Hand the result in."""
        ...

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        """Say that it could not be done."""
        ...


class Trainer(Protocol):
    """Who does the work: a `Sandbox`."""

    def run(
        self, spec: dict[str, Any], files: dict[str, bytes], limits: Limits, give_up: threading.Event | None = None
    ) -> Outcome:
        """Run one job on *files*, by name, within *limits*; end it early once *give_up* is set."""
        ...


class Worker:
    """Does one job after the other."""

    def __init__(self, name: str, jobs: Jobs, sandbox: Trainer) -> None:
        self.name, self._jobs, self._sandbox = name, jobs, sandbox
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self.fit_us = 0  #: microseconds spent in training itself, so far
        self.done = 0  #: jobs handed in, so far

    def run_one(self) -> bool:
        """Do at most one job; say whether there was one.

        What `Jobs` raises is raised here, also what its heartbeat raised while the job ran.
        """
        job = self._jobs.lease(self.name)
        if job is None:
            return False
        with _Heart(self._jobs, job) as heart:
            outcome = self._outcome(job, heart.give_up)
        if not heart.give_up.is_set():
            self._hand_in(job, outcome)
        return True

    def run_until(self, stop: threading.Event, idle_seconds: float = 1.0) -> None:
        """Do jobs until *stop* is set; look for new ones every *idle_seconds*."""
        while not stop.is_set():
            if not self.run_one():
                stop.wait(idle_seconds)

    def _outcome(self, job: LeasedJob, give_up: threading.Event) -> Outcome:
        try:
            limits = Limits(**job.spec["spec"]["limits"])
        except (KeyError, TypeError) as error:
            return Outcome(status="POLICY_REFUSED", message=f"the limits cannot be read: {error}")
        try:
            files = {sha256: self._fetch(sha256) for sha256 in job.datasets}
        except DatasetDamaged as error:
            return Outcome(status="UNAVAILABLE", message=str(error))
        return self._sandbox.run(job.spec, files, limits, give_up)

    def _hand_in(self, job: LeasedJob, outcome: Outcome) -> None:
        if outcome.status != OK:
            self._jobs.fail(job.job_id, job.attempt, outcome.status, outcome.message)
            return
        report = dict(outcome.report)
        told = report.pop("fit_us", 0)
        fit_us = told if isinstance(told, int) else 0
        kept = {
            kind: self._jobs.upload(outcome.files[name], kind, job.job_id, job.attempt)
            for name, kind in UPLOADS.items()
            if name in outcome.files
        }
        measured = {
            "cpu_us": outcome.cpu_us,
            "wall_us": outcome.wall_us,
            "max_rss_bytes": outcome.max_rss_bytes,
            "fit_us": fit_us,
        }
        named = [kept[kind] for kind in ("manifest", "model") if kind in kept]
        self._jobs.complete(job.job_id, job.attempt, Result(report, named, outcome.isolation, measured))
        self.fit_us += fit_us
        self.done += 1

    def _fetch(self, sha256: str) -> bytes:
        """Get bytes by their hash, checked; those used last are kept at hand."""
        if sha256 not in self._cache:
            data = self._jobs.download(sha256)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise DatasetDamaged(sha256)
            self._cache[sha256] = data
        self._cache.move_to_end(sha256)
        while sum(map(len, self._cache.values())) > MOST_CACHED_BYTES and len(self._cache) > 1:
            self._cache.popitem(last=False)
        return self._cache[sha256]


class _Heart:
    """Beats in a thread of its own while a job is fetched and done, so that its lease holds."""

    def __init__(self, jobs: Jobs, job: LeasedJob) -> None:
        self.give_up = threading.Event()
        self._jobs, self._job, self._over = jobs, job, threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._beat, name=f"heart-{job.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _beat(self) -> None:
        job = self._job
        while not self._over.wait(job.heartbeat_seconds):
            try:
                kept = self._jobs.heartbeat(job.job_id, job.attempt, 0, "training")
            except Exception as error:  # noqa: BLE001 - a thread has no caller; the one who joins it raises this
                self._error, kept = error, False
            if not kept:
                self.give_up.set()
                return
