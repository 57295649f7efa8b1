"""The streams of a log: each event names the one before it, and versions count from 1 without a hole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from remission_verify.envelope import GENESIS, Envelope


class _Tail(NamedTuple):
    """The newest event of a stream, and how often places were lost before it."""

    version: int
    hash: str
    lost: int


class Chains:
    """How far the streams of a log were followed, in the order of positions."""

    def __init__(self) -> None:
        self._tails: dict[str, _Tail] = {}
        self._namespace: str | None = None
        self._lost = 0

    def __len__(self) -> int:
        """Count the streams."""
        return len(self._tails)

    def lose(self) -> None:
        """Forget where streams stand, since an event was not read: what comes next is taken as it comes."""
        self._lost += 1

    def faults(self, event: Envelope, position: int) -> Iterator[str]:
        """Tell what is wrong with the place of the next event; nothing, when it is where it belongs."""
        if event.position != position:
            yield f"the entry says that it is position {event.position}"
        if event.namespace != (self._namespace or event.namespace):
            yield f"the entry is of the namespace {event.namespace!r}, the log of {self._namespace!r}"
        tail = self._tails.get(event.stream) or _Tail(0, GENESIS, 0)
        if tail.lost == self._lost:
            yield from _behind(tail, event)
        self._namespace = self._namespace or event.namespace
        self._tails[event.stream] = _Tail(event.version, event.hash, self._lost)


def _behind(tail: _Tail, event: Envelope) -> Iterator[str]:
    if event.version != tail.version + 1:
        yield f"version {event.version} of {event.stream!r} stands where {tail.version + 1} belongs"
    if event.previous_hash != tail.hash:
        yield f"version {event.version} of {event.stream!r} does not follow the event before it"
