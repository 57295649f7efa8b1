"""A bake-off behind a change holds out half of what is known of the new world, and lets entrants learn the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from server.service import Service
from tests.fixtures.jobs import compete, leased, place
from tests.fixtures.services import REFERENCE_ROWS, Feed, a_model, a_service

WHOLE = {"holdout": 1.0}


def declined(service: Service, calm: int) -> dict[str, Any]:
    """Let the loss rise behind *calm* rows; give the spec of the bake-off, and the row since when it is worse."""
    service.create_model(replace(a_model(), policy={"bakeoff": WHOLE, "regret": {"every": 0}})).result()
    feed = Feed(service)
    feed.labels(feed.rows(calm), [0.0, 1.0] * (calm // 2))
    while place(service) != "retraining.queued":
        feed.labels(feed.rows(10, output=0.99), [0.0] * 10)
    raised = [orjson.loads(one.payload or b"{}") for one in service.events("m", 0, 1_000) if one.type == "alarm_raised"]
    spec = leased(service).spec["spec"]
    return {**spec, "onset_row": raised[-1]["onset_row"]}


@pytest.mark.parametrize("calm", [40, 80])
def test_rows_since_the_change_are_shared_between_learning_and_the_holdout(calm: int) -> None:
    with a_service() as service:
        spec = declined(service, calm)
    first, end = spec["holdout"]

    assert spec["onset_row"] == REFERENCE_ROWS + calm
    assert end - first == max((end - spec["onset_row"]) // 2, REFERENCE_ROWS // 2)
    assert all(rows[1] == first for one in spec["entrants"] for rows in one["rows"])


def test_a_lead_of_a_challenger_dates_no_change_and_leaves_the_holdout_whole() -> None:
    with a_service() as service:
        service.create_model(replace(a_model(), policy={"bakeoff": WHOLE})).result()
        feed = Feed(service)
        feed.labels(feed.rows(20), [0.0, 1.0] * 10)
        while place(service) != "retraining.queued":
            if service.state("m").job:
                compete(service, 0.5)
            else:
                feed.labels(feed.rows(10), [0.0, 1.0] * 5)
        spec = leased(service).spec["spec"]

    assert spec["holdout"][1] - spec["holdout"][0] == REFERENCE_ROWS
