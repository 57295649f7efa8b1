"""Calls about the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from remission.connection import Connection
from remission.v1 import audit_pb2, audit_pb2_grpc

_VERIFY_TIMEOUT_SECONDS = 3_600.0  # the whole log is read


class History:
    """Shows the record, and proves it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = audit_pb2_grpc.AuditServiceStub(connection.channel)

    def events(
        self, model: str = "", *, after_position: int = 0, types: Iterable[str] = ()
    ) -> Iterator[audit_pb2.Event]:
        """Yield events in the order of positions, to the present end of the log.

        Args:
            model: Whose events; everyone's without it.
            after_position: Events up to and with this position are left out.
            types: Keeps only events of these types; all without any.
        """
        request = audit_pb2.ReadEventsRequest(model=model, after_position=after_position, types=types, page_size=1_000)
        while True:
            page = self._connection.call(self._stub.ReadEvents, request)
            yield from page.events
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def replay(self, model: str) -> Iterator[audit_pb2.ReplayModelResponse]:
        """Yield each event of a model with the state before and after, then a summary."""
        request = audit_pb2.ReplayModelRequest(model=model)
        return self._connection.stream(lambda: self._stub.ReplayModel(request))

    def explain(self, model: str, position: int) -> audit_pb2.ExplainDecisionResponse:
        """Return the decision that the event at *position* records, with what it was made of, made again."""
        request = audit_pb2.ExplainDecisionRequest(model=model, position=position)
        return self._connection.call(self._stub.ExplainDecision, request)

    def verify(self, *models: str) -> audit_pb2.VerifyLogResponse:
        """Check hashes, fold every stream and make every decision again; all models without any."""
        request = audit_pb2.VerifyLogRequest(models=models)
        return self._connection.call(self._stub.VerifyLog, request, _VERIFY_TIMEOUT_SECONDS)
