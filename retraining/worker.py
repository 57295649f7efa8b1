"""The worker: leases jobs, has them done in the sandbox, keeps the lease alive, and hands results in."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

from retraining.sandbox.supervisor import OK, Outcome, Sandbox
from retraining.template import Limits

MOST_CACHED_BYTES = 256 << 20


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


class Jobs(Protocol):
    """Where jobs come from and go to."""

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

    def complete(  # noqa: PLR0913 - each is one field of the call
        self,
        job_id: str,
        attempt: int,
        report: dict[str, Any],
        artifact_sha256s: list[str],
        isolation: str,
        measured: dict[str, int],
    ) -> None:
        """Hand the result in."""
        ...

    def fail(self, job_id: str, attempt: int, failure: str, message: str) -> None:
        """Say that it could not be done."""
        ...


class Worker:
    """Does one job after the other."""

    def __init__(self, name: str, jobs: Jobs, sandbox: Sandbox) -> None:
        self.name, self._jobs, self._sandbox = name, jobs, sandbox
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self.fit_us = 0  #: microseconds spent in training itself, so far
        self.done = 0  #: jobs handed in, so far

    def run_one(self) -> bool:
        """Do at most one job; say whether there was one."""
        job = self._jobs.lease(self.name)
        if job is None:
            return False
        files = {sha: self._fetch(sha) for sha in job.datasets}
        outcome = self._watched(job, files)
        if outcome is not None:
            self._hand_in(job, outcome)
        return True

    def run_until(self, stop: threading.Event, idle_seconds: float = 1.0) -> None:
        """Do jobs until *stop* is set; look for new ones every *idle_seconds*."""
        while not stop.is_set():
            if not self.run_one():
                stop.wait(idle_seconds)

    def _watched(self, job: LeasedJob, files: dict[str, bytes]) -> Outcome | None:
        """Run the job while heartbeats keep its lease; None when the lease was lost."""
        give_up, over = threading.Event(), threading.Event()
        beat = threading.Thread(target=self._beat, args=(job, give_up, over), daemon=True)
        beat.start()
        try:
            outcome = self._sandbox.run(job.spec, files, Limits(**job.spec["spec"]["limits"]), give_up)
        finally:
            over.set()
            beat.join()
        return None if give_up.is_set() else outcome

    def _beat(self, job: LeasedJob, give_up: threading.Event, over: threading.Event) -> None:
        while not over.wait(job.heartbeat_seconds):
            if not self._jobs.heartbeat(job.job_id, job.attempt, 0, "training"):
                give_up.set()
                return

    def _hand_in(self, job: LeasedJob, outcome: Outcome) -> None:
        if outcome.status != OK:
            self._jobs.fail(job.job_id, job.attempt, outcome.status, outcome.message)
            return
        report = dict(outcome.report)
        fit_us = int(report.pop("fit_us", 0))
        kept: list[str] = []
        if "manifest.json" in outcome.files:
            model = self._jobs.upload(outcome.files["model"], "model", job.job_id, job.attempt)
            manifest = self._jobs.upload(outcome.files["manifest.json"], "manifest", job.job_id, job.attempt)
            kept = [manifest, model]
        measured = {
            "cpu_us": outcome.cpu_us,
            "wall_us": outcome.wall_us,
            "max_rss_bytes": outcome.max_rss_bytes,
            "fit_us": fit_us,
        }
        self._jobs.complete(job.job_id, job.attempt, report, kept, outcome.isolation, measured)
        self.fit_us += fit_us
        self.done += 1

    def _fetch(self, sha256: str) -> bytes:
        """Get bytes by their hash, checked; the latest are kept at hand."""
        if sha256 not in self._cache:
            data = self._jobs.download(sha256)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise ValueError(f"the bytes that came are not those of {sha256}")
            self._cache[sha256] = data
            while sum(map(len, self._cache.values())) > MOST_CACHED_BYTES and len(self._cache) > 1:
                self._cache.popitem(last=False)
        return self._cache[sha256]

