"""Sealing: AES-256-GCM under a data key, bound to the place where the sealed bytes stand.

The nonce is random. That is safe for some four thousand million messages under one key (NIST SP 800-38D, 8.3), so no
key of ours lives longer than a period.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from store.vault.errors import SealBroken
from store.vault.keys import DataKey

NONCE_BYTES = 12
TAG_BYTES = 16
#: By how much sealed bytes are longer than plain ones.
SEAL_BYTES = NONCE_BYTES + TAG_BYTES


def seal(key: DataKey, data: bytes, about: bytes) -> bytes:
    """Return *data* sealed under *key*: nonce, then ciphertext and tag. *about* names the place, and is not kept.

    >>> key = DataKey("k", bytes(32))
    >>> unseal(key, seal(key, b"secret", b"here"), b"here")
    b'secret'
    """
    return seal_by(AESGCM(key.material), data, about)


def seal_by(cipher: AESGCM, data: bytes, about: bytes) -> bytes:
    """Return *data* sealed as `seal` does, by a cipher that whoever seals much keeps at hand."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, data, about)


def unseal_by(cipher: AESGCM, sealed: bytes, about: bytes) -> bytes | None:
    """Return what was sealed for the place *about*; None where it was altered, or stood elsewhere."""
    try:
        return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError, TypeError):  # no text is sealed, and no few bytes: somebody else has left them
        return None


def unseal(key: DataKey, sealed: bytes, about: bytes) -> bytes:
    """Return what was sealed under *key* for the place *about*.

    Raises:
        SealBroken: It was altered, or stood elsewhere.
    """
    data = unseal_by(AESGCM(key.material), sealed, about)
    if data is None:
        raise SealBroken(key.key_id)
    return data
