from __future__ import annotations

import threading

import pytest

from tests.fixtures.clients import Routes
from tests.unit.client.routes import PATIENCE_SECONDS, Loads, a_follower, a_route


@pytest.mark.parametrize("exposure_bp", [0, 500])
def test_a_candidate_that_fails_at_work_is_withdrawn_at_once_and_told_by_the_name_of_its_error(
    exposure_bp: int,
) -> None:
    routes = Routes([a_route(exposure_bp=exposure_bp, shadow_versions=["v2"])])
    follower = a_follower(routes, Loads())
    follower.refresh()

    follower.withdraw(1, {"v2": KeyError("a customer's name")})
    at_once = follower.plan()
    follower.refresh()
    follower.refresh()

    assert (at_once.candidate, at_once.exposure_bp, at_once.shadows) == ("", 0, ())
    assert follower.plan().candidate == ""
    assert routes.said == [(1, exposure_bp, ""), (1, 0, "v2 failed at work: KeyError")]


def test_a_shadow_that_fails_at_work_leaves_the_candidate_its_traffic() -> None:
    routes = Routes([a_route(shadow_versions=["v3"])])
    follower = a_follower(routes, Loads())
    follower.refresh()

    follower.withdraw(1, {"v3": KeyError()})

    assert (follower.plan().candidate, follower.plan().shadows) == ("v2", ())


def test_a_withdrawal_holds_for_its_route_alone_and_an_old_one_changes_nothing() -> None:
    routes = Routes([a_route(1)])
    follower = a_follower(routes, Loads())
    follower.refresh()
    routes.routes.append(a_route(2))
    follower.refresh()

    follower.withdraw(1, {"v2": KeyError()})
    late = follower.plan()
    follower.withdraw(2, {"v2": KeyError()})
    follower.withdraw(1, {"v2": KeyError()})

    assert late.candidate == "v2"
    assert follower.plan().candidate == ""


def test_failures_that_several_threads_tell_are_all_kept() -> None:
    shadows = [f"s{i}" for i in range(32)]
    routes = Routes([a_route(shadow_versions=shadows, manifest_sha256s=dict.fromkeys(["v2", *shadows], "hash-2"))])
    follower = a_follower(routes, Loads())
    follower.refresh()
    threads = [threading.Thread(target=follower.withdraw, args=(1, {name: OSError()})) for name in shadows]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert follower.plan().shadows == ()
