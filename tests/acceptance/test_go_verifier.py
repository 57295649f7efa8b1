"""What this service signs, proves and exports, as the Go team's verifier sees it: it refuses what we refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from remission import Client
from remission_verify import merkle
from remission_verify.checkpoint import Checkpoint, parse
from remission_verify.errors import VerificationError
from remission_verify.note import Verifier, parse_note, sign
from remission_verify.receipt import parse_receipt
from remission_verify.trust import Trust

from tests.fixtures.commands import remission
from tests.fixtures.gopher import Check, built, refusals
from tests.fixtures.logs import SIGNER, exported, some_log
from tests.fixtures.servers import serving
from tests.integration.server.requests import create, model, reference

SIZES = (1, 2, 3, 7, 64, 100, 1_000, 65_537)
PROOFS = 2_000  #: of each kind
MUTATIONS = 200
KEY = SIGNER.verifier.text


@dataclass(frozen=True)
class Tree:
    """A tree of so many entries, and all of its complete subtrees."""

    size: int
    rows: Sequence[Sequence[bytes]]

    def root(self, size: int) -> bytes:
        return merkle.subtree(0, size, self.node)

    def note(self) -> str:
        return sign(Checkpoint(SIGNER.name, self.size, self.root(self.size)).body, [SIGNER])

    def node(self, level: int, index: int) -> bytes:
        return self.rows[level][index]


def entry(index: int) -> bytes:
    return b"entry %d" % index


def tree(size: int) -> Tree:
    rows = [[merkle.hash_leaf(entry(index)) for index in range(size)]]
    while len(row := rows[-1]) > 1:
        rows.append([merkle.hash_children(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)])
    return Tree(size, rows)


TREES = {size: tree(size) for size in SIZES}


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same places in every run


def signed(size: int) -> Check:
    return Check(kind="note", note=TREES[size].note(), key=KEY)


def inclusion(size: int, index: int) -> Check:
    path = tuple(merkle.inclusion_proof(size, index, TREES[size].node))
    root = TREES[size].root(size)
    return Check(kind="inclusion", size=size, index=index, root=root, entry=entry(index), path=path)


def consistency(size: int, old: int) -> Check:
    path = tuple(merkle.consistency_proof(old, size, TREES[size].node))
    root, old_root = TREES[size].root(size), TREES[size].root(old)
    return Check(kind="consistency", size=size, root=root, old_size=old, old_root=old_root, path=path)


def spread(first: int) -> list[tuple[int, int]]:
    """Give sizes with places from *first*: all places of small trees, and of the large ones as many as are left."""
    small = [(size, place + first) for size in SIZES[:-2] for place in range(size)]
    middle = [(1_000, place + first) for place in seeded(1).sample(range(1_000), 500)]
    large = [(65_537, place + first) for place in seeded(2).sample(range(65_537), PROOFS - len(small) - 500)]
    return small + middle + large


def ours(check: Check) -> str:
    """Answer a check with our own verifier: what is wrong, or nothing."""
    try:
        if check.kind == "note":
            Trust((Verifier.from_text(check.key),), SIGNER.name).open(check.note)
        elif check.kind == "inclusion":
            leaf = merkle.hash_leaf(check.entry)
            merkle.verify_inclusion(leaf, check.index, check.size, check.path, check.root)
        else:
            merkle.verify_consistency(check.old_size, check.old_root, check.size, check.root, check.path)
    except VerificationError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def gopher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("go"))


def test_go_opens_every_checkpoint_that_we_sign(gopher: Path) -> None:
    checks = [signed(size) for size in SIZES]

    assert refusals(gopher, checks) == [ours(check) for check in checks] == [""] * len(SIZES)


@pytest.mark.parametrize(("proven", "first"), [(inclusion, 0), (consistency, 1)])
def test_go_agrees_with_every_proof(gopher: Path, proven: Callable[[int, int], Check], first: int) -> None:
    checks = [proven(size, place) for size, place in spread(first)]

    assert refusals(gopher, checks) == [ours(check) for check in checks] == [""] * PROOFS


def flip(data: bytes, chance: Random) -> bytes:
    at, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


def other(value: int, low: int, high: int, chance: Random) -> int:
    return chance.choice([one for one in range(max(low, value - 5), min(high, value + 5) + 1) if one != value])


def with_path(check: Check, chance: Random) -> Check:
    """Alter a hash of the path, leave one out, or put one in."""
    at = chance.randrange(len(check.path))
    here = check.path[at]
    changed = chance.choice([(flip(here, chance),), (), (here, here)])
    return replace(check, path=check.path[:at] + changed + check.path[at + 1 :])


def with_size(size: int, chance: Random) -> Check:
    # A proof does not bind the size: it is the signature below it that does.
    note = TREES[size].note().replace(f"\n{size}\n", f"\n{other(size, 0, 2 * size, chance)}\n")
    return Check(kind="note", note=note, key=KEY)


#: Each alters one thing of a check that holds, at a place of a tree.
ALTERED: Sequence[Callable[[int, int, Random], Check]] = (
    lambda size, at, chance: replace(inclusion(size, at), entry=flip(entry(at), chance)),
    lambda size, at, chance: replace(inclusion(size, at), index=other(at, 0, size - 1, chance)),
    lambda size, at, chance: replace(inclusion(size, at), root=flip(TREES[size].root(size), chance)),
    lambda size, at, chance: with_path(inclusion(size, at), chance),
    lambda size, at, chance: replace(consistency(size, at), old_root=flip(TREES[size].root(at), chance)),
    lambda size, at, chance: replace(consistency(size, at), root=flip(TREES[size].root(size), chance)),
    lambda size, at, chance: replace(consistency(size, at), old_size=other(at, 1, size, chance)),
    lambda size, at, chance: with_path(consistency(size, at), chance),
    lambda size, _at, chance: with_size(size, chance),
)


def mutation(number: int) -> Check:
    chance = seeded(number)
    size = chance.choice(SIZES[2:])
    return ALTERED[number % len(ALTERED)](size, chance.randrange(1, size), chance)


def test_go_refuses_every_mutation_and_so_do_we(gopher: Path) -> None:
    checks = [mutation(number) for number in range(MUTATIONS)]

    assert [number for number, said in enumerate(refusals(gopher, checks)) if not said] == []
    assert [number for number, check in enumerate(checks) if not ours(check)] == []


def exported_log(folder: Path, indexes: Sequence[int], olds: Sequence[int]) -> Check:
    return Check(kind="folder", folder=str(folder), key=KEY, indexes=tuple(indexes), olds=tuple(olds))


@pytest.mark.parametrize("size", SIZES)
def test_go_proves_entries_and_older_trees_from_an_exported_log(gopher: Path, tmp_path: Path, size: int) -> None:
    folder = exported(tmp_path / "log", some_log(size))
    places = [0, size - 1, *seeded(size).sample(range(size), min(size, 100))]

    assert refusals(gopher, [exported_log(folder, places, [place + 1 for place in places])]) == [""]


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/003.p/232", "tile/1/000.p/3", "tile/entries/003.p/232"])
def test_go_refuses_an_exported_log_that_was_altered(gopher: Path, tmp_path: Path, name: str) -> None:
    folder = exported(tmp_path / "log", some_log(1_000))
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(flip(data[:32], seeded(1)) + data[32:])

    assert refusals(gopher, [exported_log(folder, [768], [1_000])]) != [""]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let a real server write a log, and hand it out with the receipt of one event and the public key."""
    place = tmp_path_factory.mktemp("served")
    with serving(place) as target, Client(target) as client:
        for name in ("one", "two", "three"):
            asked = create(model(name), reference())
            client.create_model(asked.model, asked.reference)
            client.operations.hold(name)
        for command in (("receipt", "4", "--out", "receipt"), ("tiles", "tiles")):
            assert remission(*command, folder=place, REMISSION_SERVER=target).code == 0
    (place / "key").write_text(remission("key", "show", "log.key", folder=place).out.split()[0])
    return place


def test_go_proves_every_entry_that_a_real_server_has_exported(gopher: Path, served: Path) -> None:
    size = parse(parse_note((served / "tiles" / "checkpoint").read_text()).text).size
    check = exported_log(served / "tiles", range(size), range(1, size + 1))

    assert size >= 6
    assert refusals(gopher, [replace(check, key=(served / "key").read_text())]) == [""]


def test_go_agrees_with_the_receipt_of_a_real_server(gopher: Path, served: Path) -> None:
    receipt = parse_receipt((served / "receipt").read_text())
    told = parse(parse_note(receipt.checkpoint).text)
    entry_there = (served / "receipt.entry").read_bytes()
    note = Check(kind="note", note=receipt.checkpoint, key=(served / "key").read_text())
    proof = Check(
        kind="inclusion", size=told.size, root=told.root, index=receipt.index, entry=entry_there, path=receipt.path
    )

    assert refusals(gopher, [note, proof]) == ["", ""]
    assert refusals(gopher, [replace(proof, entry=entry_there + b" ")]) != [""]
