"""A model that has nothing new costs a server that starts next to nothing, however much it had."""

from __future__ import annotations

from typing import Any

from server.desk import FOLLOWER
from server.following import following
from server.service import Service
from store import Cursor, Unit
from tests.fixtures.asked import Asked
from tests.fixtures.services import Feed, a_model, a_service


def followed(service: Service, seq: int) -> dict[str, int]:
    """Follow as a server does that has just started and finds a follower at *seq*; tell what it has asked."""

    def work(unit: Unit) -> dict[str, int]:
        unit.put(Cursor(stream="m", name=FOLLOWER, seq=seq, body=b""))
        service.desk.forget("m")
        asked: Any = Asked(unit)
        following.follow(service.desk, asked, "m")
        return dict(asked.counts)

    return service.do(work).result()


def test_a_feed_that_was_followed_to_its_end_is_not_read_again() -> None:
    with a_service() as service:
        service.create_model(a_model()).result()
        ids = Feed(service).rows(20)
        Feed(service).labels(ids, [0.0, 1.0] * 10)
        end = service.store.read(lambda reader: reader.feed_head("m").seq)

        nothing_new = followed(service, end)
        something_new = followed(service, end - 1)

    assert nothing_new == {"cursor": 1, "feed_head": 1}
    assert {"feed", "evidence"} <= set(something_new)
