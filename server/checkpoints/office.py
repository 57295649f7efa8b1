"""The office that has the log signed, and proves to strangers what stands in it."""

from __future__ import annotations

from collections.abc import Callable

from server.checkpoints import receipts
from server.checkpoints.notary import Notary
from server.checkpoints.witnessing import Asking
from store.answers import Answer
from store.ports import Store, Unit
from store.proofs import consistency as path_between
from store.records import Checkpoint

Sign = Callable[[Unit], Checkpoint]


class Checkpoints:
    """Signs, has signed, and proves. Its methods wait for the writer, so they are not for an event loop."""

    def __init__(self, store: Store, notary: Notary, do: Callable[[Sign], Answer[Checkpoint]]) -> None:
        self._store, self._notary, self._do = store, notary, do

    def sign(self) -> Checkpoint:
        """Sign what is committed, unless that was done, and give what was signed."""
        signed = self._do(self._notary.sign).result()
        self._notary.keep(signed.note.decode())
        return signed

    def cosign(self, asking: Asking) -> None:
        """Have a witness sign the newest checkpoint too, unless it has.

        Raises:
            WitnessFailed: It did not.
        """
        for newest in self._store.read(lambda reader: reader.checkpoints()):
            note = newest.note.decode()
            if newest.size and self._notary.published(newest) == note:
                self._notary.keep(asking.cosigned(note, self._proving))

    def receipt(self, position: int, size: int = 0) -> receipts.Proven:
        """Prove that an event stands in the log, against the checkpoint of *size* events; 0 is the newest one.

        Raises:
            ThingMissing: There is no such event, or no such checkpoint.
        """
        return self._store.read(lambda reader: receipts.receipt(reader, position, size))

    def consistency(self, old: int, size: int = 0) -> receipts.Consistency:
        """Prove that the log of *size* events begins with that of *old*; 0 is all that was signed.

        Raises:
            ThingMissing: The log has never been so long.
        """
        return self._store.read(lambda reader: receipts.consistency(reader, old, size))

    def _proving(self, old: int, size: int) -> list[bytes]:
        return self._store.read(lambda reader: path_between(reader, old, size))
