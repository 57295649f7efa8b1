from __future__ import annotations

import base64
import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from urllib.parse import quote

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2

from server import errors
from server.bundling.kept import RowsTooLarge
from server.transport import errors as transport
from server.transport.status import TABLE, status_of, tell
from statemachine import errors as machine
from statemachine.errors import Refused, StaleLease
from statemachine.record.coding import UnknownEvent
from statemachine.record.envelope import PayloadErased
from store import blobs
from store import errors as store

#: Bases, and faults of our own that no caller can do anything about: these are told as INTERNAL, and logged.
SURPRISES = {
    errors.RequestError,
    transport.TransportError,
    store.StoreError,
    store.AlreadyRecorded,
    store.ReferenceMissing,
    store.RecordIsImmutable,
    store.WorkInsideWork,
    store.Spoiled,
}


def told(error: Exception, kind: type[Message]) -> Message:
    found = kind()
    assert any(detail.Unpack(found) for detail in status_of(error).details)
    return found


def raised_by(*rooms: ModuleType) -> Iterator[type[BaseException]]:
    for room in rooms:
        for _, kind in inspect.getmembers(room, inspect.isclass):
            if issubclass(kind, Exception) and kind.__module__ == room.__name__:
                yield kind


def test_every_refusal_has_a_line_in_the_table_or_is_a_known_surprise() -> None:
    listed = tuple(kind for kind, _ in TABLE)
    unlisted = {kind for kind in raised_by(errors, transport, machine, store, blobs) if not issubclass(kind, listed)}

    assert unlisted == SURPRISES


@pytest.mark.parametrize("letter", ["x", "é", "語"])
@pytest.mark.parametrize(
    "made",
    [
        errors.ModelMissing,
        errors.ModelExists,
        lambda word: errors.IdReused("request_id", word),
        lambda word: errors.EtagMismatch(word, "e-2", "a change"),
        lambda word: errors.Invalid(f"batch.columns[{word}]", f"{word} is not accepted; y is"),
        lambda word: errors.ThingMissing("models[0]", f"no model {word} is there; y is accepted"),
        lambda word: Refused("hold", "healthy", word, (word,)),
    ],
)
def test_whatever_a_refusal_tells_fits_into_headers(made: Callable[[str], Exception], letter: str) -> None:
    error = made(letter * 20_000)

    status = status_of(error)

    assert len(quote(status.message)) + len(base64.b64encode(status.SerializeToString())) < 8_000
    assert (status.message[:6], status.message[-8:]) == (str(error)[:6], str(error)[-8:])


def test_no_line_of_the_table_hides_a_later_one() -> None:
    kinds = [kind for kind, _ in TABLE]

    assert [(early, late) for i, early in enumerate(kinds) for late in kinds[i + 1 :] if issubclass(late, early)] == []


def test_a_wrong_field_is_named_with_what_is_wrong() -> None:
    error = errors.Invalid("batch.outputs", "is empty", ("batch.batch_id", "is long"))

    found = told(error, details.BadRequest)

    assert status_of(error).code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert isinstance(found, details.BadRequest)
    assert [(one.field, one.description) for one in found.field_violations] == [
        ("batch.outputs", "is empty"),
        ("batch.batch_id", "is long"),
    ]


def test_every_error_says_who_speaks_and_why() -> None:
    info = told(store.DatabaseLocked("busy"), details.ErrorInfo)

    assert isinstance(info, details.ErrorInfo)
    assert (info.domain, info.reason) == ("remission", "DATABASE_LOCKED")


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (errors.ModelMissing("ghost"), "NOT_FOUND", "MODEL_MISSING"),
        (errors.ModelExists("m"), "ALREADY_EXISTS", "MODEL_EXISTS"),
        (errors.EtagMismatch('"1"', '"2"', "held"), "ABORTED", "ETAG_MISMATCH"),
        (errors.TooLarge("batch", 2, 1), "RESOURCE_EXHAUSTED", "TOO_LARGE"),
        (errors.NoRoom("folder", "No space left on device"), "RESOURCE_EXHAUSTED", "NO_ROOM"),
        (Refused("approve", "healthy", "nothing awaits it", ("hold",)), "FAILED_PRECONDITION", "ILLEGAL_TRANSITION"),
        (StaleLease("complete", "queued", "attempt 1 is over"), "FAILED_PRECONDITION", "LEASE_LOST"),
        (errors.AlreadyTold("values[0]", "is labelled 1.0 already"), "ALREADY_EXISTS", "ALREADY_TOLD"),
        (errors.IdReused("batch.batch_id", "r"), "ALREADY_EXISTS", "REQUEST_ID_REUSED"),
        (store.RequestIdReused("r"), "ALREADY_EXISTS", "REQUEST_ID_REUSED"),
        (store.DatabaseUnreachable("no route"), "UNAVAILABLE", "DATABASE_UNREACHABLE"),
        (store.DatabaseReadOnly("disk"), "UNAVAILABLE", "DATABASE_READ_ONLY"),
        (store.OutcomeUnknown("gone"), "UNAVAILABLE", "OUTCOME_UNKNOWN"),
        (store.EvidenceAltered("a", "b"), "DATA_LOSS", "EVIDENCE_ALTERED"),
        (blobs.BlobMissing("a"), "NOT_FOUND", "BLOB_MISSING"),
        (transport.BytesDiffer("header.sha256", "other"), "DATA_LOSS", "BYTES_DIFFER"),
        (transport.BehindTheEnd(9, 3), "OUT_OF_RANGE", "OFFSET_BEHIND_END"),
        (transport.Leaving(), "UNAVAILABLE", "LEAVING"),
        (transport.Overloaded(1), "RESOURCE_EXHAUSTED", "OVERLOADED"),
    ],
)
def test_each_refusal_has_its_status_and_its_reason(error: Exception, code: str, reason: str) -> None:
    found = tell(error)

    assert found is not None
    assert (found.code.name, found.reason) == (code, reason)


@pytest.mark.parametrize("error", [store.DatabaseLocked("x"), transport.Leaving(), transport.Overloaded(1)])
def test_what_passes_by_itself_says_when_to_ask_again(error: Exception) -> None:
    found = told(error, details.RetryInfo)

    assert isinstance(found, details.RetryInfo)
    assert found.retry_delay.seconds >= 1


def test_a_surprise_tells_its_name_and_nothing_else() -> None:
    status = status_of(KeyError("the secret"))

    assert isinstance(status, status_pb2.Status)
    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    assert b"secret" not in status.SerializeToString()


@pytest.mark.parametrize(
    ("error", "code", "reason", "facts"),
    [
        (
            errors.OutOfRecord("version", 9, 1, 7, "is not reached yet"), grpc.StatusCode.OUT_OF_RANGE,
            "OUT_OF_RECORD", {"given": "9", "first": "1", "newest": "7"},
        ),
        (
            errors.OutOfRecord("at_us", 1, 5, None, "lies before the first event"), grpc.StatusCode.OUT_OF_RANGE,
            "OUT_OF_RECORD", {"given": "1", "first": "5", "newest": ""},
        ),
        (
            UnknownEvent("dreamt", 3), grpc.StatusCode.FAILED_PRECONDITION,
            "UNKNOWN_EVENT", {"type": "dreamt", "schema": "3"},
        ),
        (
            PayloadErased("m", 4), grpc.StatusCode.FAILED_PRECONDITION,
            "PAYLOAD_ERASED", {"model": "m", "version": "4"},
        ),
        (
            store.EvidenceErased("0" * 64), grpc.StatusCode.FAILED_PRECONDITION,
            "EVIDENCE_ERASED", {"sha256": "0" * 64},
        ),
    ],
)  # fmt: skip
def test_what_the_record_cannot_tell_is_told_by_its_own_reason(
    error: Exception, code: grpc.StatusCode, reason: str, facts: dict[str, str]
) -> None:
    found = tell(error)

    assert found is not None
    assert (found.code, found.reason, found.metadata) == (code, reason, facts)


def test_more_rows_than_a_bundle_holds_are_too_large_and_the_answer_says_what_is_accepted() -> None:
    found = told(RowsTooLarge(100), details.BadRequest)

    assert status_of(RowsTooLarge(100)).code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert isinstance(found, details.BadRequest)
    assert [(one.field, one.description) for one in found.field_violations] == [
        ("rows", "rows: those of the period have more than 100 bytes; a shorter period is accepted")
    ]
