"""The notary signs one log, never two that differ, and knows a restored backup from the log that it was made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from remission_verify.auditing import check_receipt
from remission_verify.checkpoint import Checkpoint as Told
from remission_verify.checkpoint import open_checkpoint
from remission_verify.merkle import verify_consistency
from remission_verify.note import sign
from remission_verify.trust import Trust

from server.checkpoints import receipts
from server.checkpoints.keys import Keys, KeyUnusable, fresh_keys, retired, rotated
from server.checkpoints.notary import LogUnsafe, Notary
from server.errors import ThingMissing
from store import Store, open_store
from store.records import Checkpoint
from tests.fixtures.events import some_events
from tests.fixtures.work import appending, keeping

KEYS = fresh_keys("log.example")


def a_log(*, events: int = 0, name: str = "a") -> Store:
    store = open_store("memory://", clock_us=lambda: 7)
    if events:
        store.run(appending(name, 0, *some_events(name, events)))
    return store


def a_notary(file: Path, keys: Keys = KEYS) -> Notary:
    return Notary(keys, file, lambda: 9)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "newest"


def signed(store: Store, notary: Notary) -> Checkpoint:
    made = store.run(notary.sign)
    notary.keep(made.note.decode())
    return made


def test_a_checkpoint_says_what_is_committed_and_opens_with_the_key(file: Path) -> None:
    store, notary = a_log(events=5), a_notary(file)
    made = signed(store, notary)

    told = open_checkpoint(made.note.decode(), notary.verifiers, "log.example")
    assert (told.size, told.root.hex()) == (5, store.read(lambda reader: reader.head()).root)
    assert notary.known() == told


def test_a_log_is_unguarded_where_it_was_signed_and_the_file_of_its_newest_checkpoint_is_gone(file: Path) -> None:
    store, notary = a_log(events=5), a_notary(file)
    before = notary.unguarded(store)
    signed(store, notary)
    guarded = notary.unguarded(store)
    file.unlink()

    assert (before, guarded, notary.unguarded(store)) == (0, 0, 5)


def test_what_was_signed_is_not_signed_again(file: Path) -> None:
    store, notary = a_log(events=5), a_notary(file)

    assert signed(store, notary) == signed(store, notary)
    assert len(store.read(lambda reader: reader.checkpoints(limit=9))) == 1


def test_an_older_checkpoint_never_takes_the_place_of_a_newer_one(file: Path) -> None:
    store, notary = a_log(events=5), a_notary(file)
    old = signed(store, notary)
    store.run(appending("b", 0, *some_events("b", 1)))
    signed(store, notary)
    notary.keep(old.note.decode())

    known = notary.known()
    assert known is not None
    assert known.size == 6


def test_a_log_that_grew_since_it_was_signed_is_served(file: Path) -> None:
    store, notary = a_log(events=5), a_notary(file)
    signed(store, notary)
    store.run(appending("b", 0, *some_events("b", 300)))

    notary.check(store)


def test_a_log_that_was_signed_before_its_first_event_is_served_then_and_when_it_has_grown(file: Path) -> None:
    store, notary = a_log(), a_notary(file)
    assert signed(store, notary).size == 0
    notary.check(store)
    store.run(appending("a", 0, *some_events("a", 3)))

    notary.check(store)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            lambda: a_log(events=4),
            r"the log has 4 events, and .* holds a checkpoint of 5: it was restored from a backup",
        ),
        (lambda: a_log(events=9, name="other"), r"the first 5 events have the root .*: the log was altered"),
    ],
)
def test_a_log_that_is_not_the_one_that_was_signed_is_not_served(
    file: Path, other: Callable[[], Store], said: str
) -> None:
    notary = a_notary(file)
    signed(a_log(events=5), notary)

    with pytest.raises(LogUnsafe, match=said):
        notary.check(other())


def test_keys_of_another_log_are_refused(file: Path) -> None:
    store = a_log(events=5)
    signed(store, a_notary(file))

    with pytest.raises(KeyUnusable, match="no trusted key has signed the note"):
        a_notary(file.with_name("other"), fresh_keys("log.example")).check(store)


def test_a_server_with_other_keys_signs_nothing_of_a_log_that_was_signed_since_it_has_started(file: Path) -> None:
    store = a_log(events=5)
    others = a_notary(file.with_name("other"), fresh_keys("log.example"))
    others.check(store)
    old = signed(store, a_notary(file))
    store.run(appending("b", 0, *some_events("b", 1)))

    with pytest.raises(KeyUnusable, match="the checkpoint of size 5: no trusted key has signed the note"):
        store.run(others.sign)
    assert store.read(lambda reader: reader.checkpoints(limit=9)) == (old,)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (6, "the log has 5 events, and the database holds a checkpoint of 6: it was restored from a backup or cut off"),
        (4, "the first 4 events have the root .*, the checkpoint in the database says 0{64}: the log was altered"),
    ],
)
def test_a_log_that_its_own_last_checkpoint_belies_is_not_served_though_none_is_kept_outside(
    file: Path, size: int, said: str
) -> None:
    store, root = a_log(events=5), bytes(32)
    note = sign(Told("log.example", size, root).body, KEYS.signers)
    store.run(keeping(Checkpoint(epoch=1, size=size, root=root.hex(), note=note.encode(), created_us=9)))

    with pytest.raises(LogUnsafe, match=said):
        a_notary(file).check(store)


def test_a_key_is_changed_without_a_break(file: Path) -> None:
    store = a_log(events=5)
    old = signed(store, a_notary(file))
    both = rotated(KEYS)
    store.run(appending("b", 0, *some_events("b", 1)))
    a_notary(file, both).check(store)
    between = signed(store, a_notary(file, both))
    new = a_notary(file, retired(both, KEYS.verifiers[0].key_id.hex()))
    new.check(store)

    for verifiers, note in ((KEYS.verifiers, old), (KEYS.verifiers, between), (both.verifiers[:1], between)):
        assert open_checkpoint(note.note.decode(), verifiers).origin == "log.example"
    assert open_checkpoint(old.note.decode(), new.verifiers).size == 5


def test_a_file_that_is_no_checkpoint_is_refused_by_name(file: Path) -> None:
    file.write_text("garbage")

    with pytest.raises(LogUnsafe, match=r"checkpoint_file: .*newest"):
        a_notary(file).check(a_log(events=5))


def test_a_receipt_proves_an_event_offline(file: Path) -> None:
    store, notary = a_log(events=300), a_notary(file)
    signed(store, notary)
    proven = store.read(lambda reader: receipts.receipt(reader, 257, 0))

    found = check_receipt("r", proven.receipt.text, proven.leaf, Trust(tuple(notary.verifiers), "log.example"))

    assert (found.faults, found.size) == ([], 300)


def test_an_older_checkpoint_is_proven_to_begin_the_newer(file: Path) -> None:
    store, notary = a_log(events=300), a_notary(file)
    old = signed(store, notary)
    store.run(appending("b", 0, *some_events("b", 77)))
    new = signed(store, notary)
    found = store.read(lambda reader: receipts.consistency(reader, 300, 0))

    roots = bytes.fromhex(old.root), bytes.fromhex(new.root)
    verify_consistency(300, roots[0], 377, roots[1], found.path)


def test_a_checkpoint_proves_nothing_beyond_its_own_events(file: Path) -> None:
    store = a_log(events=5)
    signed(store, a_notary(file))
    for beyond in (0, 6):
        with pytest.raises(ThingMissing, match=f"of the positions 1 to 5, {beyond} is not among them"):
            store.read(partial(receipts.receipt, position=beyond, size=0))
        with pytest.raises(ThingMissing, match=f"1 to 5 is accepted, not {beyond}"):
            store.read(partial(receipts.consistency, old=beyond, size=0))

    assert [store.read(partial(receipts.receipt, position=at, size=0)).receipt.index for at in (1, 5)] == [0, 4]
    assert [store.read(partial(receipts.consistency, old=at, size=0)).old for at in (1, 5)] == [1, 5]
    assert store.read(lambda reader: receipts.consistency(reader, 5, 0)).path == ()


@pytest.mark.parametrize(
    ("size", "said"),
    [(4, "none before it is"), (7, "the nearest before it is of 5"), (9, "the nearest before it is of 8")],
)
def test_a_size_that_was_not_signed_is_refused_with_the_nearest_before_it(file: Path, size: int, said: str) -> None:
    store, notary = a_log(events=5), a_notary(file)
    signed(store, notary)
    store.run(appending("b", 0, *some_events("b", 3)))
    signed(store, notary)

    with pytest.raises(ThingMissing, match=f"no checkpoint of {size} events is kept; {said}; 0 takes the newest one"):
        store.read(lambda reader: receipts.checkpoint(reader, size))
    assert [store.read(partial(receipts.checkpoint, size=at)).size for at in (5, 8, 0)] == [5, 8, 8]


def test_without_a_checkpoint_there_is_nothing_to_prove_against() -> None:
    with pytest.raises(ThingMissing, match="none was signed so far"):
        a_log(events=5).read(lambda reader: receipts.receipt(reader, 1, 0))
