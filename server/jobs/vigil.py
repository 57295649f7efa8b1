"""Of which workers nothing was heard for as long as a lease lasts.

A lease is dated by the clock of the server that gave it or heard of its worker last; by the clock of another server it
would end at once, or hours later. So a server measures silence itself, by a clock that is never set: from when it first
saw what the worker has said last. (Leader election in Kubernetes' client-go does the same, for the same reason.)
"""

from __future__ import annotations

from collections.abc import Iterable

from store.records import Lease

LEASE_US = 60 * 1_000_000

#: What changes with each sign of life.
Sign = tuple[str, int, int]


def sign_of(lease: Lease) -> Sign:
    """Give what a worker has said last: of which job, in which attempt, and when by whatever clock."""
    return lease.job_id, lease.attempt, lease.heartbeat_us


class Vigil:
    """Remembers since when each worker has said nothing new."""

    def __init__(self) -> None:
        self._since: dict[Sign, int] = {}

    def silent(self, leases: Iterable[Lease], now_us: int) -> list[Sign]:
        """Say whose lease is over at *now_us* of the steady clock; *leases* are all that are held."""
        self._since = {sign: self._since.get(sign, now_us) for sign in map(sign_of, leases)}
        return [sign for sign, since_us in self._since.items() if now_us - since_us >= LEASE_US]

    def begin_anew(self) -> None:
        """Count from the next look: while the database was away nobody could say anything."""
        self._since = {}
