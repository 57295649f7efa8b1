"""Following a route: which versions score and serve now."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from remission.errors import CallError
from remission.scorers import Scorer
from remission.v1.routing_pb2 import Route


class RouteSource(Protocol):
    """Where routes come from; raises `CallError`."""

    def get(self, model: str, /) -> Route:
        """Return the route in force."""
        ...

    def acknowledge(self, model: str, generation: int, router_id: str, applied_bp: int, /, *, failure: str = "") -> int:
        """Say what is applied."""
        ...


#: Loads the version whose manifest has this hash. Whatever it raises means that the version cannot be used.
Load = Callable[[str], Scorer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which versions score and serve, until it expires."""

    scorers: Mapping[str, Scorer]
    champion: str
    generation: int = 0
    candidate: str = ""
    shadows: tuple[str, ...] = ()
    exposure_bp: int = 0
    salt: str = ""
    expires: float = float("inf")  #: seconds of the monotonic clock

    def at(self, now: float) -> Plan:
        """Return the plan that holds at *now*: after expiry the champion serves and nothing else scores."""
        return self if now < self.expires else self.without_candidate()

    def without_candidate(self) -> Plan:
        """Return the plan with the champion alone."""
        return replace(self, candidate="", shadows=(), exposure_bp=0)


class Follower:
    """Keeps the plan of one model up to date with its route.

    Args:
        source: Where routes come from.
        load: Loads versions; called outside the serving path only.
        model: Whose route.
        router_id: Names this process in acknowledgements.
        version: What the process was started with.
        scorer: That version.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        source: RouteSource,
        load: Load,
        *,
        model: str,
        router_id: str,
        version: str,
        scorer: Scorer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source, self._load, self._clock = source, load, clock
        self._model, self._router_id = model, router_id
        self._scorers: dict[str, Scorer] = {version: scorer}
        self._own = version
        self._plan = Plan(scorers=self._scorers, champion=version)
        self._failures: dict[str, str] = {}
        self._unusable: set[str] = set()  # manifests that can never be loaded here
        self._withdrawn = 0  # the generation whose candidate failed at work
        self._acknowledged = (-1, -1)
        self._stop = threading.Event()

    def plan(self) -> Plan:
        """Return the plan that holds now; never blocks."""
        return self._plan.at(self._clock())

    def withdraw(self, generation: int) -> None:
        """Stop using a candidate that failed at work, until the route changes."""
        self._withdrawn = generation
        self._plan = self._plan.without_candidate()

    def refresh(self) -> None:
        """Fetch the route, load what it names, follow it and say so.

        Raises:
            CallError: The server cannot be asked; the old plan holds until it expires.
        """
        heard = self._clock()
        route = self._source.get(self._model)
        if route.generation < self._plan.generation:
            return
        failure = self._load_versions(route)
        self._plan = self._make_plan(route, heard + route.ttl_seconds)
        if route.generation == self._withdrawn:
            self._plan, failure = self._plan.without_candidate(), "the candidate failed at work"
        self._acknowledge(failure)

    def run(self, period_seconds: float) -> None:
        """Refresh again and again, until `stop`; more often where the route lives shorter."""
        while not self._stop.is_set():
            # Without an answer the plan expires by itself, which is all that can be done about it.
            with contextlib.suppress(CallError):
                self.refresh()
            self._stop.wait(period_seconds)

    def stop(self) -> None:
        """End `run`."""
        self._stop.set()

    def _load_versions(self, route: Route) -> str:
        wanted = {route.champion, route.candidate, *route.shadow_versions} - {""}
        self._scorers = {
            name: scorer for name, scorer in self._scorers.items() if name in wanted | {self._own, self._plan.champion}
        }
        for version in sorted(wanted - self._scorers.keys()):
            self._load_version(version, route.manifest_sha256s.get(version, ""))
        missing = sorted(wanted - self._scorers.keys())
        return "; ".join(f"{version}: {self._failures[version]}" for version in missing)[:2_000]

    def _load_version(self, version: str, sha256: str) -> None:
        if sha256 in self._unusable:
            return
        try:
            self._scorers[version] = self._load(sha256)
        except CallError as error:
            self._failures[version] = str(error)  # it may be had the next time
        except Exception as error:  # noqa: BLE001 - bytes from elsewhere fail in any way; serving goes on without them
            self._failures[version] = f"{type(error).__name__}: {error}"
            self._unusable.add(sha256)

    def _make_plan(self, route: Route, expires: float) -> Plan:
        loaded = self._scorers
        candidate = route.candidate if route.candidate in loaded else ""
        return Plan(
            scorers=dict(loaded),
            champion=route.champion if route.champion in loaded else self._plan.champion,
            generation=route.generation,
            candidate=candidate,
            shadows=tuple(version for version in route.shadow_versions if version in loaded),
            exposure_bp=route.exposure_bp if candidate else 0,
            salt=route.salt,
            expires=expires,
        )

    def _acknowledge(self, failure: str) -> None:
        # Said once a generation and share; hearing the same again tells the server nothing.
        said = (self._plan.generation, self._plan.exposure_bp)
        if said != self._acknowledged:
            self._source.acknowledge(self._model, *said[:1], self._router_id, said[1], failure=failure)
            self._acknowledged = said
