"""Calls about the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import grpc

from remission.connection import Connection
from remission.errors import make_error
from remission.listing import Listing
from remission.v1 import audit_pb2, audit_pb2_grpc, health_pb2

_VERIFY_TIMEOUT_SECONDS = 3_600.0  # the whole log is read
_EXPORT_TIMEOUT_SECONDS = 3_600.0  # and here all of a model
_TOGETHER = 500  #: steps of a replay in one message
_Page = tuple[Sequence[audit_pb2.InventoryEntry], Sequence[health_pb2.UnreadableModel]]


class History:
    """Shows the record, and proves it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = audit_pb2_grpc.AuditServiceStub(connection.channel)

    def events(
        self, model: str = "", *, after_position: int = 0, types: Iterable[str] = (), leaves: bool = False
    ) -> Iterator[audit_pb2.Event]:
        """Yield events in the order of positions, to the present end of the log.

        Args:
            model: Whose events; everyone's without it.
            after_position: Events up to and with this position are left out.
            types: Keeps only events of these types; all without any.
            leaves: Whether each comes with its leaf, the bytes that the Merkle tree is over.

        Raises:
            OutOfRangeError: The position lies beyond the newest event; its message tells the newest.
        """
        request = audit_pb2.ReadEventsRequest(
            model=model, after_position=after_position, types=types, page_size=1_000, leaves=leaves
        )
        while True:
            page = self._connection.call(self._stub.ReadEvents, request)
            yield from page.events
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def as_of(
        self, model: str, *, at_us: int | None = None, version: int | None = None, position: int | None = None
    ) -> audit_pb2.GetStateAsOfResponse:
        """Return how a model stood at a moment of its past: exactly one of instant, version and position.

        Raises:
            InvalidArgumentError: None of the three is given.
            OutOfRangeError: The moment lies before the first event, or is not reached yet.
        """
        request = audit_pb2.GetStateAsOfRequest(model=model)
        given = {"at_us": at_us, "version": version, "position": position}
        for name, value in given.items():
            if value is None:
                continue
            if request.WhichOneof("moment"):
                raise ValueError(f"{request.WhichOneof('moment')} and {name}: one moment is accepted")
            setattr(request, name, value)
        return self._connection.call(self._stub.GetStateAsOf, request)

    def replay(
        self, model: str, *, after_version: int = 0, until_version: int = 0
    ) -> Iterator[audit_pb2.ReplayModelResponse]:
        """Yield the events of a model with the state before and after, of some versions or of all, then a summary."""
        request = audit_pb2.ReplayModelRequest(
            model=model, after_version=after_version, until_version=until_version, page_size=_TOGETHER
        )
        # A server of an earlier release sends each step by itself.
        for answer in self._connection.stream(lambda: self._stub.ReplayModel(request)):
            for step in answer.page.steps:
                yield audit_pb2.ReplayModelResponse(step=step)
            if not answer.HasField("page"):
                yield answer

    def explain(self, model: str, position: int) -> audit_pb2.ExplainDecisionResponse:
        """Return the decision that the event at *position* records, with what it was made of, made again."""
        request = audit_pb2.ExplainDecisionRequest(model=model, position=position)
        return self._connection.call(self._stub.ExplainDecision, request)

    def verify(self, *models: str) -> audit_pb2.VerifyLogResponse:
        """Check hashes, fold every stream and make every decision again; all models without any."""
        request = audit_pb2.VerifyLogRequest(models=models)
        return self._connection.call(self._stub.VerifyLog, request, _VERIFY_TIMEOUT_SECONDS)

    def checkpoint(self) -> audit_pb2.GetCheckpointResponse:
        """Have all that is committed signed, and return what was signed. Keep the note: it proves later what was."""
        return self._connection.call(self._stub.GetCheckpoint, audit_pb2.GetCheckpointRequest())

    def inclusion(self, position: int, *, size: int = 0) -> audit_pb2.GetInclusionProofResponse:
        """Return the proof that an event stands in the log, against the checkpoint of *size* events or the newest."""
        request = audit_pb2.GetInclusionProofRequest(position=position, size=size)
        return self._connection.call(self._stub.GetInclusionProof, request)

    def consistency(self, old_size: int, *, size: int = 0) -> audit_pb2.GetConsistencyProofResponse:
        """Return the proof that the log begins with the *old_size* events that an older checkpoint is of."""
        request = audit_pb2.GetConsistencyProofRequest(old_size=old_size, size=size)
        return self._connection.call(self._stub.GetConsistencyProof, request)

    def export(
        self,
        model: str,
        into: BinaryIO,
        *,
        from_us: int | None = None,
        until_us: int | None = None,
        rows: bool = False,
    ) -> audit_pb2.BundleTrailer:
        """Write the record of a model to *into* as one signed archive, and return what it is.

        Args:
            model: Whose record.
            into: A file that is open to be written; what it holds is worth nothing unless this returns.
            from_us: Where the period begins; with the first event without it.
            until_us: Where it ends; with the newest event without it.
            rows: Add the kept rows and labels of the period and the datasets of versions, sealed as they stand.

        Raises:
            OutOfRangeError: The period ends before the first event.
            ResourceExhaustedError: It has more rows than one archive holds.
            DataLossError: The record was altered, or other bytes came than were sent.
        """
        request = audit_pb2.ExportBundleRequest(model=model, from_us=from_us, until_us=until_us, rows=rows)
        digest, size, trailer = hashlib.sha256(), 0, audit_pb2.BundleTrailer()
        for part in self._connection.stream(lambda: self._stub.ExportBundle(request, timeout=_EXPORT_TIMEOUT_SECONDS)):
            trailer = part.trailer
            digest.update(part.chunk)
            size += into.write(part.chunk)
        if (trailer.sha256, trailer.size_bytes) != (digest.hexdigest(), size):
            expected = f"expected {trailer.size_bytes} bytes with hash {trailer.sha256 or 'unknown'}"
            raise make_error(grpc.StatusCode.DATA_LOSS, f"{expected}, got {size} with hash {digest.hexdigest()}")
        return trailer

    def inventory(self) -> Listing[audit_pb2.InventoryEntry]:
        """Give what each model is for, who answers for it, what validated it, and when to look again.

        Models that the server cannot read are in `unreadable` of what is given, and keep no other from being told.
        """
        return Listing(self._pages(audit_pb2.ListInventoryRequest(page_size=1_000)))

    def _pages(self, request: audit_pb2.ListInventoryRequest) -> Iterator[_Page]:
        while True:
            page = self._connection.call(self._stub.ListInventory, request)
            yield page.entries, page.unreadable
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def similar_incidents(
        self, model: str, *, position: int = 0, most: int = 0, own: bool = False
    ) -> audit_pb2.FindSimilarIncidentsResponse:
        """Return an incident of a model, and those that are over and like it, with what ended them.

        Args:
            model: Whose incident.
            position: Where its alarm stands in the log; the newest incident without it.
            most: How many to return, up to 100; 5 without it.
            own: Leave out the incidents of other models.

        Raises:
            NotFoundError: There is no such model, or no such incident of it.
        """
        request = audit_pb2.FindSimilarIncidentsRequest(model=model, position=position, most=most, own=own)
        return self._connection.call(self._stub.FindSimilarIncidents, request)
