"""One channel to a server, with deadlines and retries."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

import grpc

from remission.certificates import CertificateFiles, Tls
from remission.errors import UnavailableError, make_error, translate
from remission.renewing import RenewingChannel

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0

# A server that restarts is back within seconds, and gRPC would otherwise wait for up to two minutes to look again.
# Pings find a peer that vanished; the server permits one every 30 seconds.
OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 15_000),
)

Request_contra = TypeVar("Request_contra", contravariant=True)
Response_co = TypeVar("Response_co", covariant=True)
Request = TypeVar("Request")
Response = TypeVar("Response")


class Unary(Protocol[Request_contra, Response_co]):
    """A call with one answer."""

    def __call__(self, request: Request_contra, /, timeout: float | None = None) -> Response_co:
        """Return the answer, or raise `grpc.RpcError`."""
        ...


class Connection:
    """One channel; safe to use from several threads.

    Args:
        target: Host and port.
        tls: Credentials of an encrypted channel, from `grpc.ssl_channel_credentials`, or `CertificateFiles`, which are
            read again when they are renewed; plain text without them.
        timeout: Seconds that a call may take in all, its retries included.
    """

    def __init__(
        self,
        target: str,
        tls: Tls | None,
        timeout: float,
    ) -> None:
        self.channel = _channel(target, tls)
        self.timeout = timeout
        self._closed = threading.Event()

    def call(self, method: Unary[Request, Response], request: Request, timeout: float | None = None) -> Response:
        """Return the answer to *request*; while the server is unavailable, ask again until the time is up.

        Every call that changes something carries an id that makes it idempotent, so asking again is safe.

        Raises:
            CallError: The call failed; `UnavailableError` when the time is up.
        """
        deadline = time.monotonic() + (timeout or self.timeout)
        for pause in _pauses():
            self._require_open()
            try:
                return method(request, timeout=max(deadline - time.monotonic(), 0.001))
            except ValueError:
                self._require_open()  # gRPC says with a ValueError that the channel was closed meanwhile
                raise
            except grpc.RpcError as error:
                failure = translate(error)
                if not isinstance(failure, UnavailableError) or time.monotonic() + pause >= deadline:
                    raise failure from error
            self._closed.wait(pause)
        raise AssertionError  # pauses never end

    def stream(self, answers: Callable[[], Iterable[Response]]) -> Iterator[Response]:
        """Yield a stream's answers; not retried, since only the caller knows where to resume.

        Raises:
            CallError: The stream broke.
        """
        try:
            yield from answers()
        except grpc.RpcError as error:
            raise translate(error) from error

    def close(self) -> None:
        """Close the channel; calls under way fail."""
        self._closed.set()
        self.channel.close()

    def _require_open(self) -> None:
        if self._closed.is_set():
            raise make_error(grpc.StatusCode.CANCELLED, "the client is closed")


def _channel(target: str, tls: Tls | None) -> grpc.Channel:
    if tls is None:
        return grpc.insecure_channel(target, OPTIONS)
    if isinstance(tls, CertificateFiles):
        return RenewingChannel(tls, lambda credentials: grpc.secure_channel(target, credentials, OPTIONS))
    return grpc.secure_channel(target, tls, OPTIONS)


def new_id() -> str:
    """Return an id for a request."""
    return uuid.uuid4().hex


def _pauses() -> Iterator[float]:
    # Jitter, so that clients of a restarted server do not come back in step. Chance decides nothing but when to ask.
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield random.uniform(pause / 2, pause)  # noqa: S311 - no secret depends on it
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
