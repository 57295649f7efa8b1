"""The office where workers get jobs and hand results in."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from server.act import SERVICE, Caller
from server.desk import Desk, Doing
from server.errors import RequestError
from server.following.turns import Turn
from server.jobs import allowance, counted, holding, leasing, training
from server.jobs.counted import Counted
from server.jobs.vigil import Vigil
from server.reactions.jobs import QUEUED
from server.requests import Completion
from server.views import JobView
from statemachine.errors import Refused
from store.answers import Answer
from store.errors import StoreError
from store.ports import Store
from store.records import Job


class JobQueue:
    """Gives jobs out and takes results in, and takes jobs back from workers that have fallen silent."""

    def __init__(self, store: Store, desk: Desk, do: Doing, time_us: Callable[[], int]) -> None:
        self._store, self._desk, self._do, self._time_us = store, desk, do, time_us
        self._vigil = Vigil()

    def lease(self, worker: str, kinds: tuple[str, ...] = (), caller: Caller = SERVICE) -> Answer[JobView | None]:
        """Give a worker the oldest job that waits; None when there is none."""
        return self._do(lambda unit: leasing.lease_job(self._desk, unit, worker, kinds, self._time_us(), caller))

    def heartbeat(
        self, job: str, attempt: int, progress_bp: int, message: str, caller: Caller = SERVICE
    ) -> Answer[tuple[int, bool]]:
        """Keep a lease alive: its new deadline, and whether the worker should give up."""
        now_us = self._time_us()
        return self._do(
            lambda unit: leasing.heartbeat(self._desk, unit, job, attempt, progress_bp, message, now_us, caller)
        )

    def complete(self, completion: Completion, caller: Caller = SERVICE) -> Answer[bool]:
        """Take a worker's result in; True when it was had before."""
        ours = self.counted(completion, caller)
        return self._do(lambda unit: training.complete_job(self._desk, unit, completion, ours, caller))

    def counted(self, completion: Completion, caller: Caller = SERVICE) -> Counted | None:
        """Count of a result what the job's own rows say, off the writer's thread; None of who does not hold the job.

        A job's spec and dataset are written once, so what is counted holds whatever happens meanwhile. Who is refused
        is told so where the result is taken in, behind what its request id says.
        """
        try:
            job = self.held(completion.job, completion.attempt, "complete", caller)
        except (RequestError, Refused):
            return None
        return counted.of_job(job, self._desk.blobs) if job else None

    def fail(self, job: str, attempt: int, failure: str, note: str, caller: Caller = SERVICE) -> Answer[bool]:
        """Take note that a worker could not finish; True when the job will be tried again."""
        return self._do(lambda unit: training.fail_job(self._desk, unit, job, attempt, failure, note, caller))

    def held(self, job: str, attempt: int, asked: str, caller: Caller = SERVICE) -> Job | None:
        """Give the job that *attempt* holds, as `holding.held` does."""
        return self._store.read(lambda reader: holding.held(reader, job, attempt, asked, caller))

    def begin_upload(self, job: str, attempt: int, size: int, caller: Caller = SERVICE) -> Answer[None]:
        """Count an upload that is announced, as `allowance.take` does."""
        return self._do(lambda unit: allowance.take(unit, job, attempt, size, caller))

    def drop_upload(self, job: str, attempt: int, size: int) -> Answer[None]:
        """Count an upload no more that came to nothing."""
        return self._do(lambda unit: allowance.give_back(unit, job, attempt, size))

    def waiting(self) -> frozenset[tuple[str, int]]:
        """Name the jobs that wait, each with the version of its model: approval makes one leasable."""
        return self._store.read(
            lambda reader: frozenset((one.job_id, reader.version(one.stream)) for one in reader.jobs(status=QUEUED))
        )

    def expire(self, now_us: int) -> list[Turn[bool]]:
        """Take jobs from workers that have been silent for a lease at *now_us* of the steady clock, one by one."""
        try:
            held = self._store.read(leasing.leases_held)
        except StoreError:
            self._vigil.begin_anew()
            raise
        silent = self._vigil.silent(held, now_us)
        models = self._store.read(lambda reader: leasing.models_of(reader, silent))
        return [
            Turn(model, self._do(partial(leasing.expire_lease, self._desk, sign=sign)))
            for model, sign in zip(models, silent, strict=True)
        ]
