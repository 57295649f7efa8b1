from __future__ import annotations

import threading

import grpc
import pytest
from remission.errors import UnavailableError
from remission.following import Follower
from remission.v1.routing_pb2 import Route

from tests.fixtures.clients import Routes, failure
from tests.unit.client.routes import OWN, PATIENCE_SECONDS, SECOND, Clock, Loads, a_follower, a_route


def test_without_a_route_the_own_version_serves_alone() -> None:
    plan = a_follower(Routes(), Loads()).plan()

    assert (plan.champion, plan.scorers["v1"], plan.candidate, plan.exposure_bp) == ("v1", OWN, "", 0)


def test_a_candidate_is_loaded_by_its_hash_and_gets_its_share() -> None:
    routes, load = Routes([a_route(shadow_versions=["v3", "v2"])]), Loads()
    follower = a_follower(routes, load)

    follower.refresh()

    plan = follower.plan()
    assert sorted(load.asked) == ["hash-2", "hash-3"]
    assert (plan.candidate, plan.exposure_bp, plan.salt, plan.shadows) == ("v2", 500, "salt", ("v3", "v2"))
    assert plan.scorers["v2"] is SECOND
    assert routes.said == [(1, 500, "")]


def test_a_route_that_is_heard_again_is_neither_loaded_nor_acknowledged_again() -> None:
    routes, load = Routes([a_route()]), Loads()
    follower = a_follower(routes, load)

    for _ in range(3):
        follower.refresh()

    assert load.asked == ["hash-2"]
    assert len(routes.said) == 1


def test_a_route_that_expires_gives_everything_back_to_the_champion() -> None:
    clock, routes = Clock(), Routes([a_route(shadow_versions=["v3"])])
    follower = a_follower(routes, Loads(), clock)
    follower.refresh()
    clock.now = 59.0
    before = follower.plan()

    clock.now = 60.0
    after = follower.plan()

    assert (before.candidate, before.exposure_bp) == ("v2", 500)
    assert (after.champion, after.candidate, after.exposure_bp, after.shadows) == ("v1", "", 0, ())


def test_a_route_lives_from_when_it_was_asked_for_and_is_renewed_by_hearing_of_it() -> None:
    clock, routes = Clock(), Routes([a_route()])
    follower = a_follower(routes, Loads(), clock)
    follower.refresh()
    clock.now = 50.0
    follower.refresh()

    clock.now = 109.0

    assert follower.plan().candidate == "v2"


def test_an_older_route_is_not_followed() -> None:
    routes = Routes([a_route(5)])
    follower = a_follower(routes, Loads())
    follower.refresh()

    routes.routes.append(a_route(4, exposure_bp=10_000))
    follower.refresh()

    assert (follower.plan().generation, follower.plan().exposure_bp) == (5, 500)


def test_a_promoted_version_serves_and_what_is_no_longer_named_is_let_go() -> None:
    routes, load = Routes([a_route()]), Loads()
    follower = a_follower(routes, load)
    follower.refresh()

    routes.routes.append(a_route(2, champion="v2", candidate="", exposure_bp=0, shadow_versions=["v1"]))
    follower.refresh()
    promoted = follower.plan()
    routes.routes.append(a_route(3, champion="v1", candidate="", exposure_bp=0))
    follower.refresh()
    follower.refresh()

    assert (promoted.champion, promoted.scorers["v2"], promoted.shadows) == ("v2", SECOND, ("v1",))
    assert load.asked == ["hash-2"]
    assert list(follower.plan().scorers) == ["v1"]


def test_a_candidate_that_cannot_be_loaded_is_told_and_not_tried_again() -> None:
    routes, load = Routes([a_route()]), Loads(hash_2=ValueError("no model"))
    follower = a_follower(routes, load)

    follower.refresh()
    follower.refresh()

    assert (follower.plan().candidate, follower.plan().exposure_bp) == ("", 0)
    assert routes.said == [(1, 0, "v2: ValueError: no model")]
    assert load.asked == ["hash-2"]


def test_two_versions_of_the_same_unusable_bytes_are_both_told() -> None:
    route = a_route(shadow_versions=["v9"], manifest_sha256s={"v2": "hash-2", "v9": "hash-2"})
    routes = Routes([route])
    follower = a_follower(routes, Loads(hash_2=ValueError("no model")))

    follower.refresh()

    assert routes.said == [(1, 0, "v2: ValueError: no model; v9: ValueError: no model")]


def test_a_version_that_was_never_uploaded_is_told_as_missing() -> None:
    routes = Routes([a_route(manifest_sha256s={})])
    gone = failure(grpc.StatusCode.INVALID_ARGUMENT, "sha256 is empty")
    follower = a_follower(routes, lambda _: (_ for _ in ()).throw(gone))

    follower.refresh()

    assert routes.said == [(1, 0, "v2: INVALID_ARGUMENT: sha256 is empty")]


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
def test_bytes_that_cannot_be_had_now_end_no_rollout_and_are_fetched_later(code: grpc.StatusCode) -> None:
    routes, load = Routes([a_route()]), Loads(hash_2=failure(code))
    follower = a_follower(routes, load)
    follower.refresh()
    before, said = follower.plan(), list(routes.said)

    load.failing.clear()
    follower.refresh()

    assert (before.candidate, said) == ("", [])
    assert follower.plan().candidate == "v2"
    assert routes.said == [(1, 500, "")]


def test_a_champion_that_cannot_be_loaded_leaves_the_one_before_at_work() -> None:
    routes = Routes([a_route(champion="v2", candidate="", exposure_bp=0)])
    follower = a_follower(routes, Loads(hash_2=ValueError("no model")))

    follower.refresh()

    assert follower.plan().champion == "v1"
    assert routes.said == [(1, 0, "v2: ValueError: no model")]


def test_while_the_server_is_away_the_plan_holds_until_it_expires() -> None:
    clock, routes = Clock(), Routes([a_route()])
    follower = a_follower(routes, Loads(), clock)
    follower.refresh()
    routes.away = failure(grpc.StatusCode.UNAVAILABLE)

    with pytest.raises(UnavailableError):
        follower.refresh()
    clock.now = 30.0
    during = follower.plan().candidate
    clock.now = 61.0

    assert (during, follower.plan().candidate) == ("v2", "")


class Stumbling(Routes):
    """Fails in a way that nobody foresaw, then ends the loop that asks."""

    follower: Follower
    asked = 0

    def get(self, model: str, /) -> Route:
        self.asked += 1
        if self.asked > 1:
            self.follower.stop()
            return super().get(model)
        raise ZeroDivisionError


def test_the_loop_outlives_whatever_a_route_makes_of_it() -> None:
    routes = Stumbling([a_route()])
    routes.follower = a_follower(routes, Loads())

    routes.follower.run(0)

    assert routes.asked == 2
    assert isinstance(routes.follower.last_error, ZeroDivisionError)
    assert routes.follower.plan().candidate == "v2"


class Counting(Routes):
    """Ends the loop after some questions."""

    follower: Follower
    left = 3

    def get(self, model: str, /) -> Route:
        self.left -= 1
        if not self.left:
            self.follower.stop()
        return super().get(model)


def test_a_route_that_lives_shorter_than_the_period_is_asked_for_more_often() -> None:
    routes = Counting([a_route(ttl_seconds=1)])
    routes.follower = a_follower(routes, Loads())
    runner = threading.Thread(target=routes.follower.run, args=(3_600.0,))

    runner.start()
    runner.join(PATIENCE_SECONDS)

    assert not runner.is_alive()
