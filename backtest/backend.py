"""What a driver asks of a service, whichever of the two doors it goes through. The same stream, the same log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from remission.assignment import assign

from backtest.stream import Floats, Ints, Stream

ROUTER = "backtest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the driver is asked to serve."""

    generation: int
    champion: str
    candidate: str
    shadows: tuple[str, ...]
    exposure_bp: int
    salt: str
    manifests: dict[str, str] = field(default_factory=dict)

    def versions(self, *, exogenous: bool) -> list[str]:
        """Name the versions that score every row; only those that serve, where others learn nothing."""
        wanted = [self.champion, self.candidate, *(self.shadows if exogenous else ())]
        return [version for version in dict.fromkeys(wanted) if version]

    def chosen(self, ids: list[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Say which units the candidate serves."""
        if not self.candidate or not self.exposure_bp:
            return np.zeros(len(ids), dtype=bool)
        return np.asarray(assign(self.salt, ids, self.exposure_bp), dtype=bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a model is registered with."""

    name: str
    metric: str
    outcomes: str
    template: str
    label_delay_rows: int
    policy: dict[str, Any]
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What the service says of its own log."""

    events: int
    chain_ok: bool
    replay_equal: bool
    decisions: int
    rederived: int
    log_sha256: str
    failures: list[str]


class Backend(Protocol):
    """What the driver asks of the service. It is also where its worker gets jobs from."""

    def register(self, stream: Stream, setup: Setup, labels: Floats, outputs: Floats) -> None:
        """Put the model under watch, with the stream's first rows as its reference."""
        ...

    def keep(self, model: str, version: str, artifact: bytes, manifest: bytes) -> None:
        """Keep the bytes of the first champion."""
        ...

    def route(self, model: str) -> Route:
        """Give the route in force."""
        ...

    def acknowledge(self, model: str, route: Route) -> None:
        """Say that the route is served."""
        ...

    def ingest(
        self,
        stream: Stream,
        model: str,
        rows: range,
        outputs: dict[str, Floats],
        served: list[str],
        generation: int,
    ) -> None:
        """Send rows."""
        ...

    def label(self, stream: Stream, model: str, rows: Ints, time_us: int) -> None:
        """Send what turned out to be true."""
        ...

    def busy(self, model: str) -> bool:
        """Say whether a job of the model waits or is with another worker."""
        ...

    def events(self, model: str) -> list[dict[str, Any]]:
        """Give the log: type, time and payload of each event."""
        ...

    def audit(self, model: str) -> Audit:
        """Have the log checked and every decision derived again."""
        ...

    def download(self, sha256: str) -> bytes:
        """Give bytes by their hash."""
        ...
