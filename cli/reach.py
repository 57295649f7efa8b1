"""The way to a server: encrypted where the environment names certificates, and refused at once when nobody is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
from remission import Client

PATIENCE_SECONDS = 3.0
AUTHORITY, CERTIFICATE, KEY = "REMISSION_CLIENT_AUTHORITY", "REMISSION_CLIENT_CERTIFICATE", "REMISSION_CLIENT_KEY"


class NobodyAnswers(ConnectionError):
    """No server answers at the address."""

    def __init__(self, server: str) -> None:
        super().__init__(
            f"--server: nobody answers at {server!r}; a running server is accepted, and `remission serve` starts one"
        )


class CertificatesUnusable(ValueError):
    """The certificates that the environment names cannot be used."""


def credentials(environment: Mapping[str, str] = os.environ) -> grpc.ChannelCredentials | None:
    """Give what *environment* says of certificates, PEM files all; None where it says nothing.

    Raises:
        CertificatesUnusable: A file cannot be read, or only some of the three are named.
    """
    given = {name: environment[name] for name in (AUTHORITY, CERTIFICATE, KEY) if environment.get(name)}
    if not given:
        return None
    missing = [name for name in (AUTHORITY, CERTIFICATE, KEY) if name not in given]
    if missing:
        raise CertificatesUnusable(f"{', '.join(missing)}: missing; all three are accepted, or none")
    authority, certificate, key = (_read(name, path) for name, path in given.items())
    return grpc.ssl_channel_credentials(authority, key, certificate)


def reach(server: str) -> None:
    """Return once *server* answers; a client alone would go on asking for as long as a call may take.

    Raises:
        NobodyAnswers: It does not, within three seconds.
    """
    tls = credentials()
    with grpc.secure_channel(server, tls) if tls else grpc.insecure_channel(server) as channel:
        try:
            grpc.channel_ready_future(channel).result(PATIENCE_SECONDS)
        except grpc.FutureTimeoutError as error:
            raise NobodyAnswers(server) from error


@contextlib.contextmanager
def reached(server: str) -> Iterator[Client]:
    """Give a client of *server*, which answers.

    Raises:
        NobodyAnswers: It does not.
    """
    reach(server)
    with Client(server, credentials()) as client:
        yield client


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise CertificatesUnusable(f"{name}: {path!r} cannot be read; a PEM file is accepted") from error
