"""The way to a server, refused at once when nobody is there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import grpc
from remission import Client

PATIENCE_SECONDS = 3.0


class NobodyAnswers(ConnectionError):
    """No server answers at the address."""

    def __init__(self, server: str) -> None:
        super().__init__(
            f"--server: nobody answers at {server!r}; a running server is accepted, and `remission serve` starts one"
        )


def reach(server: str) -> None:
    """Return once *server* answers; a client alone would go on asking for as long as a call may take.

    Raises:
        NobodyAnswers: It does not, within three seconds.
    """
    with grpc.insecure_channel(server) as channel:
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
    with Client(server) as client:
        yield client
