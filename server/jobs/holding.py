"""Whose a lease is: it belongs to the caller that took it, however many know of the job.

Its holder stands with the lease as the log names callers, by how they are known and by an opaque id, so it outlives a
restart, is the same for every server on one database, and is not changed by a certificate that is renewed under its
name. Only the log's own events tell of a lease for ever; whose it was is no part of them.
"""

from __future__ import annotations

from dataclasses import replace

from server.act import Caller
from server.errors import NotTheHolder, ThingMissing
from server.reactions.jobs import DONE, LEASED
from statemachine.errors import StaleLease
from store.ports import Reader
from store.records import Job, Lease

BETWEEN = "/"  #: of how a caller is known, and who it is; what an earlier release wrote in its place has none


def holder(caller: Caller) -> str:
    """Give what a lease that *caller* takes is kept under.

    >>> holder(Caller(actor="local", authentication="loopback"))
    'loopback/local'
    """
    return f"{caller.authentication}{BETWEEN}{caller.actor}"


def bound(lease: Lease, caller: Caller) -> Lease:
    """Give *lease* as one of *caller*, who may act on it: that of an earlier release is nobody's until then."""
    return replace(lease, token=holder(caller))


def may(lease: Lease, caller: Caller) -> bool:
    """Say whether *caller* may act on what *lease* holds: it took it, or an earlier release did not write who had."""
    return BETWEEN not in lease.token or lease.token == holder(caller)


def check(lease: Lease, caller: Caller, asked: str) -> None:
    """Let who took *lease* pass; *asked* is what else is refused.

    Raises:
        NotTheHolder: Another caller took it.
    """
    if not may(lease, caller):
        raise NotTheHolder(lease.job_id, asked)


def held(reader: Reader, job_id: str, attempt: int, asked: str, caller: Caller) -> Job | None:
    """Give the job that *attempt* holds; None when that attempt has handed it in already; else *asked* is refused.

    Raises:
        ThingMissing: There is no such job.
        NotTheHolder: That attempt is another caller's.
        StaleLease: Another attempt holds it, or nobody does.
    """
    job, lease = reader.job(job_id), reader.lease(job_id)
    if job is None:
        raise ThingMissing("job_id", f"no job {job_id!r} was ever queued")
    if lease is not None and lease.attempt == attempt:
        check(lease, caller, asked)
        if job.status == LEASED:
            return job
        if job.status == DONE:
            return None
    raise lost(job, lease, attempt, asked)


def lost(job: Job, lease: Lease | None, attempt: int, asked: str) -> StaleLease:
    """Say that *attempt* does not hold *job*, and which one does."""
    by = f"attempt {lease.attempt}" if lease is not None and job.status == LEASED else "nobody"
    return StaleLease(asked, job.status, f"attempt {attempt} of {job.job_id} does not hold the job; {by} does")
