"""One HTTP server that is asked, and no other: no redirect is followed, no proxy used, no answer read without end."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import IO

from providers.errors import Away, Unusable

CHUNK = 65_536
MOST_FAULT = 4_096  #: bytes of an error's body that are read
MOST_TOKEN = 16_384
LONGEST_RETRY = 3_600.0
#: Statuses of a server that will be back; every other one is a fault in what was asked.
PASSING = (408, 425, 429, 500, 502, 503, 504)
AGAIN = 429


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves a redirect to the caller, as the fault that it is: an answer must come from whom was asked."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        """Follow none."""
        del req, fp, code, msg, headers, newurl
        return None


class Upstream:
    """Asks one server. A token is read anew for each request, so that it may be changed while this runs."""

    def __init__(
        self, url: str, *, token_file: str = "", authority: str = "", timeout_seconds: float = 30.0,
        most_bytes: int = 8 << 20,
    ) -> None:  # fmt: skip
        self._url = url.rstrip("/")
        self._token_file, self._timeout, self._most = token_file, timeout_seconds, most_bytes
        try:
            context = ssl.create_default_context(cafile=authority or None)
        except (OSError, ssl.SSLError) as error:
            raise Unusable(f"authority: {authority!r} cannot be read; a PEM file is accepted") from error
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )

    def ask(self, path: str, form: Mapping[str, str]) -> bytes:
        """Post *form* to *path*, and give the body of the answer.

        Raises:
            Away: It does not answer, or not in time, or says that it will be back.
            Unusable: It refuses what was asked, or answers too much.
        """
        deadline = time.monotonic() + self._timeout
        # The settings let only http and https pass.
        request = urllib.request.Request(f"{self._url}{path}", urllib.parse.urlencode(form).encode(), self._headers())  # noqa: S310
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return self._read(answer, deadline)
        except urllib.error.HTTPError as error:
            with error:
                raise self._fault(error) from error
        except (OSError, http.client.HTTPException) as error:
            raise Away(f"{self._url} does not answer: {error}") from error

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "remission-signals"}
        if self._token_file:
            headers["Authorization"] = f"Bearer {self._token()}"
        return headers

    def _token(self) -> str:
        try:
            with Path(self._token_file).open("rb") as file:
                token = file.read(MOST_TOKEN).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"token_file: {self._token_file!r} cannot be read as a token") from error
        if not token or not token.isprintable() or " " in token:
            raise Unusable(f"token_file: {self._token_file!r} holds no token; one line of printable ASCII is accepted")
        return token

    def _read(self, answer: http.client.HTTPResponse, deadline: float) -> bytes:
        """Read on until the end; a server that sends a byte now and then does not hold this up for ever."""
        coded = answer.headers.get("Content-Encoding", "identity")
        if coded != "identity":
            raise Unusable(f"{self._url} answers in {coded[:40]!r}, which nobody asked for; a plain answer is accepted")
        parts, size = list[bytes](), 0
        while chunk := answer.read1(CHUNK):
            size += len(chunk)
            if size > self._most:
                raise Unusable(f"{self._url} answers more than {self._most} bytes; fewer are accepted (most_bytes)")
            if time.monotonic() > deadline:
                raise Away(f"{self._url} did not finish its answer within {self._timeout:g} s")
            parts.append(chunk)
        return b"".join(parts)

    def _fault(self, error: urllib.error.HTTPError) -> Away | Unusable:
        try:
            body = error.read(MOST_FAULT).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            body = ""
        told = f"{self._url} answers {error.code}: {plain(body) or plain(str(error.reason))}"
        if error.code in PASSING:
            return Away(told, _retry_seconds(error.headers))
        if error.code in range(300, 400):
            return Unusable(f"{told}; it points elsewhere, which is not followed: the final address is accepted as url")
        return Unusable(told)


def plain(text: str, most: int = 300) -> str:
    """Give what a stranger wrote as one short line that a log can hold."""
    return "".join(each if each.isprintable() else " " for each in text[:most]).strip()


def _retry_seconds(headers: Message) -> float:
    """Give the seconds of Retry-After; its other form, a date, counts as nothing said."""
    told = str(headers.get("Retry-After", ""))
    return min(float(told), LONGEST_RETRY) if told.isascii() and told.isdigit() and len(told) < 10 else 0.0  # noqa: PLR2004 - digits
