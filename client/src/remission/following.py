"""Following a route: which versions score and serve now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from remission.errors import CallError, DeadlineExceededError, ResourceExhaustedError, UnavailableError
from remission.scorers import Scorer
from remission.v1.routing_pb2 import Route

_MOST_TEXT = 2_000
_PASSING = (UnavailableError, DeadlineExceededError, ResourceExhaustedError)


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

    def without(self, versions: Collection[str]) -> Plan:
        """Return the plan with none of *versions* on trial."""
        kept = replace(self, shadows=tuple(version for version in self.shadows if version not in versions))
        return replace(kept, candidate="", exposure_bp=0) if self.candidate in versions else kept


@dataclass(frozen=True, slots=True)
class Failures:
    """Versions that failed at work under one route."""

    generation: int = -1
    kinds: Mapping[str, str] = field(default_factory=dict)  #: the name of the error, by version

    def apply(self, plan: Plan) -> Plan:
        """Return *plan* without these versions, if it is that route's."""
        return plan.without(self.kinds) if self.kinds and plan.generation == self.generation else plan


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
        self.last_error: Exception | None = None  #: why the route could not be followed, the last time
        self._scorers: dict[str, Scorer] = {version: scorer}
        self._own = version
        self._plan = Plan(scorers=self._scorers, champion=version)
        self._unusable: dict[str, str] = {}  # manifests that can never be loaded here, and why
        self._failures = Failures()
        self._reporting = threading.Lock()  # several predictions may fail at once
        self._ttl_seconds = float("inf")
        self._acknowledged = (-1, -1, "")
        self._stop = threading.Event()

    def plan(self) -> Plan:
        """Return the plan that holds now; never blocks."""
        return self._failures.apply(self._plan.at(self._clock()))

    def withdraw(self, generation: int, failures: Mapping[str, Exception]) -> None:
        """Stop using versions that failed at work under the route *generation*, until the route changes."""
        # The error's text may quote the row, and what is acknowledged is recorded for good: its name must do.
        kinds = {version: type(error).__name__ for version, error in failures.items()}
        with self._reporting:
            known = self._failures
            if generation == known.generation:
                self._failures = Failures(generation, {**known.kinds, **kinds})
            elif generation > known.generation:
                self._failures = Failures(generation, kinds)

    def refresh(self) -> None:
        """Fetch the route, load what it names, follow it and say so.

        Raises:
            CallError: The server cannot be asked; the old plan holds until it expires.
        """
        heard = self._clock()
        route = self._source.get(self._model)
        if route.generation < self._plan.generation:
            return
        missing, absent = self._load_versions(route)
        self._ttl_seconds = route.ttl_seconds
        self._plan = self._make_plan(route, heard + route.ttl_seconds)
        failures = self._failures
        failed = failures.kinds if failures.generation == route.generation else {}
        faults = [f"{version}: {why}" for version, why in sorted(missing.items())]
        faults += [f"{version} failed at work: {kind}" for version, kind in sorted(failed.items())]
        if faults or not absent:  # what may yet be had is no failure, and is not applied either
            self._acknowledge(failures.apply(self._plan), "; ".join(faults)[:_MOST_TEXT])

    def run(self, period_seconds: float) -> None:
        """Refresh again and again, until `stop`; more often where the route lives shorter."""
        while not self._stop.is_set():
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - without an answer the plan expires by itself, and the next may be better
                self.last_error = error
            self._stop.wait(min(period_seconds, self._ttl_seconds / 3))

    def stop(self) -> None:
        """End `run`."""
        self._stop.set()

    def _load_versions(self, route: Route) -> tuple[dict[str, str], set[str]]:
        """Load what *route* names; return why versions cannot be used, and which may yet be had."""
        wanted = {route.champion, route.candidate, *route.shadow_versions} - {""}
        kept = wanted | {self._own, self._plan.champion}
        self._scorers = {name: scorer for name, scorer in self._scorers.items() if name in kept}
        missing, absent = dict[str, str](), set[str]()
        for version in sorted(wanted - self._scorers.keys()):
            sha256 = route.manifest_sha256s.get(version, "")
            if sha256 in self._unusable:
                missing[version] = self._unusable[sha256]
                continue
            try:
                self._scorers[version] = self._load(sha256)
            except _PASSING as error:
                self.last_error = error
                absent.add(version)
            except CallError as error:
                self.last_error = error
                missing[version] = str(error)
            except Exception as error:  # noqa: BLE001 - bytes from elsewhere fail in any way; serving goes on without them
                self.last_error = error
                missing[version] = self._unusable[sha256] = f"{type(error).__name__}: {error}"
        return missing, absent

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

    def _acknowledge(self, plan: Plan, failure: str) -> None:
        # Said once; hearing the same again tells the server nothing.
        said = (plan.generation, plan.exposure_bp, failure)
        if said != self._acknowledged:
            self._source.acknowledge(self._model, plan.generation, self._router_id, plan.exposure_bp, failure=failure)
            self._acknowledged = said
