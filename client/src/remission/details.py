"""The google.rpc details of an error, read without the package that defines them.

`google.rpc` messages are stable and small, and this client asks its users for as few packages as it can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.empty_pb2 import Empty
from google.protobuf.unknown_fields import UnknownFieldSet

TRAILER = "grpc-status-details-bin"
_ANY_TYPE, _ANY_VALUE = 1, 2
_STATUS_DETAILS = 3
_INFO_REASON, _INFO_METADATA = 1, 3
_VIOLATIONS = 1


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with a request."""

    field: str  #: path of the field, such as `batch.columns[2]`; for a failed precondition, its subject
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What an error says beside its code and message."""

    reason: str = ""  #: a stable word for programs
    metadata: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()


def parse_details(status: bytes) -> Details:
    """Return the details of a serialised `google.rpc.Status`; kinds that are not known are passed over."""
    reason, metadata, violations = "", dict[str, str](), list[Violation]()
    for kind, message in _packed(status):
        match kind:
            case "google.rpc.ErrorInfo":
                reason = _text(message, _INFO_REASON)
                metadata |= {_text(entry, 1): _text(entry, 2) for entry in _messages(message, _INFO_METADATA)}
            case "google.rpc.BadRequest":
                violations += [Violation(_text(v, 1), _text(v, 2)) for v in _messages(message, _VIOLATIONS)]
            case "google.rpc.PreconditionFailure":
                violations += [Violation(_text(v, 2), _text(v, 3)) for v in _messages(message, _VIOLATIONS)]
            case _:
                pass
    return Details(reason=reason, metadata=metadata, violations=tuple(violations))


def _packed(status: bytes) -> Iterator[tuple[str, bytes]]:
    for packed in _messages(status, _STATUS_DETAILS):
        yield _text(packed, _ANY_TYPE).rpartition("/")[2], next(_messages(packed, _ANY_VALUE), b"")


def _text(message: bytes, number: int) -> str:
    return next(_messages(message, number), b"").decode()


def _messages(message: bytes, number: int) -> Iterator[bytes]:
    # To an empty message every field is unknown, and unknown fields can be listed.
    fields = UnknownFieldSet(Empty.FromString(message))
    for index in range(len(fields)):
        if fields[index].field_number == number and isinstance(fields[index].data, bytes):
            yield fields[index].data
