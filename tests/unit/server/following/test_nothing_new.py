"""Models that have nothing new cost a server next to nothing, however many they are and however much they had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from server.desk import FOLLOWER
from server.following import consequences, neglect
from server.following.neglect import Neglect
from server.models import operating, registration, routing
from server.service import Service
from store import Cursor, Unit
from tests.fixtures.asked import Asked
from tests.fixtures.jobs import WORKER
from tests.fixtures.services import Feed, a_model, a_service


def followed(service: Service, seq: int) -> dict[str, int]:
    """Follow as a server does that has just started and finds a follower at *seq*; tell what it has asked."""

    def work(unit: Unit) -> dict[str, int]:
        unit.put(Cursor(stream="m", name=FOLLOWER, seq=seq, body=b""))
        service.desk.forget("m")
        asked: Any = Asked(unit)
        consequences.follow(service.desk, asked, "m")
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

    assert nothing_new == {"version": 1, "cursor": 1, "feed_head": 1}
    assert {"feed", "evidence"} <= set(something_new)


def test_one_question_finds_those_who_have_something_new_among_however_many() -> None:
    names = [f"m-{number}" for number in range(6)]
    with a_service() as service:
        for name in names:
            service.create_model(a_model(name)).result()
            Feed(service, name).rows(5)
        behind = Cursor(stream=names[3], name=FOLLOWER, seq=1, body=b"")
        service.do(lambda unit: unit.put(behind)).result()
        reader: Any = service.store.read(Asked)
        never_moved = Neglect()

        looks = [never_moved.found(reader), never_moved.found(reader), neglect.waiting(reader)]

    assert looks == [[], [names[3]], [names[3]]]
    assert reader.counts == {"unfollowed": 3, "projection": 2}  # the last is asked of those alone that are found


def test_rows_that_nobody_will_look_at_since_their_model_is_retired_are_no_neglect() -> None:
    with a_service() as service:
        service.create_model(a_model()).result()
        Feed(service).rows(5)
        service.retire_model("m", "", "").result()
        service.do(lambda unit: unit.put(Cursor(stream="m", name=FOLLOWER, seq=1, body=b""))).result()
        never_moved = Neglect()

        looks = [service.store.read(never_moved.found) for _ in range(2)]

    assert looks == [[], []]


@contextmanager
def a_held_model() -> Iterator[Service]:
    """Give a service whose model has rows and labels, and waits for a person; nothing of them is known by heart."""
    with a_service() as service:
        service.create_model(a_model()).result()
        feed = Feed(service)
        feed.labels(feed.rows(20), [0.0, 1.0] * 10)
        service.operate("hold", "m", "", "", WORKER).result()
        service.desk.forget("m")
        yield service


def asked(service: Service, do: Callable[[Unit], Any]) -> tuple[Any, Counter[str]]:
    """Do something; give what came of it, and what the store was asked."""

    def work(unit: Unit) -> tuple[Any, Counter[str]]:
        asking: Any = Asked(unit)
        return do(asking), asking.counts

    return service.do(work).result()


def test_to_remind_people_of_a_model_none_of_its_rows_is_read() -> None:
    with a_held_model() as service:
        before = service.state("m").version
        (timer,) = service.store.read(lambda reader: reader.timers("m"))

        fired, counts = asked(service, lambda unit: consequences.fire_timers(service.desk, unit, "m", timer.due_us))

        assert [one.type for one in service.events("m", 0, 100)][before:] == ["notified"]
    assert fired == 1
    assert counts["feed"] == 0


@pytest.mark.parametrize("order", ["release", "freeze", "abort", "retire", "acknowledge"])
def test_an_order_waits_for_no_rows_to_be_read(order: str) -> None:
    with a_held_model() as service:
        desk = service.desk
        orders: dict[str, Callable[[Unit], Any]] = {
            "retire": lambda unit: registration.retire_model(desk, unit, "m", "", "", WORKER),
            "acknowledge": lambda unit: routing.acknowledge(desk, unit, "m", 1, "router", 0, "", WORKER),
        }
        if order == "abort":
            service.operate("release", "m", "", "", WORKER).result()
            service.start_retraining("m", "", "", [], WORKER).result()
            desk.forget("m")

        _, counts = asked(
            service, orders.get(order, lambda unit: operating.operate(desk, unit, order, "m", "", "", WORKER))
        )
        after = service.store.read(lambda reader: desk.intake(reader, "m"))

        assert service.events("m", 0, 100)[-1].occurred_us >= after.watermark_us
    assert counts["feed"] == 0
    assert counts["append"] == 1
