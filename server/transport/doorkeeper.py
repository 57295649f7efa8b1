"""Turns away those whose certificate was revoked: with each call and message, and within a second where none comes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from server.revoked import Revoked
from server.transport.errors import CertificateRevoked
from server.transport.handlers import Context, Interceptor, Message, abort_for

LOOK_SECONDS = 1.0  #: between two looks at the list for the sake of calls that wait


class Doorkeeper(Interceptor):
    """Looks at the certificate of whoever calls."""

    def __init__(self, revoked: Revoked) -> None:
        self._revoked = revoked
        self._waiting: dict[asyncio.Timeout, Context] = {}
        self._due: asyncio.TimerHandle | None = None
        self._edition = 0  #: of the list, by which all who wait were looked at

    def begin(self, request: Message, context: Context) -> CertificateRevoked | None:
        """Let in whose certificate holds."""
        return self.go_on(request, context)

    def go_on(self, message: Message, context: Context) -> CertificateRevoked | None:  # noqa: ARG002 - no matter which
        """Let the stream go on for as long as the certificate holds."""
        shown = context.auth_context().get("x509_pem_cert", ())
        return CertificateRevoked() if any(self._revoked.has(pem) for pem in shown) else None

    @contextlib.asynccontextmanager
    async def waiting(self, context: Context) -> AsyncIterator[None]:
        """Let a call wait for as long as the certificate holds."""
        wait = asyncio.timeout(None)
        self._waiting[wait] = context
        self._look_again()
        try:
            async with wait:
                yield
        except TimeoutError:
            if not wait.expired():  # it is the method's own
                raise
            await abort_for(CertificateRevoked(), context)
        finally:
            del self._waiting[wait]

    def _look_again(self) -> None:
        if self._due is None and self._waiting:
            self._due = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """End the waits of those who are listed by now; where the list is the same, so are they."""
        self._due = None
        edition = self._revoked.edition()
        if edition != self._edition:
            self._edition, now = edition, asyncio.get_running_loop().time()
            for wait, context in self._waiting.items():
                if self.go_on(None, context) is not None and not wait.expired():
                    wait.reschedule(now)
        self._look_again()
