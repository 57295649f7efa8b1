"""A witness (C2SP tlog-witness): a stranger who signs a checkpoint only if it grew out of all that it signed before.

With its cosignature a checkpoint proves more than that the log has signed it: nobody was shown another history. A
witness that is away holds nothing up; the next checkpoint asks it again.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
from collections.abc import Callable, Sequence

from remission_verify.checkpoint import parse
from remission_verify.cosignature import Witness, cosignatures
from remission_verify.errors import VerificationError
from remission_verify.note import parse_note
from remission_verify.strict64 import encode64

from server.checkpoints.exchange import posted

WAIT_SECONDS = 5.0  #: that all of it may take: to be asked, to refuse, to be asked again and to answer
SIZE_BYTES = 20  #: of the largest number of events, and the end of its line
CONFLICT = 409  #: the witness has signed another size; its answer says which
_LOST = (
    "it was restored from a backup, cut off or altered; the whole log is accepted, or this one under a new key "
    "after `remission restore`"
)
#: What statuses of the protocol say of a checkpoint that is refused.
_REFUSALS = {
    403: "it knows none of the keys that have signed; it takes those that it was given (`remission key show`)",
    404: "it does not know a log of this name; it takes those that it was told of, with their public keys",
    CONFLICT: f"it has signed as many events of another log: {_LOST}",
    422: f"this log did not grow out of the one that it has signed: {_LOST}",
}

Proving = Callable[[int, int], Sequence[bytes]]


class WitnessFailed(Exception):
    """The witness did not cosign: it is away, or refuses, or answers what it must not."""


class Asking:
    """Asks one witness, and remembers what it signed last."""

    def __init__(self, url: str, witness: Witness) -> None:
        self._url, self._witness = url, witness
        self._seen = 0

    def cosigned(self, note: str, proving: Proving) -> str:
        """Return *note* with the witness's cosignature below it; *proving* gives the proof from one size to another.

        Raises:
            WitnessFailed: It did not sign.
        """
        size = parse(parse_note(note).text).size
        try:
            whole = note + self._own(note, self._asked(note, size, proving))
        except TimeoutError as error:
            raise WitnessFailed(f"{self._url}: its answer was not whole within {WAIT_SECONDS:g} seconds") from error
        except urllib.error.HTTPError as error:
            raise WitnessFailed(f"{self._url}: {_REFUSALS.get(error.code, error)}") from error
        except http.client.HTTPException as error:
            raise WitnessFailed(f"{self._url}: what answers there does not speak HTTP: {error!r}") from error
        except (OSError, VerificationError, ValueError) as error:
            raise WitnessFailed(f"{self._url}: {error}") from error
        self._seen = size
        return whole

    def _own(self, note: str, lines: str) -> str:
        """Give the witness's own line; what else a stranger puts into an answer is no part of a checkpoint of ours.

        Raises:
            VerificationError: It has not signed.
            ValueError: The answer says more than who has signed.
        """
        answered, own = parse_note(note + lines), (self._witness.name, self._witness.key_id)
        cosignatures(answered.whole, [self._witness], least=1)
        if answered.text != parse_note(note).text:
            raise ValueError("it has signed another text; that of the checkpoint is accepted")
        return [one.line for one in answered.signatures if (one.name, one.key_id) == own][-1]

    def _asked(self, note: str, size: int, proving: Proving) -> str:
        end = time.monotonic() + WAIT_SECONDS
        try:
            return self._post(note, size, proving, end)
        except urllib.error.HTTPError as error:
            if error.code != CONFLICT:
                raise
            self._seen = _size(error.read(SIZE_BYTES))
        if not 0 <= self._seen <= size:
            raise ValueError(f"it has signed {self._seen} events, and this log has {size}: {_LOST}")
        return self._post(note, size, proving, end)

    def _post(self, note: str, size: int, proving: Proving, end: float) -> str:
        old = self._seen
        path = proving(old, size) if 0 < old < size else ()
        body = f"old {old}\n" + "".join(f"{encode64(value)}\n" for value in path) + f"\n{note}"
        return posted(f"{self._url}/add-checkpoint", body.encode(), end).decode()


def _size(told: bytes) -> int:
    if not told.strip().isdigit():
        raise ValueError(f"it refuses, and tells no size that it has signed, but {told!r}")
    return int(told)
