"""Proofs of the tree, against the definition of its root."""

from __future__ import annotations

import hashlib

import pytest
from remission_verify import merkle
from remission_verify.errors import ProofInvalid

from tests.fixtures.trees import root_of

#: The leaves of the tests of Certificate Transparency, and the roots over the first of them.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
SIZES = [*range(1, 36), 64, 65, 100]


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(count)]


def node(level: int, index: int) -> bytes:
    """Return the hash over a complete subtree of `leaves`."""
    return root_of(leaves((index + 1) << level)[index << level :])


@pytest.mark.parametrize("size", CT_ROOTS)
def test_the_roots_of_the_known_vectors_come_out(size: int) -> None:
    hashes = [merkle.hash_leaf(bytes.fromhex(leaf)) for leaf in CT_LEAVES[:size]]

    assert merkle.root_of(hashes).hex() == CT_ROOTS[size]


@pytest.mark.parametrize("size", [0, *SIZES])
def test_the_root_is_the_one_that_the_definition_gives(size: int) -> None:
    assert merkle.root_of(leaves(size)) == root_of(leaves(size))


@pytest.mark.parametrize("size", SIZES)
def test_each_leaf_is_proven_and_no_other_in_its_place(size: int) -> None:
    every, root = leaves(size), root_of(leaves(size))
    for index in range(size):
        proof = merkle.inclusion_proof(size, index, node)
        merkle.verify_inclusion(every[index], index, size, proof, root)
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(every[index - 1] if size > 1 else root[::-1], index, size, proof, root)
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(every[index], index, size, [*proof, root], root)


@pytest.mark.parametrize("size", SIZES)
def test_each_older_tree_is_proven_and_no_other_in_its_place(size: int) -> None:
    root = root_of(leaves(size))
    for old in range(1, size + 1):
        old_root, proof = root_of(leaves(old)), merkle.consistency_proof(old, size, node)
        merkle.verify_consistency(old, old_root, size, root, proof)
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(old, old_root[::-1], size, root, proof)
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(old, old_root, size, root, [*proof, root])


def test_a_tree_without_leaves_begins_every_other() -> None:
    merkle.verify_consistency(0, merkle.EMPTY, 9, root_of(leaves(9)), [])

    with pytest.raises(ProofInvalid, match="the root of 0 leaves"):
        merkle.verify_consistency(0, bytes(32), 9, root_of(leaves(9)), [])


@pytest.mark.parametrize(("old", "size"), [(0, 3), (4, 3), (-1, 3)])
def test_what_cannot_be_proven_is_refused_with_what_can(old: int, size: int) -> None:
    with pytest.raises(ProofInvalid, match="1 to 3 can be proven"):
        merkle.consistency_proof(old, size, node)


def test_a_proof_of_another_length_proves_nothing_though_it_leads_to_the_root() -> None:
    a, b, c, d = leaves(4)
    over = merkle.hash_children
    old, new = over(a, over(b, over(c, a))), over(a, over(b, over(over(c, a), d)))

    for index, size, path, root in ((0, 2, [], a), (0, 1, [b], over(b, a)), (1, 2, [b""], over(b"", a))):
        with pytest.raises(ProofInvalid, match=f"the proof of index {index} in {size} leaves has {len(path)} hashes"):
            merkle.verify_inclusion(a, index, size, path, root)
    with pytest.raises(ProofInvalid, match="the proof of 3 leaves in 4 has 4 hashes; 3 of 32 bytes are expected"):
        merkle.verify_consistency(3, old, 4, new, [over(c, a), d, b, a])
