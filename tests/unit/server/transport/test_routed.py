"""A watcher of routes is told what is new, each route again before it expires, and of each fault once."""

from __future__ import annotations

from remission.routes import RouteWatch
from remission.v1 import health_pb2, routing_pb2

from server.errors import ModelMissing
from server.history.unreadable import Unreadable
from server.transport.routed import LOOK_SECONDS, RENEWALS, Routed
from server.views import RouteView
from store.errors import EvidenceMissing

TTL_SECONDS = 900
RENEWED = TTL_SECONDS / RENEWALS


def a_route(model: str = "m", generation: int = 1) -> RouteView:
    return RouteView(
        model=model, generation=generation, champion="v1", candidate="", shadows=(), exposure_bp=0, salt="",
        ttl_seconds=TTL_SECONDS, issued_us=0, manifests={},
    )  # fmt: skip


MISSING = Unreadable("m", ModelMissing("m"))
ALTERED = Unreadable("m", EvidenceMissing("0" * 64))


def test_a_route_is_told_when_it_is_new_and_before_it_expires() -> None:
    told = Routed(["m"])

    news = [told.is_news(a_route(), now) for now in (0.0, 1.0, RENEWED - 1, RENEWED, RENEWED + 1)]
    assert news == [True, False, False, True, False]
    assert told.is_news(a_route(generation=2), RENEWED + 2)
    assert told.again(RENEWED + 2) == RENEWED


def test_a_fault_is_told_once_and_again_when_it_is_another() -> None:
    told = Routed(["m"])

    assert [told.is_new_fault(one, 0.0) for one in (MISSING, MISSING, ALTERED, ALTERED)] == [True, False, True, False]


def test_a_model_that_cannot_be_read_is_looked_at_now_and_then_and_the_others_always() -> None:
    told = Routed(["m", "n"])
    told.is_new_fault(MISSING, 0.0)

    assert told.due(LOOK_SECONDS - 1) == ["n"]
    assert told.due(LOOK_SECONDS) == ["m", "n"]


def test_a_route_is_told_as_soon_as_its_model_can_be_read_again() -> None:
    told = Routed(["m"])
    told.is_news(a_route(), 0.0)
    told.is_new_fault(MISSING, 1.0)

    assert told.is_news(a_route(), 2.0)
    assert told.is_new_fault(MISSING, 3.0)


def test_a_client_knows_who_cannot_be_read_by_now() -> None:
    named = routing_pb2.WatchRoutesResponse(unreadable=health_pb2.UnreadableModel(model="m", reason="ALTERED"))
    answers = [routing_pb2.WatchRoutesResponse(route=routing_pb2.Route(model=model)) for model in ("n", "m")]
    watch = RouteWatch(iter([named, *answers]))

    first, known = next(watch), dict(watch.unreadable)
    assert (first.model, {model: one.reason for model, one in known.items()}) == ("n", {"m": "ALTERED"})
    assert (next(watch).model, watch.unreadable) == ("m", {})
    assert list(watch) == []
