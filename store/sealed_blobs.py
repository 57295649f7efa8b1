"""Blobs that hold rows: sealed under a key of their own, and asked for by the hash of what is in them."""

from collections.abc import Mapping

from statemachine.record.canonical import digest
from store.blobs import BlobAltered, BlobMissing, FsspecBlobs
from store.errors import EvidenceErased
from store.vault import DataKey, Owner, Vault, seal, unseal

SEALED = ".sealed"
_ID_DIGITS = 24


class SealedBlobs:
    """Plain blobs as they are, and sealed ones beside them, under the hash of their plain bytes."""

    def __init__(self, plain: FsspecBlobs, vault: Vault) -> None:
        self._plain, self._vault = plain, vault

    def put(self, data: bytes) -> str:
        """Keep *data* in clear, and return its hash."""
        return self._plain.put(data)

    def put_sealed(self, data: bytes, kind: str, model: str) -> str:
        """Keep *data* under a key of its own, which belongs to *model*; return the hash of the plain bytes."""
        sha256 = digest(data)
        [key] = self._vault.keys([Owner(kind, model, name=sha256)])
        self._plain.put_beside(sha256, SEALED, key.key_id.encode() + seal(key, data, sha256.encode()))
        return sha256

    def get(self, sha256: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return the bytes [offset, offset + length) of a blob, sealed or not.

        Raises:
            EvidenceErased: It was sealed, and its key is destroyed.
        """
        if self._plain.exists(sha256):
            return self._plain.get(sha256, offset, length)
        return self._opened(sha256)[offset : None if length is None else offset + length]

    def exists(self, sha256: str) -> bool:
        """Say whether a blob stands under this hash, sealed or not; one whose key is destroyed does."""
        return self._plain.exists(sha256) or self._plain.is_beside(sha256, SEALED)

    def size(self, sha256: str) -> int:
        """Return how many bytes the blob has; one that is sealed has to be opened for it."""
        return self._plain.size(sha256) if self._plain.exists(sha256) else len(self._opened(sha256))

    def sealed(self, sha256: str) -> bytes | None:
        """Return a sealed blob as it stands, without a look into it; None where none is sealed."""
        return self._plain.get_beside(sha256, SEALED) if self._plain.is_beside(sha256, SEALED) else None

    def _opened(self, sha256: str) -> bytes:
        if not self._plain.is_beside(sha256, SEALED):
            raise BlobMissing(sha256)
        body = self._plain.get_beside(sha256, SEALED)
        return opened(body, sha256, self._vault.opened([key_of(body)]))


def key_of(body: bytes) -> str:
    """Name the key that a sealed blob is under."""
    return body[:_ID_DIGITS].decode("ascii", "replace")


def opened(body: bytes, sha256: str, keys: Mapping[str, DataKey]) -> bytes:
    """Give what is in a sealed blob, whose hash it must have.

    Raises:
        EvidenceErased: Its key is not among *keys*: it is destroyed.
        SealBroken: It was altered, or is another one.
        BlobAltered: What is in it has another hash.
    """
    key = keys.get(key_of(body))
    if key is None:
        raise EvidenceErased(sha256)
    data = unseal(key, body[_ID_DIGITS:], sha256.encode())
    if digest(data) != sha256:
        raise BlobAltered(sha256, digest(data))
    return data
