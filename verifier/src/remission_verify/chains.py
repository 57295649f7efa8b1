"""The streams of a log: each event names the one before it, and versions count from 1 without a hole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from remission_verify.envelope import GENESIS, Envelope

#: The newest event of a stream: its version, its hash, and how often places were lost before it.
Tail = tuple[int, str, int]

START: Tail = (0, GENESIS, 0)


class Chains:
    """How far the streams of a log were followed, in the order of positions."""

    def __init__(self) -> None:
        self._tails: dict[str, Tail] = {}
        self._namespace: str | None = None
        self._lost = 0

    def __len__(self) -> int:
        """Count the streams."""
        return len(self._tails)

    def lose(self) -> None:
        """Forget where streams stand, since an event was not read: what comes next is taken as it comes."""
        self._lost += 1

    def take(self, event: Envelope, position: int) -> Sequence[str]:
        """Take the next event in; tell what is wrong with its place: nothing, when it is where it belongs."""
        _, _, namespace, place, previous, stream, _, version, own = event
        before = self._tails.get(stream, START)
        self._tails[stream] = version, own, self._lost
        # One with which nothing is wrong costs no more than this.
        right = before == (version - 1, previous, self._lost)
        if right and place == position and namespace == self._namespace:
            return ()
        return tuple(self._faults(event, position, before))

    def _faults(self, event: Envelope, position: int, before: Tail) -> Iterator[str]:
        version, previous, lost = before
        self._namespace = self._namespace or event.namespace
        if event.position != position:
            yield f"the entry says that it is position {event.position}"
        if event.namespace != self._namespace:
            yield f"the entry is of the namespace {event.namespace!r}, the log of {self._namespace!r}"
        if lost != self._lost:
            return
        if event.version != version + 1:
            yield f"version {event.version} of {event.stream!r} stands where {version + 1} belongs"
        if event.previous_hash != previous:
            yield f"version {event.version} of {event.stream!r} does not follow the event before it"
