"""The way to a server: encrypted where the environment names certificates, and refused at once when nobody is there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
from remission import CertificateFiles, Client

from cli.handshake import AUTHORITY, CERTIFICATE, KEY, PATIENCE_SECONDS, fault


class NobodyAnswers(ConnectionError):
    """No server answers at the address."""

    def __init__(self, server: str) -> None:
        super().__init__(
            f"--server: nobody answers at {server!r}; a running server is accepted, and `remission serve` starts one"
        )


class NotLetIn(ConnectionError):
    """Somebody listens at the address, and no connection came about."""

    def __init__(self, server: str, why: str) -> None:
        super().__init__(f"--server: {server!r} answers, and no connection came about: {why}")


class CertificatesUnusable(ValueError):
    """The certificates that the environment names cannot be used."""


def credentials(environment: Mapping[str, str] = os.environ) -> CertificateFiles | None:
    """Give what *environment* says of certificates, PEM files all; None where it says nothing.

    They are read again when they are renewed, for as long as the command runs.

    Raises:
        CertificatesUnusable: A file cannot be read, or only some of the three are named.
    """
    given = _named(environment)
    if not given:
        return None
    missing = [name for name in (AUTHORITY, CERTIFICATE, KEY) if name not in given]
    if missing:
        raise CertificatesUnusable(f"{', '.join(missing)}: missing; all three are accepted, or none")
    for name, path in given.items():
        _check(name, path)
    return CertificateFiles(given[AUTHORITY], given[CERTIFICATE], given[KEY])


def reach(server: str) -> None:
    """Return once *server* answers; a client alone would go on asking for as long as a call may take.

    Raises:
        NobodyAnswers: It does not, within three seconds.
        NotLetIn: It does, and will not talk with who asks, nor who asks with it.
    """
    files = credentials()
    with grpc.secure_channel(server, files.credentials()) if files else grpc.insecure_channel(server) as channel:
        try:
            grpc.channel_ready_future(channel).result(PATIENCE_SECONDS)
        except grpc.FutureTimeoutError as error:
            why = fault(server, _named(os.environ))
            raise (NotLetIn(server, why) if why else NobodyAnswers(server)) from error


@contextlib.contextmanager
def reached(server: str) -> Iterator[Client]:
    """Give a client of *server*, which answers.

    Raises:
        NobodyAnswers: It does not.
        NotLetIn: It does, and no connection came about.
    """
    reach(server)
    with Client(server, credentials()) as client:
        yield client


def _named(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: environment[name] for name in (AUTHORITY, CERTIFICATE, KEY) if environment.get(name)}


def _check(name: str, path: str) -> None:
    try:
        Path(path).read_bytes()
    except OSError as error:
        raise CertificatesUnusable(f"{name}: {path!r} cannot be read; a PEM file is accepted") from error
