"""One exchange over HTTP with a stranger, that ends by a moment, however slowly the stranger talks.

What `urllib` bounds is each wait for more, so a byte a second would keep it for days, in a head as in a body.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.request
from functools import partial

MOST_BYTES = 65_536  #: of an answer; what comes behind them is not read


def posted(url: str, body: bytes, end: float) -> bytes:
    """Send *body* and give the answer, all by *end* of the clock that is never set.

    Raises:
        TimeoutError: It was not whole by then.
        urllib.error.URLError: Nobody answers; `HTTPError` where the status is no good one, whose body ends by then too.
        http.client.HTTPException: What answers does not speak HTTP.
    """
    opener = urllib.request.build_opener(_Plain(end), _Encrypted(end), _Nowhere)
    # The settings let only http and https pass.
    request = urllib.request.Request(url, body, method="POST")  # noqa: S310
    with opener.open(request, timeout=_left(end)) as answer:
        return _whole(answer)


def _whole(answer: http.client.HTTPResponse) -> bytes:
    found = b""
    while len(found) < MOST_BYTES and (piece := answer.read1(MOST_BYTES - len(found))):
        found += piece
    return found


class _Timed(io.RawIOBase):
    """What a connection is read by, until a moment."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._connection, self._end = connection, end
        self._read = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # type: ignore[override]  # it is only given such
        """Wait for more, for as long as is left."""
        self._connection.settimeout(_left(self._end))
        return self._read.readinto(buffer)

    def close(self) -> None:
        """Let go of the connection."""
        self._read.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that ends by a moment, from its first line on."""

    def __init__(self, end: float, connection: socket.socket, *args: object, **kwargs: object) -> None:
        super().__init__(connection, *args, **kwargs)  # type: ignore[arg-type]  # as `http.client` calls it
        self.fp.close()
        self.fp = io.BufferedReader(_Timed(connection, end))


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, end: float) -> None:
        super().__init__()
        self._end = end

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_connection, http.client.HTTPConnection, self._end), req)


class _Encrypted(urllib.request.HTTPSHandler):
    def __init__(self, end: float) -> None:
        super().__init__()
        self._end = end

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(partial(_connection, http.client.HTTPSConnection, self._end), req)


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: what was posted would be asked for there."""

    def redirect_request(self, *_: object) -> None:
        """Give no request, which makes the status an error."""


def _connection(
    kind: type[http.client.HTTPConnection], end: float, host: str, *, timeout: float
) -> http.client.HTTPConnection:
    made = kind(host, timeout=timeout)
    made.response_class = partial(_Answer, end)  # type: ignore[assignment]  # it is only called
    return made


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("its answer was not whole in time")
    return left
