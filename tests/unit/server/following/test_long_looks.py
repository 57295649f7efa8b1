"""What is looked at for long: as few blocks as the question needs, and the database is told that somebody is at it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.desk import FOLLOWER
from server.following import consequences
from server.reactions.evidence import earliest, latest, since
from store import Cursor, Unit
from tests.fixtures.blocks import a_block
from tests.fixtures.services import REFERENCE_ROWS, Feed, a_model, a_service

ENTRIES, ROWS = 6, 20


@given(st.lists(st.integers(0, 9)), st.integers(0, 10), st.integers(1, 12))
def test_the_latest_blocks_are_the_last_of_all_that_lie_behind_the_row(rows: list[int], row: int, most: int) -> None:
    blocks = [a_block(first_row, index=index) for index, first_row in enumerate(rows)]

    assert latest(blocks, row, most) == [one for one in blocks if one.first_row >= row][-most:]


@given(st.lists(st.integers(0, 9)), st.integers(0, 10), st.integers(1, 12))
def test_the_earliest_blocks_are_found_without_a_look_behind_them(rows: list[int], row: int, most: int) -> None:
    blocks = [a_block(first_row, index=index) for index, first_row in enumerate(rows)]
    unseen = iter(blocks)
    behind = [one for one in blocks if one.first_row >= row]

    assert earliest(unseen, row, most) == behind[:most]
    assert [*unseen] == (blocks[behind[most - 1].index + 1 :] if len(behind) >= most else [])


def test_the_earliest_blocks_end_where_they_are_asked_to_end() -> None:
    blocks = [a_block(first_row) for first_row in (0, 30, 10, 20)]

    assert [one.first_row for one in earliest(blocks, 10, 4, end_row=30)] == [10, 20]


def test_what_closed_before_a_row_was_reached_is_passed_also_where_labels_come_in_any_order() -> None:
    with a_service() as service:
        service.create_model(a_model()).result()
        feed = Feed(service)
        early, late = feed.rows(100), feed.rows(100)
        for ids in (early[:50], late, early[50:], feed.rows(100)):
            feed.labels(ids, [0.0, 1.0] * (len(ids) // 2))
        watch = service.do(lambda unit: service.desk.watch(unit, "m")).result()

    for row in range(REFERENCE_ROWS, REFERENCE_ROWS + 302):
        assert since(watch, row) == [one for one in watch.blocks if one.first_row >= row]
    assert 0 < len(watch.blocks_past(REFERENCE_ROWS + 250)) < len(watch.blocks) / 5


def test_the_blocks_within_rows_are_the_same_however_often_they_are_asked_for_while_labels_come() -> None:
    first, end = REFERENCE_ROWS + 40, REFERENCE_ROWS + 160
    with a_service() as service:
        service.create_model(a_model()).result()
        feed, asked = Feed(service), [(first, end), (first, end), (0, end), (first, end), (first, end + 10)]
        early, late = feed.rows(100), feed.rows(100)
        found, known = list[int](), list[int]()
        for ids in (early[:50], late, early[50:], feed.rows(100)):
            feed.labels(ids, [0.0, 1.0] * (len(ids) // 2))
            watch = service.do(lambda unit: service.desk.watch(unit, "m")).result()
            for low, high in asked:
                found.append(len(watch.blocks_within(low, high)))
                known.append(len([one for one in watch.blocks if low <= one.first_row and one.end_row <= high]))

    assert found == known
    assert found[-1] > found[0] > 0


class Listening:
    """A real unit, and how often work has said that it goes on."""

    def __init__(self, unit: Any) -> None:
        self._unit, self.heard = unit, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)

    def stay(self) -> None:
        """Count."""
        self.heard += 1


def test_a_follower_lets_the_database_know_after_each_entry_and_each_block() -> None:
    with a_service() as service:
        service.create_model(a_model()).result()
        feed = Feed(service)
        for _ in range(ENTRIES):
            feed.labels(feed.rows(ROWS), [0.0, 1.0] * (ROWS // 2))

        def from_the_start(unit: Unit) -> tuple[int, int]:
            unit.put(Cursor(stream="m", name=FOLLOWER, seq=0, body=b""))
            service.desk.forget("m")
            listening: Any = Listening(unit)
            consequences.follow(service.desk, listening, "m")
            return listening.heard, len(service.desk.watch(unit, "m").blocks)

        heard, blocks = service.do(from_the_start).result()

    assert blocks > ENTRIES
    assert heard >= 2 * ENTRIES + blocks
