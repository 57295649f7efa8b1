"""A loss that rises while a regret is looked into raises its own alarm, and settles the matter."""

from __future__ import annotations

from typing import Any

import orjson

from server.service import Service
from tests.fixtures.jobs import compete, place
from tests.fixtures.services import REFERENCE_ROWS, Feed


def regretted(service: Service) -> Feed:
    """Let a challenger beat the champion by far; give the feed that goes on behind its rows."""
    compete(service, 0.5)
    feed = Feed(service)
    feed.skip_to(REFERENCE_ROWS + 20)
    return feed


def told(service: Service, *types: str) -> list[tuple[str, str]]:
    """Give the signals of the model's events of *types*."""
    found: list[dict[str, Any]] = [
        {"type": one.type, **orjson.loads(one.payload or b"{}")} for one in service.events("m", 0, 1_000)
    ]
    return [(one["type"], one["signal"]) for one in found if one["type"] in types]


def test_a_risen_loss_takes_the_place_of_a_regret_and_confirms_the_decline(challenged: Service) -> None:
    feed = regretted(challenged)
    before = place(challenged)

    for _ in range(10):
        feed.labels(feed.rows(10, output=0.99), [0.0] * 10)

    assert before == "suspect."
    assert told(challenged, "alarm_raised", "decline_confirmed") == [
        ("alarm_raised", "regret"), ("alarm_raised", "loss"), ("decline_confirmed", "loss"),
    ]  # fmt: skip


def test_a_loss_that_stays_where_it_was_leaves_a_regret_to_its_challengers(challenged: Service) -> None:
    feed = regretted(challenged)

    for _ in range(10):
        feed.labels(feed.rows(10), [0.0, 1.0] * 5)

    assert told(challenged, "alarm_raised") == [("alarm_raised", "regret")]
    assert place(challenged) == "suspect."
