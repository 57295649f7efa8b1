"""Models as a server lists them, and those that it cannot read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from remission.v1 import health_pb2

T = TypeVar("T")


class Listing(Iterator[T], Generic[T]):
    """What is told of models by name, page by page.

    Once it has been gone through, `unreadable` names the models that are missing from it, each with the reason: their
    record was altered or erased, or a later release has written it.
    """

    def __init__(self, pages: Iterator[tuple[Iterable[T], Iterable[health_pb2.UnreadableModel]]]) -> None:
        """Take pages of what is told, each with its unreadable models, as they are asked for."""
        self.unreadable: list[health_pb2.UnreadableModel] = []  #: of the pages that were read so far
        self._told = self._through(pages)

    def __next__(self) -> T:
        """Return the next one."""
        return next(self._told)

    def _through(self, pages: Iterator[tuple[Iterable[T], Iterable[health_pb2.UnreadableModel]]]) -> Iterator[T]:
        for told, unreadable in pages:
            self.unreadable += unreadable
            yield from told
