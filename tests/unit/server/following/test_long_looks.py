"""What is looked at for long: as few blocks as the question needs, and the database is told that somebody is at it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.desk import FOLLOWER
from server.following import consequences
from server.reactions.evidence import latest
from store import Cursor, Unit
from tests.fixtures.blocks import a_block
from tests.fixtures.services import Feed, a_model, a_service

ENTRIES, ROWS = 6, 20


@given(st.lists(st.integers(0, 9)), st.integers(0, 10), st.integers(1, 12))
def test_the_latest_blocks_are_the_last_of_all_that_lie_behind_the_row(rows: list[int], row: int, most: int) -> None:
    blocks = [a_block(first_row, index=index) for index, first_row in enumerate(rows)]

    assert latest(blocks, row, most) == [one for one in blocks if one.first_row >= row][-most:]


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
