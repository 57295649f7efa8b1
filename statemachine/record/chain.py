"""The chain of one stream: every event carries the hash of the one before it, and a commitment to what it tells."""

from collections.abc import Iterable, Iterator

from statemachine.record.envelope import GENESIS, RecordedEvent, hash_of, payload_is_whole


class Chain:
    """How far one stream was checked, event by event from version 1."""

    def __init__(self) -> None:
        self._previous, self._version = GENESIS, 0

    def faults(self, event: RecordedEvent) -> Iterator[str]:
        """Tell what is wrong with the next *event*: nothing, when it is whole."""
        self._version += 1
        if event.version != self._version:
            yield f"{event.stream}: version {event.version} stands where {self._version} belongs"
            self._version = event.version
        if event.previous_hash != self._previous:
            yield f"{event.stream} version {event.version}: does not follow the event before it"
        if event.hash != hash_of(event):
            yield f"{event.stream} version {event.version}: the envelope was altered"
        if not payload_is_whole(event):
            yield f"{event.stream} version {event.version}: the payload was altered"
        self._previous = event.hash


def chain_faults(events: Iterable[RecordedEvent]) -> Iterator[str]:
    """Tell what is wrong with one stream's *events*, read from version 1: nothing, when it is whole."""
    chain = Chain()
    for event in events:
        yield from chain.faults(event)
