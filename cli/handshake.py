"""Why no connection came about though somebody listens: the handshake once more, by a library that says what failed."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

PATIENCE_SECONDS = 3.0
AUTHORITY, CERTIFICATE, KEY = "REMISSION_CLIENT_AUTHORITY", "REMISSION_CLIENT_CERTIFICATE", "REMISSION_CLIENT_KEY"


def fault(server: str, files: Mapping[str, str]) -> str:
    """Say why *server* and this command do not understand each other; empty where nobody listens or it cannot be told.

    *files* are the PEM files by the names of the environment; none for plain text.
    """
    try:
        context = _context(files)
    except ssl.SSLError:
        return f"{CERTIFICATE} and {KEY} are no certificate with its key, or {AUTHORITY} holds none"
    try:
        address = urlsplit(f"//{server.rpartition('/')[2]}")  # gRPC also takes dns:///HOST:PORT
        host, port = address.hostname or "", address.port or 0
        with socket.create_connection((host, port), PATIENCE_SECONDS) as plain:
            plain.settimeout(PATIENCE_SECONDS)
            with context.wrap_socket(plain, server_hostname=host) as secured:
                # In TLS 1.3 a server looks at certificates behind the handshake; gRPC's hangs up without a word.
                hung_up = not secured.recv(1)
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is refused here: {error.verify_message}"
    except ssl.SSLError as error:
        return _told(error, files)
    except ConnectionResetError:
        hung_up = True
    except (OSError, ValueError):
        return ""
    if not files:
        return _WANTED
    return _refused(files) if hung_up else ""


_WANTED = f"it speaks TLS; {AUTHORITY}, {CERTIFICATE} and {KEY} name what it asks for"


def _context(files: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_alpn_protocols(["h2"])
    if files:
        context.load_verify_locations(files[AUTHORITY])
        context.load_cert_chain(files[CERTIFICATE], files[KEY])
    else:  # nothing is sent, and nothing believed: it is asked only whether the other side speaks TLS
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _told(error: ssl.SSLError, files: Mapping[str, str]) -> str:
    reason = (error.reason or "").lower().replace("_", " ")
    if "alert" in reason:
        return f"{_refused(files)} ({reason.partition('alert ')[2]})" if files else _WANTED
    plain = files and reason in {"wrong version number", "record layer failure"}
    return f"it speaks plain text, and {AUTHORITY}, {CERTIFICATE} and {KEY} are set" if plain else ""


def _refused(files: Mapping[str, str]) -> str:
    """Say that the server does not take the certificate, and what of it anybody can see."""
    mine = x509.load_pem_x509_certificate(Path(files[CERTIFICATE]).read_bytes())
    first, last, now = mine.not_valid_before_utc, mine.not_valid_after_utc, datetime.now(UTC)
    if first <= now <= last:
        return f"it refuses {CERTIFICATE}; one of the authority that it trusts is accepted"
    return f"it refuses {CERTIFICATE}, which is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
