"""The `eventsourcing` library at the same work: the best-known one for Python (https://eventsourcing.readthedocs.io)."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from sqlalchemy import make_url

THREADS, EACH = 8, 25
TOLD = {"detector": "drift/2", "log_evidence": 9.25, "onset_row": 1200, "note": "x" * 300}
PAGE = 1_000


class Life(Aggregate):
    """A model's life, as the library would have it."""

    @event("Registered")
    def __init__(self) -> None:
        self.alarms = 0

    @event("AlarmRaised")
    def alarm(self, told: dict[str, object]) -> None:
        """Take an event with what one of ours tells."""
        self.alarms += bool(told)


class Lives(Application[UUID]):
    """Stores lives."""


def append_postgresql(url: str) -> float:
    """Append events one by one, from threads; give the events a second. A lock on its table keeps them in order."""
    address = make_url(url)
    application = Lives(
        env={
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(address.database),
            "POSTGRES_HOST": str(address.query.get("host", address.host or "")),
            "POSTGRES_PORT": str(address.port or 5432),
            "POSTGRES_USER": str(address.username or "postgres"),
            "POSTGRES_PASSWORD": str(address.password or ""),
            "POSTGRES_POOL_SIZE": str(THREADS),
        }
    )
    begun = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda _: _append(application), range(THREADS)))
    rate = THREADS * EACH / (time.perf_counter() - begun)
    application.close()
    return rate


def _append(application: Lives) -> None:
    life = Life()
    for number in range(EACH - 1):
        life.alarm({**TOLD, "at_row": number})
        application.save(life)


def read_sqlite(folder: Path, count: int, take: Callable[[float], None]) -> None:
    """Read events of many lives back as objects of their classes; give the events a second."""
    application = Lives(
        env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / f"library-{uuid4().hex}.db")}
    )
    for _ in range(count // PAGE):
        life = Life()
        for number in range(PAGE - 1):
            life.alarm({**TOLD, "at_row": number})
        application.save(life)
    begun, seen, start = time.perf_counter(), 0, 1
    while page := application.recorder.select_notifications(start, PAGE):
        seen += sum(application.mapper.to_domain_event(one) is not None for one in page)
        start = page[-1].id + 1
    take(seen / (time.perf_counter() - begun))
    application.close()
