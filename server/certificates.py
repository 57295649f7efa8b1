"""The certificates of a server: read when it starts, and again with each connection, so that they are renewed in place.

A file that is half written, or wrong, changes nothing: what was read before goes on, and the log of the server says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import grpc
import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.settings import Settings, SettingsInvalid

LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pems:
    """What the three files hold; *authority* is empty where clients show no certificate."""

    certificate: bytes
    key: bytes
    authority: bytes

    def check(self) -> datetime:
        """Say until when the server's certificate is valid.

        Raises:
            SettingsInvalid: A file is no PEM file of its kind, or the key is not that of the certificate.
        """
        own = _certificates("tls_certificate", self.certificate)[0]
        if self.authority:
            _certificates("tls_client_authority", self.authority)
        try:
            fits = load_pem_private_key(self.key, None).public_key() == own.public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise SettingsInvalid("tls_key: holds no key; one in PEM, without a password, is accepted") from error
        if not fits:
            raise SettingsInvalid("tls_key: is not the key of tls_certificate; the two of one pair are accepted")
        return own.not_valid_after_utc

    def configured(self) -> grpc.ServerCertificateConfiguration:
        """Give them as gRPC takes them."""
        return grpc.ssl_server_certificate_configuration([(self.key, self.certificate)], self.authority or None)


class Certificates:
    """The files that *settings* name, and what was read of them last."""

    def __init__(self, settings: Settings) -> None:
        """Read them.

        Raises:
            SettingsInvalid: They cannot be used.
        """
        self._settings = settings
        self._held = _read(settings)
        self._held.check()
        self._refused: Pems | str | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Give what a server listens with; each connection asks for what the files hold by then."""
        asked = bool(self._held.authority)
        first = self._held.configured()
        # Its documentation lets None stand for no change; its types do not.
        return grpc.dynamic_ssl_server_credentials(first, self.renewed, asked)  # type: ignore[arg-type]

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Give what the files hold if that is new and can be used; None lets what is held go on."""
        try:
            found = _read(self._settings)
        except OSError as error:
            self._refuse(str(error), str(error))
            return None
        return self._taken(found) if found != self._held else None

    def _taken(self, found: Pems) -> grpc.ServerCertificateConfiguration | None:
        try:
            until = found.check()
        except SettingsInvalid as error:
            self._refuse(found, str(error))
            return None
        self._held, self._refused = found, None
        LOG.info("certificates_renewed", valid_until=until.isoformat())
        return found.configured()

    def _refuse(self, found: Pems | str, why: str) -> None:
        """Say once of what is found that it cannot be used."""
        if found != self._refused:
            self._refused = found
            LOG.warning("certificates_unusable", error=why, then="those that were read before are shown")


def _read(settings: Settings) -> Pems:
    files = (settings.tls_certificate, settings.tls_key, settings.tls_client_authority)
    return Pems(*(Path(file).read_bytes() if file else b"" for file in files))


def _certificates(setting: str, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise SettingsInvalid(f"{setting}: holds no certificate; one in PEM is accepted") from error
