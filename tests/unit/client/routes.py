"""Routes to follow, and a clock and versions to follow them with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from remission.following import Follower
from remission.scorers import Scorer
from remission.v1.routing_pb2 import Route

from tests.fixtures.clients import Routes, Saying

OWN, SECOND, THIRD = Saying(0.1), Saying(0.2), Saying(0.3)
HASHES = {"v2": "hash-2", "v3": "hash-3"}
PATIENCE_SECONDS = 30.0


class Loads:
    """Gives versions by the hash of their manifest, or fails."""

    def __init__(self, **failing: Exception) -> None:
        self.failing = failing
        self.asked: list[str] = []

    def __call__(self, sha256: str) -> Scorer:
        self.asked.append(sha256)
        if sha256.replace("-", "_") in self.failing:
            raise self.failing[sha256.replace("-", "_")]
        return {"hash-2": SECOND, "hash-3": THIRD}[sha256]


class Clock:
    """Seconds, as a test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def a_route(generation: int = 1, **given: Any) -> Route:
    facts = {
        "champion": "v1", "candidate": "v2", "exposure_bp": 500, "salt": "salt", "ttl_seconds": 60,
        "manifest_sha256s": HASHES, **given,
    }  # fmt: skip
    return Route(model="m", generation=generation, **facts)


def a_follower(routes: Routes, load: Callable[[str], Scorer], clock: Clock | None = None) -> Follower:
    return Follower(routes, load, model="m", router_id="r", version="v1", scorer=OWN, clock=clock or Clock())
