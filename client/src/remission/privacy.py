"""Calls that forget people, and that keep what must be kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from remission.connection import Connection, new_id
from remission.v1 import privacy_pb2, privacy_pb2_grpc
from remission.v1.health_pb2 import ModelState


class Privacy:
    """Erasures and legal holds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = privacy_pb2_grpc.PrivacyServiceStub(connection.channel)

    def erase_subject(self, subject_id: str, *, reason: str = "", request_id: str = "") -> privacy_pb2.Erasure:
        """Destroy the keys of everything about a subject; when this returns it is done, and cannot be undone.

        Give no *reason* that tells who the subject is: it is kept.
        """
        request = privacy_pb2.EraseSubjectRequest(
            request_id=request_id or new_id(), subject_id=subject_id, reason=reason
        )
        return self._connection.call(self._stub.EraseSubject, request).erasure

    def who(self, *actor_ids: str, names: Sequence[str] = ()) -> list[privacy_pb2.Actor]:
        """Tell who stands behind ids of actors, then which ids have *names*; a name that was forgotten is empty."""
        request = privacy_pb2.ResolveActorsRequest(actor_ids=actor_ids, names=names)
        return list(self._connection.call(self._stub.ResolveActors, request).actors)

    def forget_actor(self, actor_id: str, *, reason: str = "", request_id: str = "") -> privacy_pb2.Erasure:
        """Destroy the name behind the id of an actor; when this returns it is done, and cannot be undone."""
        request = privacy_pb2.ForgetActorRequest(request_id=request_id or new_id(), actor_id=actor_id, reason=reason)
        return self._connection.call(self._stub.ForgetActor, request).erasure

    def erasure(self, erasure_id: str) -> privacy_pb2.Erasure:
        """Return one erasure."""
        request = privacy_pb2.GetErasureRequest(erasure_id=erasure_id)
        return self._connection.call(self._stub.GetErasure, request).erasure

    def erasures(self) -> Iterator[privacy_pb2.Erasure]:
        """Yield all erasures, by id."""
        request = privacy_pb2.ListErasuresRequest(page_size=1_000)
        while True:
            page = self._connection.call(self._stub.ListErasures, request)
            yield from page.erasures
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def place_legal_hold(self, model: str, *, reason: str = "", request_id: str = "") -> ModelState:
        """Let nothing of a model be erased until the hold is lifted."""
        request = privacy_pb2.PlaceLegalHoldRequest(request_id=request_id or new_id(), model=model, reason=reason)
        return self._connection.call(self._stub.PlaceLegalHold, request).state

    def lift_legal_hold(self, model: str, *, reason: str = "", request_id: str = "") -> ModelState:
        """End a legal hold."""
        request = privacy_pb2.LiftLegalHoldRequest(request_id=request_id or new_id(), model=model, reason=reason)
        return self._connection.call(self._stub.LiftLegalHold, request).state
