"""Errors of calls, one class a status, with the details that the server gives."""

from __future__ import annotations

from typing import Any

import grpc

from remission.details import TRAILER, Details, Violation, parse_details


class CallError(Exception):
    """A call failed."""

    def __init__(self, code: grpc.StatusCode, message: str, details: Details) -> None:
        more = (one for one in details.violations if one.description not in message)
        named = "".join(f"\n  {one.field}: {one.description}" for one in more)
        super().__init__(f"{code.name}: {message}{named}")
        self.code = code
        self.message = message
        self.reason = details.reason
        self.metadata = details.metadata
        self.violations: tuple[Violation, ...] = details.violations


class InvalidArgumentError(CallError):
    """The request is wrong, whatever the state of things; `violations` name the fields."""


class NotFoundError(CallError):
    """The thing does not exist."""


class AlreadyExistsError(CallError):
    """The thing exists, or the same id was used for other content."""


class FailedPreconditionError(CallError):
    """The request is right, but not in this state of things."""


class PermissionDeniedError(CallError):
    """The caller's certificate does not let it do this."""


class AbortedError(CallError):
    """Somebody was faster: read again, then decide again."""


class ResourceExhaustedError(CallError):
    """Too large, or too much at once."""


class OutOfRangeError(CallError):
    """What was asked for lies before the beginning or behind the end."""


class UnavailableError(CallError):
    """The server cannot be reached, or cannot reach its database."""


class DeadlineExceededError(CallError):
    """The answer did not come in time; the call may have taken effect."""


class DataLossError(CallError):
    """Bytes are not those that their hash promises."""


_BY_CODE: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.ABORTED: AbortedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRangeError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.DATA_LOSS: DataLossError,
}


def make_error(code: grpc.StatusCode, message: str, status: bytes = b"") -> CallError:
    """Return the error of a status code, with the details of a serialised `google.rpc.Status`."""
    return _BY_CODE.get(code, CallError)(code, message, parse_details(status))


def translate(error: grpc.RpcError) -> CallError:
    """Return gRPC's error as ours."""
    # grpc-stubs types the metadata as something that cannot be iterated; it is a sequence of pairs.
    trailers: Any = error.trailing_metadata() or ()
    status = next((value for key, value in trailers if key == TRAILER), b"")
    return make_error(error.code(), error.details() or "", status if isinstance(status, bytes) else b"")
