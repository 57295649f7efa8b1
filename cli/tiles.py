"""`remission tiles`: the log as its tiles, made of what the server tells and held against what it has signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from remission import Client
from remission_verify.export import write_tiles


def export(client: Client, folder: Path) -> int:
    """Write the log as far as it is signed now; give how many events that is.

    Raises:
        VerificationError: The folder cannot be written, or the events do not have the root that was signed.
    """
    signed = client.audit.checkpoint().checkpoint
    return write_tiles(folder, _leaves(client, signed.size), signed.note)


def _leaves(client: Client, size: int) -> Iterator[bytes]:
    for event in client.audit.events(leaves=True):
        if event.position > size:
            return
        yield event.leaf
