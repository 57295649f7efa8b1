"""The hashes of a Merkle tree (RFC 6962, section 2.1)."""

from __future__ import annotations

import hashlib


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()
