"""What a stranger can check: that an event stands in the log, and that a log only ever grew."""

from __future__ import annotations

from dataclasses import dataclass

from remission_verify.receipt import Receipt

from server.errors import ThingMissing
from statemachine.record.envelope import leaf_of
from store.ports import Reader
from store.proofs import consistency as path_between
from store.proofs import inclusion
from store.records import Checkpoint


@dataclass(frozen=True, slots=True)
class Proven:
    """An event's leaf, and the receipt for it."""

    leaf: bytes
    receipt: Receipt
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Consistency:
    """The path that proves that *newer* begins with the first *old* events."""

    old: int
    newer: Checkpoint
    path: tuple[bytes, ...]


def receipt(reader: Reader, position: int, size: int) -> Proven:
    """Prove that the event at *position* stands in the log, against the checkpoint of *size* events; 0 is the newest.

    Raises:
        ThingMissing: There is no such event, or no such checkpoint.
    """
    signed = checkpoint(reader, size)
    if not 1 <= position <= signed.size:
        raise ThingMissing(
            "position", f"the checkpoint is of the positions 1 to {signed.size}, {position} is not among them"
        )
    (event,) = reader.all_events(position - 1, 1)
    path = inclusion(reader, signed.size, position)
    return Proven(leaf_of(event), Receipt(position - 1, tuple(path), signed.note.decode()), signed)


def consistency(reader: Reader, old: int, size: int) -> Consistency:
    """Prove that the checkpoint of *size* events (0: the newest) begins with the first *old* events.

    Raises:
        ThingMissing: There is no such checkpoint, or it is of fewer events.
    """
    signed = checkpoint(reader, size)
    if not 1 <= old <= signed.size:
        raise ThingMissing(
            "old_size", f"the checkpoint is of {signed.size} events; 1 to {signed.size} is accepted, not {old}"
        )
    return Consistency(old, signed, tuple(path_between(reader, old, signed.size)))


def checkpoint(reader: Reader, size: int) -> Checkpoint:
    """Give the checkpoint of *size* events; 0 is the newest one.

    Raises:
        ThingMissing: None was signed at that size, or it is kept no more.
    """
    found = next(iter(reader.checkpoints(size + 1 if size else None)), None)
    if found is None or size not in (0, found.size):
        none = "none before it is" if size else "none was signed so far"
        nearest = f"the nearest before it is of {found.size}" if found else none
        raise ThingMissing("size", f"no checkpoint of {size} events is kept; {nearest}; 0 takes the newest one")
    return found
