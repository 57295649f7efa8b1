"""`remission incidents similar`: what an incident is like, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from remission import Client

from tests.fixtures.commands import remission
from tests.fixtures.servers import serving
from tests.integration.server.examples import NORMAL, a_model, a_reference, decline, points


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("incidents")


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[str]:
    """A server with a model of which a metric rose for a while, one of which it stays, and one that is well."""
    with serving(folder, clock="stream") as address, Client(address) as client:
        for name in ("approval", "limit", "well"):
            client.create_model(a_model(name), a_reference())
        client.ingest_metrics("limit", points(1, [*NORMAL, 0.5, 0.5]))
        client.ingest_metrics("limit", points(100, NORMAL))
        decline(client, "approval")
        yield address


def test_people_read_what_an_incident_is_like_and_what_ended_that(folder: Path, target: str) -> None:
    done = remission("incidents", "similar", "approval", folder=folder, REMISSION_SERVER=target)

    assert (done.code, done.err) == (0, "")
    assert "approval, alarm at" in done.out
    assert "nothing: later data showed that it had passed" in done.out
    assert "error_rate in both" in done.out
    assert "1 alike; incidents of 2 other models were compared" in done.out


def test_machines_read_the_same(folder: Path, target: str) -> None:
    done = remission("incidents", "similar", "approval", "--json", folder=folder, REMISSION_SERVER=target)
    found = json.loads(done.out)

    assert (found["incident"]["model"], found["models_read"]) == ("approval", 2)
    assert [one["incident"]["model"] for one in found["similar"]] == ["limit"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("well",), "no incident of 'well' is on record"),
        (("ghost",), "no model 'ghost' is under watch"),
        (("approval", "--position", "1"), "no incident of 'approval' began at 1"),
        (("approval", "--most", "-1"), "most: is -1; 0 to 100 is accepted"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(
    folder: Path, target: str, arguments: tuple[str, ...], said: str
) -> None:
    done = remission("incidents", "similar", *arguments, folder=folder, REMISSION_SERVER=target)

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
