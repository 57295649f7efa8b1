"""Lists of models answer for those that can be read, and name those that cannot, with the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from uuid import uuid4

import grpc
import msgspec
import pytest
from remission import Client
from remission.errors import CallError, NotFoundError
from remission.v1 import health_pb2, health_pb2_grpc, model_pb2, model_pb2_grpc, routing_pb2, routing_pb2_grpc

from server.settings import Settings
from server.wiring import build
from statemachine.events import StateChanged
from statemachine.record.coding import encode
from store.ports import Unit
from store.records import Projection
from tests.fixtures.commands import Done, remission, started
from tests.fixtures.events import an_event
from tests.fixtures.listeners import listening
from tests.fixtures.services import a_model

NAMES = ("altered", "ghost", "later", "whole")
REASONS = {"altered": "ILLEGAL_HISTORY", "ghost": "MODEL_MISSING", "later": "UNKNOWN_EVENT"}


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """A server with one model that is whole, and one for each way in which a record cannot be read."""
    settings = Settings(database="memory://", artifacts=f"memory://{uuid4().hex}", clock="stream", port=0)
    service = build(settings)
    for name in ("altered", "later", "whole"):
        service.create_model(a_model(name)).result()
    service.do(_written_past_it).result()
    service.start_retraining("whole", "", "", []).result()
    with listening(service, settings) as address:
        yield address


def _written_past_it(unit: Unit) -> None:
    """Record an event of a later release, one without what its kind tells, a move behind each, and a lone state."""
    unit.append("later", unit.version("later"), [an_event("of-later")])
    unit.append("altered", unit.version("altered"), [msgspec.structs.replace(an_event("of-nobody"), type="held")])
    move = StateChanged(source="healthy", dest="suspect", trigger="raise_alarm", reason="ALARM")
    for name in ("altered", "later"):
        recorded = msgspec.structs.replace(an_event(f"moved-{name}"), type=move.name, payload=encode(move))
        unit.append(name, unit.version(name), [recorded])
    body = unit.projection("whole")
    assert body is not None
    unit.put(
        Projection(
            stream="ghost", version=1, state="healthy", phase="", automation="auto", body=body.body,
            updated_us=body.updated_us,
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def client(target: str) -> Iterator[Client]:
    with Client(target) as made:
        yield made


def test_states_of_the_others_are_told(client: Client) -> None:
    listing = client.health.list()

    assert [one.model for one in listing] == ["whole"]
    assert {one.model: one.reason for one in listing.unreadable} == REASONS


def test_models_of_the_others_are_told(client: Client) -> None:
    listing = client.models.list()

    assert [one.name for one in listing] == ["whole"]
    assert {one.model: one.reason for one in listing.unreadable} == REASONS


def test_the_inventory_of_the_others_is_told(client: Client) -> None:
    listing = client.audit.inventory()

    assert [one.model for one in listing] == ["whole"]
    assert {one.model: one.reason for one in listing.unreadable} == REASONS | {"later": "ILLEGAL_HISTORY"}


def test_unreadable_models_say_what_a_call_about_each_alone_says(client: Client) -> None:
    listing = client.health.list()
    list(listing)

    for one in listing.unreadable:
        with pytest.raises(CallError) as refused:
            client.state(one.model)
        assert (refused.value.reason, refused.value.message) == (one.reason, one.message)


@pytest.mark.parametrize("models", [(), ("altered", "later", "whole")])
def test_changes_of_the_others_are_watched(client: Client, models: tuple[str, ...]) -> None:
    position = client.state("whole").position
    coming = client.health.watch(*models)
    seen = [next(coming)]
    while seen[-1].position < position:
        seen.append(next(coming))

    named = {one.unreadable.model: one.unreadable for one in seen if one.HasField("unreadable")}
    assert {name: one.reason for name, one in named.items()} == {name: REASONS[name] for name in ("altered", "later")}
    assert len(seen) == len(named) + sum(one.state.model == "whole" for one in seen)
    for name, one in named.items():
        with pytest.raises(CallError) as refused:
            client.state(name)
        assert refused.value.message == one.message


def test_routes_of_the_others_are_watched(target: str, client: Client) -> None:
    request = routing_pb2.WatchRoutesRequest(models=["altered", "later", "whole", "altered"])
    with grpc.insecure_channel(target) as channel:
        whole, *others = islice(routing_pb2_grpc.RoutingServiceStub(channel).WatchRoutes(request), 3)

    assert (whole.route.model, whole.HasField("unreadable")) == ("whole", False)
    assert {one.unreadable.model: one.unreadable.reason for one in others} == {
        name: REASONS[name] for name in ("altered", "later")
    }
    for one in others:
        with pytest.raises(CallError) as refused:
            client.routes.get(one.unreadable.model)
        assert (refused.value.message, one.HasField("route")) == (one.unreadable.message, False)


def test_a_model_that_was_never_here_is_refused_to_who_watches_routes(client: Client) -> None:
    with pytest.raises(NotFoundError, match=r"models\[1\]"):
        next(client.routes.watch("whole", "nobody"))


def test_unreadable_models_are_named_whatever_states_are_asked_for(client: Client) -> None:
    listing = client.health.list([health_pb2.STATE_RETIRED])

    assert list(listing) == []
    assert [one.model for one in listing.unreadable] == sorted(REASONS)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_pages_of_states_name_each_model_once(target: str, size: int) -> None:
    request, found = health_pb2.ListStatesRequest(page_size=size), list[str]()
    with grpc.insecure_channel(target) as channel:
        while request.page_token or not found:
            page = health_pb2_grpc.ModelHealthServiceStub(channel).ListStates(request)
            assert len(page.states) + len(page.unreadable) <= size
            found += sorted([*(one.model for one in page.states), *(one.model for one in page.unreadable)])
            request.page_token = page.next_page_token

    assert found == list(NAMES)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_pages_of_models_name_each_model_once(target: str, size: int) -> None:
    request, found = model_pb2.ListModelsRequest(page_size=size), list[str]()
    with grpc.insecure_channel(target) as channel:
        while request.page_token or not found:
            page = model_pb2_grpc.ModelServiceStub(channel).ListModels(request)
            assert len(page.models) + len(page.unreadable) <= size
            found += sorted([*(one.name for one in page.models), *(one.model for one in page.unreadable)])
            request.page_token = page.next_page_token

    assert found == list(NAMES)


def done(target: str, *arguments: str) -> Done:
    return remission(*arguments, folder=Path.cwd(), REMISSION_SERVER=target)


def test_the_command_watches_the_others_and_says_who_cannot_be_read(target: str) -> None:
    process = started("watch", "--json", folder=Path.cwd(), REMISSION_SERVER=target)
    try:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
    finally:
        process.terminate()
        _, errors = process.communicate()

    assert [line["model"] for line in lines[:2]] == ["altered", "later"]
    assert [line["unreadable"]["reason"] for line in lines[:2]] == [REASONS["altered"], REASONS["later"]]
    assert int(lines[0]["position"]) < int(lines[1]["position"]) < int(lines[2]["position"])
    assert lines[2]["state"]["model"] == "whole"
    assert errors.count("cannot be read: ") == 2


@pytest.mark.parametrize(("command", "column"), [("models", "name"), ("state", "model"), ("inventory", "model")])
def test_the_command_tells_the_others_and_says_who_cannot_be_read(target: str, command: str, column: str) -> None:
    found = done(target, command, "--json")

    told = {row[column]: row.get("unreadable") for row in json.loads(found.out)}
    assert found.code == 0
    assert told.pop("whole") is None
    assert sorted(told) == sorted(REASONS)
    assert all(told[name]["reason"] in found.err for name in told)
    assert found.err.count("cannot be read: ") == len(REASONS)
    assert "whole" in done(target, command).out
