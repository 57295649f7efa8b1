"""Calls of people on duty."""

from __future__ import annotations

from collections.abc import Iterable

from remission.connection import Connection, new_id
from remission.v1 import operations_pb2, operations_pb2_grpc
from remission.v1.health_pb2 import ModelState


class Operations:
    """What people on duty do. Each call is an event with its actor and *reason*, and returns the state that follows.

    An *etag* that is not empty must be that of the present state, else `AbortedError` is raised; but what stops
    something (`hold`, `freeze`, `abort`, `roll_back`) is done whatever the etag.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = operations_pb2_grpc.OperationsServiceStub(connection.channel)

    def approve(self, model: str, etag: str, *, reason: str = "", request_id: str = "") -> ModelState:
        """Let a remedy that awaits approval go on."""
        request = operations_pb2.ApproveRequest(
            request_id=request_id or new_id(), model=model, etag=etag, reason=reason
        )
        return self._connection.call(self._stub.Approve, request).state

    def reject(self, model: str, etag: str, *, reason: str = "", request_id: str = "") -> ModelState:
        """Refuse a remedy that awaits approval."""
        request = operations_pb2.RejectRequest(request_id=request_id or new_id(), model=model, etag=etag, reason=reason)
        return self._connection.call(self._stub.Reject, request).state

    def hold(self, model: str, *, reason: str = "", etag: str = "", request_id: str = "") -> ModelState:
        """Hand a model to people: the service watches and notifies, and does not act."""
        request = operations_pb2.HoldRequest(request_id=request_id or new_id(), model=model, etag=etag, reason=reason)
        return self._connection.call(self._stub.Hold, request).state

    def release(self, model: str, *, reason: str = "", etag: str = "", request_id: str = "") -> ModelState:
        """Give a held model back to the service."""
        request = operations_pb2.ReleaseRequest(
            request_id=request_id or new_id(), model=model, etag=etag, reason=reason
        )
        return self._connection.call(self._stub.Release, request).state

    def freeze(self, model: str, *, reason: str = "", etag: str = "", request_id: str = "") -> ModelState:
        """Stop every change of what is served, at once."""
        request = operations_pb2.FreezeRequest(request_id=request_id or new_id(), model=model, etag=etag, reason=reason)
        return self._connection.call(self._stub.Freeze, request).state

    def unfreeze(self, model: str, *, reason: str = "", etag: str = "", request_id: str = "") -> ModelState:
        """End a freeze."""
        request = operations_pb2.UnfreezeRequest(
            request_id=request_id or new_id(), model=model, etag=etag, reason=reason
        )
        return self._connection.call(self._stub.Unfreeze, request).state

    def abort(self, model: str, *, reason: str = "", etag: str = "", request_id: str = "") -> ModelState:
        """End the remedy under way; the champion serves everything."""
        request = operations_pb2.AbortRequest(request_id=request_id or new_id(), model=model, etag=etag, reason=reason)
        return self._connection.call(self._stub.Abort, request).state

    def roll_back(self, model: str, *, reason: str = "", etag: str = "", request_id: str = "") -> ModelState:
        """Take the traffic of a candidate away."""
        request = operations_pb2.RollBackRequest(
            request_id=request_id or new_id(), model=model, etag=etag, reason=reason
        )
        return self._connection.call(self._stub.RollBack, request).state

    def start_retraining(
        self, model: str, *, remedies: Iterable[str] = (), reason: str = "", etag: str = "", request_id: str = ""
    ) -> ModelState:
        """Ask for a remedy now; *remedies* keeps the bake-off to these."""
        request = operations_pb2.StartRetrainingRequest(
            request_id=request_id or new_id(), model=model, etag=etag, reason=reason, remedies=remedies
        )
        return self._connection.call(self._stub.StartRetraining, request).state

    def explain_wait(self, model: str) -> operations_pb2.ExplainWaitResponse:
        """Return what a model waits for, until when, and what happens then."""
        request = operations_pb2.ExplainWaitRequest(model=model)
        return self._connection.call(self._stub.ExplainWait, request)
