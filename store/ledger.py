"""Places in the log: dense versions per stream, dense positions per namespace, and the chain of hashes of each stream.

Every implementation of the store appends through here, so all of them give the same places and the same hashes.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from statemachine.record.envelope import GENESIS, NewEvent, RecordedEvent, record
from store.errors import WrongExpectedVersion
from store.records import Head
from store.tree import EMPTY

#: Bytes of a payload's key.
KEY_BYTES = 32


class Tail(NamedTuple):
    """The end of one stream."""

    version: int
    hash: str


#: The end of a stream without events.
NO_TAIL = Tail(0, GENESIS)

#: The head of a namespace without events.
NO_HEAD = Head(0, EMPTY.hex(), 1)


def fresh_key() -> bytes:
    """Return a random key for one payload."""
    return secrets.token_bytes(KEY_BYTES)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Who gives events their places: one namespace, a clock and a source of keys."""

    namespace: str
    clock_us: Callable[[], int]
    keys: Callable[[], bytes] = fresh_key

    # Where the stream and the log stand, and what comes: nothing less makes a place.
    def place(
        self, events: Sequence[NewEvent], stream: str, expected_version: int, tail: Tail, head: Head
    ) -> tuple[tuple[RecordedEvent, ...], Tail, Head]:
        """Return *events* with their places behind *tail* and *head*, and the ends that follow.

        Raises:
            WrongExpectedVersion: *tail* is not at *expected_version*.
        """
        if tail.version != expected_version:
            raise WrongExpectedVersion(stream, expected_version, tail.version)
        now_us = self.clock_us()
        last, placed = tail.hash, []
        for count, event in enumerate(events, start=1):
            recorded = record(
                event,
                namespace=self.namespace,
                stream=stream,
                version=tail.version + count,
                position=head.position + count,
                recorded_us=now_us,
                previous_hash=last,
                payload_key=self.keys(),
            )
            last = recorded.hash
            placed.append(recorded)
        end = head.position + len(placed)
        return tuple(placed), Tail(tail.version + len(placed), last), Head(end, head.root, head.epoch)
