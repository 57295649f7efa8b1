"""The body of a request over HTTP: with its length or in chunks, plain or gzipped, and never more than is accepted."""

from __future__ import annotations

import re
import time
import zlib
from email.message import Message
from typing import Protocol

BODY_SECONDS = 60.0  #: in which a whole body must have come
CHUNK = 65_536
LONGEST_LINE = 1_024  #: bytes of a line between chunks
MOST_TRAILERS = 64
GZIP = 16 + zlib.MAX_WBITS
SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(;.*)?")


class Refused(Exception):
    """The request is answered with a status."""

    def __init__(self, code: int, told: str) -> None:
        """Say which, and why."""
        super().__init__(told)
        self.code, self.told = code, told


class Source(Protocol):
    """What a body is read from."""

    def read1(self, size: int, /) -> bytes:
        """Give at most so many bytes, as soon as there are some; none where it has ended."""
        ...


def body_of(headers: Message, source: Source, most: int) -> bytes:
    """Read the body that *headers* tell of; at most *most* bytes, also once unzipped.

    Raises:
        Refused: It is larger, broken off, slow, or not in a form that is accepted.
    """
    coding = headers.get("Content-Encoding", "identity").lower()
    if coding not in ("identity", "gzip"):
        raise Refused(415, f"{coding[:40]!r} is not accepted; gzip, or nothing, is")
    length, chunked = headers.get("Content-Length"), headers.get("Transfer-Encoding")
    arriving = _Arriving(source)
    if chunked is None:
        body = arriving.whole(_size(length or "", most))
    elif length is None and chunked.lower() == "chunked":
        body = _joined(arriving, most)
    else:
        raise Refused(400, "Transfer-Encoding: chunked, without Content-Length, is accepted")
    return body if coding == "identity" else _unzipped(body, most)


class _Arriving:
    """Bytes as they come; whoever sends one now and then does not hold a thread for ever."""

    def __init__(self, source: Source) -> None:
        self._source, self._deadline = source, time.monotonic() + BODY_SECONDS

    def whole(self, size: int) -> bytes:
        """Give so many bytes."""
        found = bytearray()
        while len(found) < size:
            found += self._some(min(CHUNK, size - len(found)))
        return bytes(found)

    def line(self) -> bytes:
        """Give a line without its end."""
        found = bytearray()
        while not found.endswith(b"\n"):
            if len(found) > LONGEST_LINE:
                raise Refused(400, f"a line between chunks is longer than {LONGEST_LINE} bytes")
            found += self._some(1)
        return bytes(found).rstrip(b"\r\n")

    def _some(self, most: int) -> bytes:
        found = self._source.read1(most)
        if not found:
            raise Refused(400, "the body ends too early")
        if time.monotonic() > self._deadline:
            raise Refused(408, f"the body did not come within {BODY_SECONDS:g} s")
        return found


def _size(told: str, most: int) -> int:
    if not (told.isascii() and told.isdigit()):
        raise Refused(411, "Content-Length, or Transfer-Encoding: chunked, is needed")
    if len(told) > len(str(most)) or int(told) > most:
        raise Refused(413, f"{told[:20]} bytes; at most {most} are accepted")
    return int(told)


def _joined(arriving: _Arriving, most: int) -> bytes:
    """Put chunks together (RFC 9112, 7.1), as exporters in JavaScript send them; trailers are passed over."""
    body = bytearray()
    while size := _chunk_size(arriving.line()):
        if len(body) + size > most:
            raise Refused(413, f"more than {most} bytes in chunks; at most that many are accepted")
        body += arriving.whole(size)
        if arriving.line():
            raise Refused(400, "a chunk is longer than it says")
    for _ in range(MOST_TRAILERS):
        if not arriving.line():
            return bytes(body)
    raise Refused(400, f"more than {MOST_TRAILERS} lines follow the last chunk")


def _chunk_size(line: bytes) -> int:
    found = SIZE.fullmatch(line)
    if found is None:
        raise Refused(400, "a chunk does not begin with its size")
    return int(found[1], 16)


def _unzipped(body: bytes, most: int) -> bytes:
    """Unfold a body, and no more of it than is accepted."""
    opener = zlib.decompressobj(GZIP)
    try:
        found = opener.decompress(body, most + 1)
    except zlib.error as error:
        raise Refused(400, f"cannot be unzipped: {error}") from error
    if len(found) > most:
        raise Refused(413, f"more than {most} bytes once unzipped; at most that many are accepted")
    if not opener.eof:
        raise Refused(400, "cannot be unzipped: it ends too early")
    if opener.unused_data:
        raise Refused(400, "cannot be unzipped: something follows its end")
    return found
