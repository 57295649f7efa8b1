from dataclasses import replace

import pytest

from store import AlreadyRecorded, Cursor, FeedHead, FeedItem, FeedOutOfOrder, Projection, Store, Unit, Write
from tests.fixtures.work import keeping


def an_item(seq: int, kind: str = "rows", first_row: int = 0, row_count: int = 10, batch_id: str = "") -> FeedItem:
    return FeedItem(
        stream="a",
        seq=seq,
        kind=kind,
        batch_id=batch_id or f"b-{seq}",
        first_row=first_row,
        row_count=row_count,
        watermark_us=seq * 100,
        body=b"\x00" * seq,
    )


def feed(store: Store, *items: Write) -> None:
    store.run(keeping(*items))


def test_an_empty_feed_stands_at_nought(store: Store) -> None:
    assert store.read(lambda reader: reader.feed_head("a")) == FeedHead(0, 0, 0)


def test_the_head_counts_rows_and_items(store: Store) -> None:
    feed(store, an_item(1), an_item(2, first_row=10, row_count=5), an_item(3, kind="labels", row_count=15))

    assert store.read(lambda reader: reader.feed_head("a")) == FeedHead(3, 15, 300)


def test_items_are_read_in_order_from_any_place(store: Store) -> None:
    items = [an_item(1), an_item(2, kind="metrics"), an_item(3, first_row=10)]
    feed(store, *items)

    assert store.read(lambda reader: reader.feed("a", 0, 10)) == tuple(items)
    assert store.read(lambda reader: reader.feed("a", 1, 1)) == (items[1],)
    assert store.read(lambda reader: reader.feed("b", 0, 10)) == ()


@pytest.mark.parametrize("wrong", [an_item(3, first_row=10), an_item(1, first_row=10), an_item(2, first_row=9)])
def test_an_item_that_does_not_follow_is_refused(store: Store, wrong: FeedItem) -> None:
    feed(store, an_item(1))

    with pytest.raises(FeedOutOfOrder) as refused:
        feed(store, wrong)

    assert (refused.value.next_seq, refused.value.next_row) == (2, 10)


def test_a_batch_is_accepted_once_a_kind(store: Store) -> None:
    feed(store, an_item(1, batch_id="same"), an_item(2, kind="labels", batch_id="same"))

    with pytest.raises(AlreadyRecorded) as refused:
        feed(store, an_item(3, first_row=10, batch_id="same"))

    assert refused.value.what == "feed_batch_key"
    assert store.read(lambda reader: reader.feed_batch("a", "rows", "same")) == an_item(1, batch_id="same")
    assert store.read(lambda reader: reader.feed_batch("a", "rows", "other")) is None


@pytest.mark.parametrize(
    ("first", "until", "found"),
    [(0, 30, [1, 2, 3]), (0, 1, [1]), (9, 11, [1, 2]), (10, 20, [2]), (29, 99, [3]), (30, 99, []), (15, 15, [2])],
)
def test_rows_are_found_where_they_are(store: Store, first: int, until: int, found: list[int]) -> None:
    feed(store, *(an_item(seq, first_row=seq * 10 - 10) for seq in (1, 2, 3)), an_item(4, kind="labels", first_row=0))

    assert [item.seq for item in store.read(lambda reader: reader.feed_rows("a", first, until))] == found


def test_a_cursor_is_replaced_by_name(store: Store) -> None:
    first = Cursor(stream="a", name="windows", seq=1, body=b"1")
    second = Cursor(stream="a", name="windows", seq=2, body=b"2")
    store.run(keeping(first, second))

    assert store.read(lambda reader: reader.cursor("a", "windows")) == second
    assert store.read(lambda reader: reader.cursor("a", "labels")) is None


def a_state(stream: str) -> Projection:
    return Projection(stream=stream, version=1, state="s", phase="", automation="auto", body=b"1", updated_us=1)


def test_feeds_that_go_on_behind_a_cursor_are_named_with_where_it_stands(store: Store) -> None:
    feeds = {"ahead": 3, "even": 2, "new": 1}
    items = [
        replace(an_item(seq, kind="metrics"), stream=name) for name, most in feeds.items() for seq in range(1, most + 1)
    ]
    feed(store, *items, *(a_state(name) for name in (*feeds, "empty")), replace(an_item(1), stream="stateless"))
    store.run(keeping(*(Cursor(stream=name, name="follower", seq=2, body=b"") for name in ("ahead", "even"))))
    store.run(keeping(Cursor(stream="new", name="another", seq=1, body=b"")))

    found = store.read(lambda reader: reader.unfollowed("follower"))

    assert list(found.items()) == [("ahead", 2), ("new", 0)]
    assert store.run(lambda unit: moved(unit, "ahead", 3)) == {"new": 0}


def moved(unit: Unit, stream: str, seq: int) -> dict[str, int]:
    unit.put(Cursor(stream=stream, name="follower", seq=seq, body=b""))
    return unit.unfollowed("follower")
