"""Calls about states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from remission.connection import Connection
from remission.listing import Listing
from remission.v1 import health_pb2, health_pb2_grpc

_Page = tuple[Sequence[health_pb2.ModelState], Sequence[health_pb2.UnreadableModel]]


class Health:
    """Answers how models are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = health_pb2_grpc.ModelHealthServiceStub(connection.channel)

    def get(self, model: str) -> health_pb2.ModelState:
        """Return a model's state."""
        return self._connection.call(self._stub.GetState, health_pb2.GetStateRequest(model=model)).state

    def get_all(self, models: Iterable[str]) -> list[health_pb2.ModelState]:
        """Return the states of several models, all or none."""
        request = health_pb2.BatchGetStatesRequest(models=models)
        return list(self._connection.call(self._stub.BatchGetStates, request).states)

    def list(self, states: Iterable[health_pb2.State.ValueType] = ()) -> Listing[health_pb2.ModelState]:
        """Give the states of all models, or of those in one of *states*, in order of model name.

        Models that the server cannot read are in `unreadable` of what is given, and keep no other from being told.
        """
        return Listing(self._pages(health_pb2.ListStatesRequest(states=states)))

    def _pages(self, request: health_pb2.ListStatesRequest) -> Iterator[_Page]:
        while True:
            page = self._connection.call(self._stub.ListStates, request)
            yield page.states, page.unreadable
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def windows(self, model: str, most: int = 1) -> Sequence[health_pb2.RowWindow]:
        """Return what the latest windows of rows showed, the newest last: evidence, sizes of change, faults, losses.

        Args:
            model: To tell of.
            most: Windows to return, 1 to 50.
        """
        request = health_pb2.GetWindowsRequest(model=model, windows=most)
        return self._connection.call(self._stub.GetWindows, request).windows

    def watch(self, *models: str, after_position: int = 0) -> Iterator[health_pb2.WatchStatesResponse]:
        """Yield each change on record, then each new one, for ever; `list` tells the present states.

        A model that the server cannot read is named once, as `unreadable` of a response without a state, and keeps no
        other from being told. What comes with neither is a sign of life.

        After `UnavailableError` watch again with the last position seen: nothing is missed and nothing comes twice.

        Args:
            models: To watch; all without any.
            after_position: Resumes behind this position; 0 starts with the first change on record.

        Raises:
            OutOfRangeError: The position lies beyond the newest event, which the message tells; so after a restore.
        """
        request = health_pb2.WatchStatesRequest(models=models, after_position=after_position)
        return self._connection.stream(lambda: self._stub.WatchStates(request))


def state_name(state: health_pb2.State.ValueType) -> str:
    """Return a state's name as people write it.

    >>> state_name(health_pb2.STATE_ROLLED_BACK)
    'rolled_back'
    """
    return health_pb2.State.Name(state).removeprefix("STATE_").lower()
