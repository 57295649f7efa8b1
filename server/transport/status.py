"""The one table from our exceptions to gRPC statuses, with `google.rpc` details on each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from server import errors as e
from server.bundling.bundle import BundleUnsound
from server.checkpoints.kept import CheckpointHeld
from server.transport import errors as transport
from server.transport.cutting import cut, cut_name
from statemachine import errors as machine
from statemachine.record.canonical import NotCanonical
from statemachine.record.coding import UnknownEvent
from statemachine.record.envelope import PayloadErased
from statemachine.replay import IllegalHistory
from store import errors as store
from store.blobs import BlobAltered, BlobMissing, BlobNameInvalid
from store.vault import KeyUnknown, SealBroken, VaultFault

DOMAIN = "remission"
RETRY_SECONDS = 1
SURPRISE = "an unexpected error; the server's log has it"


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller is told about one exception."""

    code: grpc.StatusCode
    reason: str
    metadata: dict[str, str]
    details: tuple[Any, ...] = ()


def _violations(*pairs: tuple[str, str]) -> error_details_pb2.BadRequest:
    told = [(cut_name(name), cut(text)) for name, text in pairs]
    found = [error_details_pb2.BadRequest.FieldViolation(field=name, description=text) for name, text in told]
    return error_details_pb2.BadRequest(field_violations=found)


def _resource(kind: str, name: str, text: str) -> error_details_pb2.ResourceInfo:
    return error_details_pb2.ResourceInfo(resource_type=kind, resource_name=cut_name(name), description=cut(text))


def _precondition(kind: str, subject: str, text: str) -> error_details_pb2.PreconditionFailure:
    one = error_details_pb2.PreconditionFailure.Violation(type=kind, subject=cut_name(subject), description=cut(text))
    return error_details_pb2.PreconditionFailure(violations=[one])


def _later() -> error_details_pb2.RetryInfo:
    return error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=RETRY_SECONDS))


def _reason(error: BaseException) -> str:
    """Give the error's own name as a reason: `DatabaseLocked` is DATABASE_LOCKED."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).upper()


def _invalid(error: e.Invalid) -> Told:
    return Told(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", {}, (_violations(*error.violations),))


def _told_before(error: e.AlreadyTold) -> Told:
    return Told(grpc.StatusCode.ALREADY_EXISTS, "ALREADY_TOLD", {}, (_violations(*error.violations),))


def _missing(error: e.ThingMissing) -> Told:
    details = (_violations((error.field, error.what)), _resource("thing", error.field, error.what))
    return Told(grpc.StatusCode.NOT_FOUND, "NOT_FOUND", {"field": error.field}, details)


def _no_model(error: e.ModelMissing) -> Told:
    details = (_violations((error.field, str(error))), _resource("model", error.model, "is not under watch"))
    return Told(grpc.StatusCode.NOT_FOUND, "MODEL_MISSING", {"model": error.model, "field": error.field}, details)


def _exists(error: e.ModelExists) -> Told:
    details = (_violations(("model.name", str(error))), _resource("model", error.model, "is under watch, or was"))
    return Told(grpc.StatusCode.ALREADY_EXISTS, "MODEL_EXISTS", {"model": error.model}, details)


def _etag(error: e.EtagMismatch) -> Told:
    facts = {"given": error.given, "actual": error.actual, "latest": error.latest}
    return Told(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", facts, (_violations(("etag", str(error))),))


def _large(error: e.TooLarge) -> Told:
    facts = {"size": str(error.size), "limit": str(error.limit)}
    return Told(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE", facts, (_violations((error.field, str(error))),))


def _not_holder(error: e.NotTheHolder) -> Told:
    details = (_violations(("job_id", str(error))),)
    return Told(grpc.StatusCode.PERMISSION_DENIED, "NOT_THE_HOLDER", {"job": error.job}, details)


def _used_up(error: e.LeaseUsedUp) -> Told:
    details = (_violations((error.field, str(error))),)
    return Told(grpc.StatusCode.RESOURCE_EXHAUSTED, "LEASE_USED_UP", {"limit": str(error.limit)}, details)


def _full(error: e.NoRoom) -> Told:
    return Told(grpc.StatusCode.RESOURCE_EXHAUSTED, "NO_ROOM", {"reason": error.reason})


def _refused(error: machine.Refused) -> Told:
    facts = {"command": error.command, "place": error.place, "accepted": ", ".join(error.accepted)}
    details = (_precondition("STATE", error.place, str(error)), _violations(("model", str(error))))
    return Told(grpc.StatusCode.FAILED_PRECONDITION, "ILLEGAL_TRANSITION", facts, details)


def _stale(error: machine.StaleLease) -> Told:
    details = (_precondition("LEASE", error.place, str(error)), _violations(("attempt", str(error))))
    return Told(grpc.StatusCode.FAILED_PRECONDITION, "LEASE_LOST", {"status": error.place}, details)


def _kept(error: machine.LegallyHeld) -> Told:
    details = (_precondition("LEGAL_HOLD", error.place, str(error)),)
    return Told(grpc.StatusCode.FAILED_PRECONDITION, "LEGAL_HOLD", {"why": error.why}, details)


def _unregistered(error: machine.NotRegistered) -> Told:
    return Told(grpc.StatusCode.NOT_FOUND, "MODEL_MISSING", {}, (_violations(("model", str(error))),))


def _registered(error: machine.AlreadyRegistered) -> Told:
    return Told(grpc.StatusCode.ALREADY_EXISTS, "MODEL_EXISTS", {}, (_violations(("model.name", str(error))),))


def _reused(error: e.IdReused) -> Told:
    facts = {"request_id": error.given}
    return Told(grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", facts, (_violations((error.field, str(error))),))


def _away(error: BaseException) -> Told:
    return Told(grpc.StatusCode.UNAVAILABLE, _reason(error), {}, (_later(),))


def _busy(error: transport.Overloaded) -> Told:
    return Told(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", {"limit": str(error.most)}, (_later(),))


def _moved(error: BaseException) -> Told:
    return Told(grpc.StatusCode.ABORTED, _reason(error), {}, (_later(),))


def _lost(error: BaseException) -> Told:
    return Told(grpc.StatusCode.DATA_LOSS, _reason(error), {}, (_violations(("sha256", str(error))),))


def _unsound(error: BundleUnsound) -> Told:
    return Told(grpc.StatusCode.DATA_LOSS, _reason(error), {}, (_violations(("model", str(error))),))


def _illegal(error: IllegalHistory) -> Told:
    return Told(grpc.StatusCode.DATA_LOSS, _reason(error), {}, (_violations(("model", str(error))),))


def _differ(error: transport.BytesDiffer) -> Told:
    return Told(grpc.StatusCode.DATA_LOSS, "BYTES_DIFFER", {}, (_violations((error.field, error.description)),))


def _behind(error: transport.BehindTheEnd) -> Told:
    facts = {"offset": str(error.offset), "size": str(error.size)}
    return Told(grpc.StatusCode.OUT_OF_RANGE, "OFFSET_BEHIND_END", facts, (_violations(("offset", str(error))),))


def _denied(error: transport.NotAllowed) -> Told:
    details = (_precondition("CALLER", error.setting, str(error)),)
    return Told(grpc.StatusCode.PERMISSION_DENIED, "NOT_ALLOWED", {"setting": error.setting}, details)


def _revoked(error: transport.CertificateRevoked) -> Told:
    details = (_precondition("CALLER", "tls_revoked", str(error)),)
    return Told(grpc.StatusCode.PERMISSION_DENIED, "CERTIFICATE_REVOKED", {}, details)


def _another(error: transport.NotTheProvider) -> Told:
    details = (_violations(("provider", str(error))), _precondition("CALLER", "providers", str(error)))
    return Told(grpc.StatusCode.PERMISSION_DENIED, "NOT_THE_PROVIDER", {"provider": error.provider}, details)


def _beyond(error: e.OutOfRecord) -> Told:
    newest = "" if error.newest is None else str(error.newest)
    facts = {"given": str(error.given), "first": str(error.first), "newest": newest}
    return Told(grpc.StatusCode.OUT_OF_RANGE, "OUT_OF_RECORD", facts, (_violations((error.field, str(error))),))


def _future(error: UnknownEvent) -> Told:
    facts = {"type": error.name, "schema": str(error.schema)}
    return Told(grpc.StatusCode.FAILED_PRECONDITION, "UNKNOWN_EVENT", facts, (_violations(("model", str(error))),))


def _forgotten(error: PayloadErased) -> Told:
    facts = {"model": error.stream, "version": str(error.version)}
    details = (_precondition("PAYLOAD", f"{error.stream}/{error.version}", str(error)),)
    return Told(grpc.StatusCode.FAILED_PRECONDITION, "PAYLOAD_ERASED", facts, details)


def _erased(error: store.EvidenceErased) -> Told:
    details = (_precondition("EVIDENCE", error.sha256, str(error)),)
    return Told(grpc.StatusCode.FAILED_PRECONDITION, "EVIDENCE_ERASED", {"sha256": error.sha256}, details)


def _gone(error: store.EvidenceMissing) -> Told:
    details = (_precondition("EVIDENCE", error.sha256, str(error)),)
    return Told(grpc.StatusCode.FAILED_PRECONDITION, "EVIDENCE_MISSING", {"sha256": error.sha256}, details)


def _no_key(error: KeyUnknown | SealBroken | store.VaultMissing) -> Told:
    return Told(grpc.StatusCode.DATA_LOSS, _reason(error), {}, (_precondition("KEY", error.key_id, str(error)),))


def _no_blob(error: BlobMissing) -> Told:
    return Told(grpc.StatusCode.NOT_FOUND, "BLOB_MISSING", {}, (_violations(("sha256", str(error))),))


def _bad_name(error: BlobNameInvalid) -> Told:
    return Told(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", {}, (_violations(("sha256", str(error))),))


def _not_canonical(error: NotCanonical) -> Told:
    return Told(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", {}, (_violations((error.path, str(error))),))


#: The first row whose type fits counts.
TABLE: tuple[tuple[type[BaseException], Callable[[Any], Told]], ...] = (
    (e.AlreadyTold, _told_before),
    (e.Invalid, _invalid),
    (e.ModelMissing, _no_model),
    (e.ThingMissing, _missing),
    (e.ModelExists, _exists),
    (e.OutOfRecord, _beyond),
    (e.EtagMismatch, _etag),
    (e.TooLarge, _large),
    (e.NoRoom, _full),
    (e.NotTheHolder, _not_holder),
    (e.LeaseUsedUp, _used_up),
    (transport.Leaving, _away),
    (transport.Overloaded, _busy),
    (transport.NotAllowed, _denied),
    (transport.NotTheProvider, _another),
    (transport.CertificateRevoked, _revoked),
    (transport.BytesDiffer, _differ),
    (transport.BehindTheEnd, _behind),
    (machine.StaleLease, _stale),
    (machine.LegallyHeld, _kept),
    (machine.NotRegistered, _unregistered),
    (machine.AlreadyRegistered, _registered),
    (machine.Refused, _refused),
    (IllegalHistory, _illegal),
    (BundleUnsound, _unsound),
    (UnknownEvent, _future),
    (PayloadErased, _forgotten),
    (e.IdReused, _reused),
    (store.RequestIdReused, lambda error: _reused(e.IdReused("request_id", error.request_id))),
    (store.WrongExpectedVersion, _moved),
    (store.FeedOutOfOrder, _moved),
    (store.EvidenceMissing, _gone),
    (store.EvidenceErased, _erased),
    (store.EvidenceAltered, _lost),
    (store.LogAltered, _lost),
    (store.TreeAltered, _lost),
    (store.TileMissing, _lost),
    (store.DatabaseFault, _away),
    (VaultFault, _away),
    (KeyUnknown, _no_key),
    (store.VaultMissing, _no_key),
    (SealBroken, _no_key),
    (store.StoreClosed, _away),
    (CheckpointHeld, _away),
    (BlobAltered, _lost),
    (BlobMissing, _no_blob),
    (BlobNameInvalid, _bad_name),
    (NotCanonical, _not_canonical),
)


def tell(error: BaseException) -> Told | None:
    """Find what a caller is told; None for a surprise, which is not theirs to handle."""
    for kind, say in TABLE:
        if isinstance(error, kind):
            return say(error)
    return None


def said(error: BaseException) -> tuple[str, str]:
    """Give the reason and the message of *error*; of a surprise no more than its name."""
    told = tell(error)
    return (told.reason, str(error)) if told else (type(error).__name__, SURPRISE)


def status_of(error: BaseException) -> status_pb2.Status:
    """Write *error* as a status with details; a surprise becomes INTERNAL and says no more than its name."""
    told = tell(error) or Told(grpc.StatusCode.INTERNAL, type(error).__name__, {})
    facts = {name: cut_name(fact) for name, fact in told.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=told.reason, domain=DOMAIN, metadata=facts)
    packed = []
    for detail in (info, *told.details):
        one = any_pb2.Any()
        one.Pack(detail)
        packed.append(one)
    message = str(error) if told.code != grpc.StatusCode.INTERNAL else SURPRISE
    code: int = code_pb2.Code.Value(told.code.name)
    return status_pb2.Status(code=code, message=cut(message), details=packed)
