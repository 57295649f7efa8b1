"""What stands in the database of payloads and evidence: sealed, under keys that are held outside of it.

A payload is sealed under a key of its stream, together with the key of its commitment, so that nothing is left to
guess by. Evidence is sealed under a key of its class and period, since many models may rest on the same. The envelope
stays in clear: it is what strangers check. Once a key is destroyed, what it sealed is erased in every copy.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from statemachine.record.envelope import RecordedEvent
from store.errors import EvidenceAltered, EvidenceErased, VaultMissing
from store.ledger import KEY_BYTES
from store.records import Evidence
from store.vault.errors import KeyUnknown
from store.vault.keys import MATERIAL_BYTES, PERIOD_US, Owner, Vault
from store.vault.sealing import seal_by, unseal_by

#: Classes of data, as the vault knows them.
PAYLOADS, EVIDENCE, LASTING = "payloads", "evidence", "lasting"

#: Keys at hand, at most.
MOST_AT_HAND = 1 << 16

#: Opens nothing: what a key that the vault has never held is taken for.
STRANGE = AESGCM(bytes(MATERIAL_BYTES))

#: A payload, and the key of its commitment.
Opened = tuple[bytes, bytes]


class SealedEvidence(NamedTuple):
    """Evidence as it is kept."""

    sha256: str  #: of what is sealed
    body: bytes
    key_id: str


#: An event as it is kept: its position, the key of its commitment, its payload, the id of the key that sealed it, and
#: whatever follows. A payload that was removed past the store is None.
Kept = Sequence[Any]


class AtRest(Protocol):
    """How payloads and evidence stand in the rows of a database. Safe to use from many threads."""

    def notice(self) -> None:
        """Let go of keys that may have been destroyed. Called once a transaction, before its first row."""

    def fit(self, key_id: str) -> None:
        """Let a log pass whose newest payload is sealed under *key_id*.

        Raises:
            VaultMissing: No vault is here.
            KeyUnknown: The vault is that of another log, or an old copy.
        """

    def sealed_payload(self, event: RecordedEvent) -> tuple[bytes, bytes, str | None]:
        """Return key of the commitment, body, and id of the sealing key (None: in clear), as they are kept."""

    def sealed_evidence(self, evidence: Evidence) -> tuple[bytes, str | None]:
        """Return body and id of the sealing key, as they are kept."""

    def payloads(self, rows: Sequence[Kept]) -> list[Opened | None]:
        """Open payloads; those whose key is destroyed are None.

        One that was altered, moved, or sealed with a stranger's key is given as it stands, with no key of a commitment:
        it is whole for nobody, and is named wherever payloads are held against their commitments.

        Raises:
            VaultMissing: One is sealed, and no vault is here.
        """

    def opened_evidence(self, evidence: SealedEvidence) -> bytes:
        """Open evidence that is sealed.

        Raises:
            EvidenceErased: Its key is destroyed.
            EvidenceAltered: It does not open: it was altered, or moved to another place.
            VaultMissing: No vault is here.
        """


class InClear:
    """Seals nothing: for stores that end with their process, and for readers who have no vault."""

    def notice(self) -> None:
        """There is no key to let go of."""

    def fit(self, key_id: str) -> None:
        """Refuse what is sealed."""
        raise VaultMissing(key_id)

    def sealed_payload(self, event: RecordedEvent) -> tuple[bytes, bytes, str | None]:
        """Return the payload as it is."""
        return event.payload_key or b"", event.payload or b"", None

    def sealed_evidence(self, evidence: Evidence) -> tuple[bytes, str | None]:
        """Return the evidence as it is."""
        return evidence.body, None

    def payloads(self, rows: Sequence[Kept]) -> list[Opened | None]:
        """Give those that stand in clear."""
        for row in rows:
            if row[3] is not None:
                raise VaultMissing(row[3])
        return [(row[2], row[1]) for row in rows]

    def opened_evidence(self, evidence: SealedEvidence) -> bytes:
        """Refuse what is sealed."""
        raise VaultMissing(evidence.key_id)


class _Cipher(NamedTuple):
    key_id: str
    aead: AESGCM


class Sealed:
    """Seals with the keys of a vault, and keeps those at hand that were used."""

    def __init__(self, vault: Vault, clock_us: Callable[[], int]) -> None:
        self._vault, self._clock_us = vault, clock_us
        self._generation = vault.generation()
        self._living: dict[tuple[str, str, int], _Cipher] = {}
        self._opened: dict[str, AESGCM | None] = {}

    def notice(self) -> None:
        """Let go of keys, if any was destroyed since, or if they are too many."""
        generation = self._vault.generation()
        if generation != self._generation or len(self._living) + len(self._opened) > MOST_AT_HAND:
            self._living, self._opened, self._generation = {}, {}, generation

    def fit(self, key_id: str) -> None:
        """Ask the vault whether it has ever held the key."""
        self._vault.opened([key_id])

    def sealed_payload(self, event: RecordedEvent) -> tuple[bytes, bytes, str | None]:
        """Seal key of the commitment and payload as one."""
        key_id, aead = self._cipher(PAYLOADS, event.stream, 0)
        data = (event.payload_key or b"") + (event.payload or b"")
        return b"", seal_by(aead, data, b"payload/%d" % event.position), key_id

    def sealed_evidence(self, evidence: Evidence) -> tuple[bytes, str | None]:
        """Seal evidence under a key of its class, and of this period if it may age."""
        kind, period = (LASTING, 0) if evidence.lasting else (EVIDENCE, self._clock_us() // PERIOD_US)
        key_id, aead = self._cipher(kind, "", period)
        return seal_by(aead, evidence.body, evidence.sha256.encode()), key_id

    def payloads(self, rows: Sequence[Kept]) -> list[Opened | None]:
        """Open payloads, with one question to the vault for the keys that are not at hand."""
        keys = self._keys({row[3] for row in rows})
        # What stands in clear, or not at all, is not worth a call.
        return [(row[2], row[1]) if row[3] is None or row[2] is None else _opened(row, keys) for row in rows]

    def opened_evidence(self, evidence: SealedEvidence) -> bytes:
        """Open evidence."""
        key_id = evidence.key_id
        aead = self._keys({key_id}).get(key_id, STRANGE)
        if aead is None:
            raise EvidenceErased(evidence.sha256)
        data = unseal_by(aead, evidence.body, evidence.sha256.encode())
        if data is None:
            raise EvidenceAltered(evidence.sha256, f"sealed under {key_id}, which does not open it")
        return data

    def _keys(self, key_ids: set[str | None]) -> Mapping[str, AESGCM | None]:
        """Have keys at hand: None for those that are destroyed; those of strangers are left out."""
        known = self._opened  # of this moment: another thread may let go of it
        missing = [key_id for key_id in key_ids if key_id is not None and key_id not in known]
        if missing:
            known |= self._asked(missing)
        return known

    def _asked(self, key_ids: list[str]) -> dict[str, AESGCM | None]:
        try:
            found = self._vault.opened(key_ids)
        except KeyUnknown:
            return {} if len(key_ids) == 1 else {k: v for one in key_ids for k, v in self._asked([one]).items()}
        return {key_id: AESGCM(found[key_id].material) if key_id in found else None for key_id in key_ids}

    def _cipher(self, kind: str, stream: str, period: int) -> _Cipher:
        owner = (kind, stream, period)
        found = self._living.get(owner)
        if found is None:
            [key] = self._vault.keys([Owner(kind, stream, period=period)])
            found = self._living[owner] = _Cipher(key.key_id, AESGCM(key.material))
        return found


def _opened(row: Kept, keys: Mapping[str, AESGCM | None]) -> Opened | None:
    position, commitment_key, body, key_id = row[:4]
    aead = keys.get(key_id, STRANGE)
    if aead is None:
        return None
    # What is sealed has the key of its commitment inside; one beside it was put there by somebody else.
    data = None if commitment_key else unseal_by(aead, body, b"payload/%d" % position)
    return (body, b"") if data is None else (data[KEY_BYTES:], data[:KEY_BYTES])
