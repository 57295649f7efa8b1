"""Merkle trees of RFC 6962: hashes, proofs, and their verification (RFC 9162, section 2.1).

Hashes are 32 raw bytes. Proofs are made from `node(level, index)`, the hash of the complete subtree over the leaves
[index * 2**level, (index + 1) * 2**level), so that whoever keeps tiles need not keep the tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from remission_verify.errors import ProofInvalid

Node = Callable[[int, int], bytes]

#: The root of a tree without leaves.
EMPTY = hashlib.sha256(b"").digest()

_sha256 = hashlib.sha256
_leaf = _sha256(b"\x00").copy


def hash_leaf(leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    made = _leaf()  # takes less than to copy the leaf behind its prefix
    made.update(leaf)
    return made.digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over two subtrees."""
    return _sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of leaves."""
    if not hashes:
        return EMPTY
    return subtree(0, len(hashes), lambda level, index: _complete(hashes, level, index))


def subtree(start: int, end: int, node: Node) -> bytes:
    """Return the hash over the leaves [start, end), where *start* is as aligned as a subtree's start is."""
    peaks = [node(level, index) for level, index in _complete_parts(start, end)]
    right = peaks.pop()
    while peaks:
        right = hash_children(peaks.pop(), right)
    return right


def inclusion_proof(size: int, index: int, node: Node) -> list[bytes]:
    """Return the path from leaf *index* to the root of a tree of *size* leaves, from below.

    Raises:
        ProofInvalid: The tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"index {index} is not in a tree of {size} leaves; 0 to {size - 1} are")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end, node))
            end = middle
        else:
            path.append(subtree(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, size: int, node: Node) -> list[bytes]:
    """Return the proof that the tree of *size* leaves begins with that of *old*.

    Raises:
        ProofInvalid: *old* is no size from 1 to *size*.
    """
    if not 1 <= old <= size:
        raise ProofInvalid(f"a tree of {size} leaves proves no tree of {old}; 1 to {size} can be proven")
    start, end, known, path = 0, size, True, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(subtree(middle, end, node))
            end = middle
        else:
            path.append(subtree(start, middle, node))
            start, known = middle, False
    return path[::-1] if known else [subtree(start, end, node), *path[::-1]]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf stands at *index* of the tree with *root*.

    Raises:
        ProofInvalid: It does not, or the proof has another length.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"index {index} is not in a tree of {size} leaves; 0 to {size - 1} are")
    inner, border = _lengths(index, size)
    _expect(proof, inner + border, f"index {index} in {size} leaves")
    value = _joined(leaf_hash, index, proof[:inner], proof[inner:])
    _same(value, root, f"index {index} of {size} leaves")


def verify_consistency(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of *size* leaves with *root* begins with the tree of *old* leaves with *old_root*.

    Raises:
        ProofInvalid: It does not, or the proof has another length.
    """
    if not 0 <= old <= size:
        raise ProofInvalid(f"a tree of {size} leaves cannot begin with one of {old}")
    if old in (0, size):
        if proof:
            raise ProofInvalid(f"from {old} to {size} leaves there is nothing to prove; {len(proof)} hashes were given")
        _same(old_root, root if old else EMPTY, f"the root of {old} leaves")
        return
    shift = (old & -old).bit_length() - 1
    # A complete tree is a node of the larger one, so its root need not be told again.
    seed, path = (old_root, list(proof)) if old == 1 << shift else (proof[0] if proof else b"", list(proof[1:]))
    inner, border = _lengths(old - 1, size)
    _expect(proof, len(proof) - len(path) + inner - shift + border, f"{old} leaves in {size}")
    low, high = path[: inner - shift], path[inner - shift :]
    turns = (old - 1) >> shift
    left = [value for level, value in enumerate(low) if turns >> level & 1]
    _same(_joined(seed, 0, [], [*left, *high]), old_root, f"the root of {old} leaves")
    _same(_joined(seed, turns, low, high), root, f"the root of {size} leaves")


def _lengths(index: int, size: int) -> tuple[int, int]:
    """Return how many hashes of a path stand below the right edge, and how many on it."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _joined(value: bytes, turns: int, inner: Sequence[bytes], border: Sequence[bytes]) -> bytes:
    """Climb from *value*: bit by bit *turns* tells on which side it stands; on the edge it stands right."""
    for level, other in enumerate(inner):
        value = hash_children(other, value) if turns >> level & 1 else hash_children(value, other)
    for other in border:
        value = hash_children(other, value)
    return value


def _expect(proof: Sequence[bytes], count: int, what: str) -> None:
    if len(proof) != count or any(len(value) != len(EMPTY) for value in proof):
        raise ProofInvalid(f"the proof of {what} has {len(proof)} hashes; {count} of {len(EMPTY)} bytes are expected")


def _same(found: bytes, expected: bytes, what: str) -> None:
    if found != expected:
        raise ProofInvalid(f"{what}: the proof leads to {found.hex()}, expected {expected.hex()}")


def _split(width: int) -> int:
    """Return the largest power of two smaller than *width*."""
    return 1 << (width - 1).bit_length() - 1


def _complete_parts(start: int, end: int) -> list[tuple[int, int]]:
    """Divide the leaves [start, end) into complete subtrees, from the left."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append((level, start >> level))
        start += 1 << level
    return parts


def _complete(hashes: Sequence[bytes], level: int, index: int) -> bytes:
    row = list(hashes[index << level : (index + 1) << level])
    while len(row) > 1:
        row = [_sha256(b"\x01" + row[i] + row[i + 1]).digest() for i in range(0, len(row), 2)]
    return row[0]
