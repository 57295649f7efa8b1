"""The Merkle tree over the log grows with every commit, and with nothing else."""

from __future__ import annotations

import pytest

from statemachine.record.envelope import leaf_hash
from store import AlreadyRecorded, Checkpoint, ClearCheckpoint, Head, RecordIsImmutable, Store, TileMissing, TreeAltered
from store.ports import Reader, Unit
from store.rules import DAY_US
from store.tree import EMPTY, Edge, edge_at, hashes_in
from tests.fixtures.events import some_events
from tests.fixtures.trees import root_of
from tests.fixtures.work import appending, keeping


def hashes(reader: Reader) -> list[bytes]:
    """Return the leaves' hashes of all events, from their envelopes."""
    return [leaf_hash(event) for event in reader.all_events(0, 10_000)]


def grown(store: Store, *sizes: int) -> None:
    """Append batches of *sizes*, one commit each."""
    for number, size in enumerate(sizes):
        store.run(appending(f"s{number}", 0, *some_events(f"s{number}", size)))


@pytest.mark.parametrize("sizes", [(1,), (2, 1), (255, 1), (256,), (300, 1, 220), (700, 400)])
def test_the_head_holds_the_root_over_all_events(store: Store, sizes: tuple[int, ...]) -> None:
    grown(store, *sizes)

    found = store.read(lambda reader: (reader.head(), root_of(hashes(reader)).hex()))
    assert (found[0].position, found[0].root) == (sum(sizes), found[1])


def test_a_tile_holds_the_hashes_of_its_leaves_full_or_not(store: Store) -> None:
    grown(store, 300)

    def work(reader: Reader) -> bool:
        every = hashes(reader)
        return (
            hashes_in(reader.tile(0, 0)) == every[:256]
            and hashes_in(reader.tile(0, 0, 7)) == every[:7]
            and hashes_in(reader.tile(0, 1, 44)) == every[256:]
            and hashes_in(reader.tile(1, 0, 1)) == [root_of(every[:256])]
        )

    assert store.read(work)


@pytest.mark.parametrize("place", [(0, 1, 45), (0, 2, 1), (1, 0, 2), (2, 0, 1)])
def test_a_tile_behind_the_end_is_refused(store: Store, place: tuple[int, int, int]) -> None:
    grown(store, 300)

    with pytest.raises(TileMissing) as refused:
        store.read(lambda reader: reader.tile(*place))

    assert (refused.value.level, refused.value.idx, refused.value.width) == place


def known_to(reader: Reader, size: int | None) -> Edge | None:
    """Give an edge that ended at *size*, which may lie behind the log."""
    edge = None if size is None else Edge()
    if edge is not None:
        edge.grow([*hashes(reader), EMPTY][:size])
    return edge


@pytest.mark.parametrize("known", [None, 0, 1, 255, 256, 299, 300, 301])
def test_an_edge_that_ended_elsewhere_comes_to_the_end_of_the_log(store: Store, known: int | None) -> None:
    grown(store, 300)

    def work(reader: Reader) -> tuple[Head, Edge]:
        return reader.head(), edge_at(reader.head(), reader, known_to(reader, known))

    head, edge = store.read(work)

    assert (edge.size, edge.root().hex()) == (300, head.root)


@pytest.mark.parametrize("known", [None, 299])
def test_a_head_that_the_events_do_not_lead_to_is_told_as_altered(store: Store, known: int | None) -> None:
    grown(store, 300)

    def work(reader: Reader) -> Edge:
        return edge_at(reader.head()._replace(root=EMPTY.hex()), reader, known_to(reader, known))

    with pytest.raises(TreeAltered):
        store.read(work)


def test_work_that_fails_leaves_no_leaf(store: Store) -> None:
    grown(store, 3)

    def failing(unit: Unit) -> None:
        unit.append("bad", 0, some_events("bad", 2))
        raise ZeroDivisionError

    failed = store.submit(failing)
    done = store.submit(appending("good", 0, *some_events("good", 2)))
    with pytest.raises(ZeroDivisionError):
        failed.result()
    done.result()

    head = store.read(lambda reader: reader.head())
    assert (head.position, head.root) == (5, store.read(lambda reader: root_of(hashes(reader)).hex()))


def test_a_checkpoint_is_kept_once_and_the_newest_is_found_first(store: Store) -> None:
    signed = [Checkpoint(epoch=1, size=size, root="ab" * 32, note=b"%d" % size, created_us=5) for size in (2, 7, 300)]
    for one in signed:
        store.run(lambda unit, one=one: unit.put(one))  # type: ignore[misc]  # a bound default

    with pytest.raises(AlreadyRecorded):
        store.run(lambda unit: unit.put(signed[0]))

    assert store.read(lambda reader: reader.checkpoints()) == (signed[2],)
    assert store.read(lambda reader: reader.checkpoints(300, 5)) == (signed[1], signed[0])


def signed_at(size: int, created_us: int, epoch: int = 1) -> Checkpoint:
    return Checkpoint(epoch=epoch, size=size, root="ab" * 32, note=b"", created_us=created_us)


def test_a_checkpoint_may_go_while_a_later_one_of_its_day_stays(store: Store) -> None:
    store.run(keeping(signed_at(1, DAY_US), signed_at(2, DAY_US + 1), signed_at(3, 2 * DAY_US - 1)))
    store.run(keeping(ClearCheckpoint(epoch=1, size=2), ClearCheckpoint(epoch=1, size=1)))
    store.run(keeping(ClearCheckpoint(epoch=1, size=1), ClearCheckpoint(epoch=1, size=9)))

    assert store.read(lambda reader: reader.checkpoints(limit=9)) == (signed_at(3, 2 * DAY_US - 1),)


@pytest.mark.parametrize(
    "later",
    [None, signed_at(3, 2 * DAY_US), signed_at(1, DAY_US), signed_at(3, DAY_US, epoch=2)],
    ids=["alone", "next day", "fewer events", "other epoch"],
)
def test_the_last_checkpoint_of_a_day_stays(store: Store, later: Checkpoint | None) -> None:
    last = signed_at(2, DAY_US)
    store.run(keeping(last, *([later] if later else [])))

    with pytest.raises(RecordIsImmutable) as refused:
        store.run(keeping(ClearCheckpoint(epoch=1, size=2)))

    assert refused.value.what == "checkpoints"
    assert last in store.read(lambda reader: reader.checkpoints(limit=9))


def test_a_checkpoint_of_another_epoch_is_none_of_this_log(store: Store) -> None:
    other = Checkpoint(epoch=7, size=1, root="ab" * 32, note=b"", created_us=5)
    store.run(lambda unit: unit.put(other))

    assert store.read(lambda reader: reader.checkpoints()) == ()
    assert store.read(lambda reader: reader.checkpoints(epoch=7)) == (other,)


def test_sizes_and_times_of_checkpoints_are_told_without_what_was_signed(store: Store) -> None:
    signed = [signed_at(size, DAY_US * (9 - size)) for size in range(1, 6)]
    store.run(keeping(*signed, signed_at(4, 1, epoch=2)))
    pages = store.read(
        lambda reader: [reader.checkpoint_times(before, 2, epoch=1) for before in (None, 4, 2, 1)]
    )  # fmt: skip

    times = [(one.size, one.created_us) for one in reversed(signed)]
    assert pages == [tuple(times[:2]), tuple(times[2:4]), tuple(times[4:]), ()]


def test_times_of_checkpoints_that_the_same_work_has_kept_are_told(store: Store) -> None:
    def work(unit: Unit) -> tuple[tuple[int, int], ...]:
        unit.put(signed_at(1, DAY_US))
        return unit.checkpoint_times(None, 9, epoch=1)

    assert store.run(work) == ((1, DAY_US),)
