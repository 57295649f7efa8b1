"""How much may be uploaded under one lease, taken together: counted from its header on, and no more if nothing comes.

An upload under way counts as one that is kept, so that many at once are no way around, at whichever server. What a
server was taking in when it died stays counted; the next attempt begins anew.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from server.act import Caller
from server.errors import LeaseUsedUp
from server.jobs import holding
from server.jobs.manifests import MOST_MANIFEST_BYTES
from statemachine.errors import StaleLease
from store.ports import Unit
from store.records import Lease

MOST_ARTIFACT_BYTES = 1 << 30  #: of one upload
MOST_UPLOADS = 16
#: The largest model with the largest manifest, and both once more: what was refused may be corrected.
MOST_BYTES = 2 * (MOST_ARTIFACT_BYTES + MOST_MANIFEST_BYTES)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an attempt that is under way: what its worker says of it, and what was uploaded."""

    progress_bp: int = 0
    message: str = ""
    uploads: int = 0
    upload_bytes: int = 0


def progress_of(lease: Lease) -> Progress:
    """Give what is kept with *lease*; an earlier release counted no uploads."""
    return msgspec.json.decode(lease.progress, type=Progress) if lease.progress else Progress()


def with_progress(lease: Lease, progress: Progress) -> Lease:
    """Give *lease* with *progress* kept in it."""
    return replace(lease, progress=msgspec.json.encode(progress))


def take(unit: Unit, job_id: str, attempt: int, size: int, caller: Caller) -> None:
    """Count an upload of *size* bytes under the lease of *caller*.

    Raises:
        ThingMissing: There is no such job.
        NotTheHolder: That attempt is another caller's.
        StaleLease: That attempt does not hold the job any more, or has handed it in.
        LeaseUsedUp: With what was uploaded before it is too much.
    """
    lease = _of_holder(unit, job_id, attempt, caller)
    had = progress_of(lease)
    if had.uploads >= MOST_UPLOADS:
        raise LeaseUsedUp("header", f"{MOST_UPLOADS} uploads", "none", MOST_UPLOADS)
    left = MOST_BYTES - had.upload_bytes
    if size > left:
        raise LeaseUsedUp("header.size_bytes", f"{MOST_BYTES} bytes", f"{left}, and {size} were announced", MOST_BYTES)
    counted = msgspec.structs.replace(had, uploads=had.uploads + 1, upload_bytes=had.upload_bytes + size)
    unit.put(with_progress(holding.bound(lease, caller), counted))


def give_back(unit: Unit, job_id: str, attempt: int, size: int) -> None:
    """Count an upload no more that came to nothing, if the same attempt holds the job still."""
    lease = unit.lease(job_id)
    had = progress_of(lease) if lease is not None and lease.attempt == attempt else Progress()
    if lease is not None and had.uploads:
        less = max(had.upload_bytes - size, 0)
        unit.put(with_progress(lease, msgspec.structs.replace(had, uploads=had.uploads - 1, upload_bytes=less)))


def _of_holder(unit: Unit, job_id: str, attempt: int, caller: Caller) -> Lease:
    job = holding.held(unit, job_id, attempt, "upload", caller)
    lease = unit.lease(job_id)
    if job is None or lease is None:
        raise StaleLease("upload", "done", f"attempt {attempt} of {job_id} has handed the job in")
    return lease
