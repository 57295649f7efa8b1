"""Certificates of a client in files: read again when others have taken their place, and so renewed at work."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc


@dataclass(frozen=True, slots=True)
class _Pems:
    authority: bytes
    key: bytes
    certificate: bytes


class CertificateFiles:
    """The PEM files by which a client knows its server, and is known to it.

    Files that do not fit together, as half of a new pair, change nothing: what was read before is shown on.

    Raises:
        OSError: One cannot be read.
    """

    def __init__(
        self, authority: str | os.PathLike[str], certificate: str | os.PathLike[str], key: str | os.PathLike[str]
    ) -> None:
        self._authority, self._certificate, self._key = Path(authority), Path(certificate), Path(key)
        self._held = self._read()

    def credentials(self) -> grpc.ChannelCredentials:
        """Return what was read last, as gRPC takes it."""
        return grpc.ssl_channel_credentials(self._held.authority, self._held.key, self._held.certificate)

    def renew(self) -> bool:
        """Read the files again; say whether they hold something new that can be used. For one thread at a time."""
        try:
            found = self._read()
            # What was checked must be what was read: the files may be written meanwhile.
            usable = found != self._held and self._fit() and found == self._read()
        except OSError:
            return False
        if usable:
            self._held = found
        return usable

    def _read(self) -> _Pems:
        return _Pems(self._authority.read_bytes(), self._key.read_bytes(), self._certificate.read_bytes())

    def _fit(self) -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(self._authority)
            context.load_cert_chain(self._certificate, self._key, password="")  # nobody is asked for one
        except (ssl.SSLError, ValueError):
            return False
        return True


#: What encrypts the way to a server: credentials as they are, or files that are read again when they are renewed.
Tls = grpc.ChannelCredentials | CertificateFiles
