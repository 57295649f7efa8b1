"""What an incident is like, over the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from remission import Client
from remission.errors import NotFoundError
from remission.v1 import audit_pb2

from tests.fixtures.listeners import in_memory
from tests.integration.server.examples import NORMAL, a_model, a_reference, decline, points


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two models: of one a metric rose for a short time, of the other it has risen for good."""
    with in_memory() as target, Client(target, timeout=30.0) as made:
        for name in ("approval", "limit"):
            made.create_model(a_model(name), a_reference())
        made.ingest_metrics("limit", points(1, [*NORMAL, 0.5, 0.5]))
        made.ingest_metrics("limit", points(100, NORMAL))
        decline(made, "approval")
        yield made


def test_an_incident_comes_with_those_that_it_is_like_and_what_ended_them(client: Client) -> None:
    found = client.audit.similar_incidents("approval")
    (similar,) = found.similar

    assert (found.incident.model, found.incident.outcome, found.incident.ended_us) == ("approval", "", 0)
    assert (similar.incident.model, similar.incident.subject, similar.incident.outcome) == (
        "limit", "error_rate", "blip",
    )  # fmt: skip
    assert similar.cure == "nothing: later data showed that it had passed"
    assert similar.incident.ended_us > similar.incident.detected_us
    assert (found.models_read, found.models_left_out) == (1, 0)


def test_each_similarity_is_the_weighted_mean_of_its_parts(client: Client) -> None:
    (similar,) = client.audit.similar_incidents("approval").similar
    weights = [part.weight for part in similar.parts]

    assert similar.similarity == pytest.approx(
        sum(part.weight * part.agreement for part in similar.parts) / sum(weights), abs=1e-6
    )
    assert {part.part for part in similar.parts} >= {"signal", "subject", "metric"}


def test_an_alarm_is_asked_about_by_its_position(client: Client) -> None:
    (alarm,) = client.audit.events("limit", types=["alarm_raised"])
    found = client.audit.similar_incidents("limit", position=alarm.position)

    assert found.incident.position == alarm.position
    with pytest.raises(NotFoundError, match="position: no incident of 'limit' began at"):
        client.audit.similar_incidents("limit", position=alarm.position + 1)


def test_nothing_is_recorded_by_asking(client: Client) -> None:
    before = [one.hash for one in client.history()]
    client.audit.similar_incidents("approval")

    assert [one.hash for one in client.history()] == before


def test_where_only_the_model_itself_is_asked_about_no_other_is_read(client: Client) -> None:
    found = client.audit.similar_incidents("approval", own=True)

    assert (list(found.similar), found.models_read) == (list[audit_pb2.SimilarIncident](), 0)
