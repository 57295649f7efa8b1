"""Of many streams no more ends are remembered than there is room for."""

from __future__ import annotations

import pytest

from store.ledger import Tail
from store.records import Head
from store.sql import unit
from store.sql.unit import Ends

HEAD = Head(7, "root", 1)


@pytest.mark.parametrize(("streams", "kept", "since"), [(2, 2, 0), (3, 0, 7)])
def test_too_many_ends_are_let_go_of_and_where_the_log_ends_is_known_all_the_same(
    monkeypatch: pytest.MonkeyPatch, streams: int, kept: int, since: int
) -> None:
    monkeypatch.setattr(unit, "_MOST_TAILS", 2)
    ends = Ends(HEAD, tails={f"m{number}": Tail(1, "hash") for number in range(streams)})

    ends.forget_most()

    assert (len(ends.tails), ends.since, ends.head) == (kept, since, HEAD)
