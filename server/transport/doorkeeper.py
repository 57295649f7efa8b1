"""Turns away those whose certificate was revoked: with each call, and with each message of a stream that stands."""

from __future__ import annotations

from server.revoked import Revoked
from server.transport.errors import CertificateRevoked
from server.transport.handlers import Context, Interceptor, Message


class Doorkeeper(Interceptor):
    """Looks at the certificate of whoever calls."""

    def __init__(self, revoked: Revoked) -> None:
        self._revoked = revoked

    def begin(self, request: Message, context: Context) -> CertificateRevoked | None:
        """Let in whose certificate holds."""
        return self.go_on(request, context)

    def go_on(self, message: Message, context: Context) -> CertificateRevoked | None:  # noqa: ARG002 - no matter which
        """Let the stream go on for as long as the certificate holds."""
        shown = context.auth_context().get("x509_pem_cert", ())
        return CertificateRevoked() if any(self._revoked.has(pem) for pem in shown) else None
