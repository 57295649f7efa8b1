"""Writes a history of the release that runs this, for every later one to replay.

    HISTORY=tests/histories/VERSION .venv/bin/pytest tests/histories/write.py

Run it in a clone of the release, once; a folder that is there is never written again. `recorded` is a backtest of years
of Chicago's railway; `lived` holds small models that took every row of the table of moves between them, by calls of
people, workers and routers, and by timers. What the release says of each stands beside it; a later one is held to it.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from remission import Client

from backtest.run import Options, backtest
from backtest.stream import read_stream
from server.history.folding import Step
from server.service import Service
from server.settings import Settings
from server.wiring import build
from store import migrate
from tests.fixtures.listeners import listening
from tests.integration.server.life import QUIET, Life
from tests.integration.server.test_moves import BY_ITSELF, CALLS, DAYS, Case

ROOT = Path(__file__).resolve().parents[2]
ROWS = 4_500  #: of Chicago's railway: alarms, remedies and promotions
ILL = {"budget": {"unexplained": "training"}}  #: as every `Life` is registered
#: Calls of people that move no model along the table, but stand in its log.
PEOPLE = ("hold", "release", "freeze", "unfreeze", "release")


def test_a_history_is_written() -> None:
    folder = Path(os.environ["HISTORY"])
    folder.mkdir(parents=True)

    for name, write in {"recorded": recorded, "lived": lived}.items():
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "history.db"
            write(file, Path(place))
            found = told(file, Path(place))
            _shrink(file)
            for kept in (name, f"{name}-vault"):
                source = file.with_stem(kept.replace(name, file.stem))
                (folder / f"{kept}.db.gz").write_bytes(gzip.compress(source.read_bytes(), 9, mtime=0))
        (folder / f"{name}.json").write_text(json.dumps(found, separators=(",", ":"), sort_keys=True) + "\n")

        assert not found["failures"]


def recorded(file: Path, place: Path) -> None:
    """Run a backtest."""
    rows = pd.read_csv(ROOT / "backtest" / "data" / "chicago.csv.gz", nrows=ROWS)
    kept = ["date", "ridership", "Clark_Lake", "Harlem", "temp", "Cubs_Home"]
    rows[kept].to_csv(place / "chicago.csv", index=False)
    stream = read_stream(place / "chicago.csv", "ridership", task="regression")
    backtest(stream, Options(database=f"sqlite:///{file}"))


def lived(file: Path, place: Path) -> None:
    """Let a model take each row of the table that no model took before it."""
    taken: set[tuple[str, str]] = set()
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(_opened(file, place))
        target = stack.enter_context(listening(service, _settings(file, place)))
        client = stack.enter_context(Client(target, timeout=30.0))
        _people(client)
        for case in sorted((*CALLS, *BY_ITSELF), key=lambda case: -len(case.begin)):
            if (case.trigger, case.dest) not in taken:
                taken |= _live(client, case)


def _live(client: Client, case: Case) -> set[tuple[str, str]]:
    name = f"{case.trigger}-{case.dest}".replace(".", "-")
    life = Life(client, {**QUIET, **case.policy}, name)
    for act in (*case.begin, case.fire):
        act(life)
    if life.place.startswith("retraining"):
        client.operations.abort(name, reason="its job would be leased for the next model")
    found = (json.loads(one.payload_json) for one in client.history(name) if one.type == "state_changed")
    return {(one["trigger"], one["dest"]) for one in found}


def _people(client: Client) -> None:
    life = Life(client, QUIET, "people")
    for order in PEOPLE:
        getattr(client.operations, order)("people", reason="a drill")
    etag = client.state("people").etag
    client.models.update("people", etag, policy={**QUIET, **ILL, "approvals": {"required": True}, "tier": 2})
    life.decline()
    client.operations.reject("people", client.state("people").etag, reason="not now")
    client.operations.hold("people", reason="until Monday")
    life.pass_time(2 * DAYS)
    life.serve()


def _settings(file: Path, place: Path) -> Settings:
    return Settings(
        database=f"sqlite:///{file}", artifacts=str(place / "artifacts"), clock="stream", port=0, timer_seconds=0.01
    )


@contextlib.contextmanager
def _opened(file: Path, place: Path) -> Any:
    migrate.upgrade(f"sqlite:///{file}")
    service = build(_settings(file, place))
    try:
        yield service
    finally:
        service.close()


def told(file: Path, place: Path) -> dict[str, Any]:
    """Give what this release says of its log: the audit, each model's projection, and where each version left it."""
    with _opened(file, place) as service:
        found = service.verify()
        head = service.store.read(lambda reader: reader.head())
        names = [view.name for view in service.models("", 1000, include_retired=True).told]
        return {
            "schema": migrate.newest(), "events": found.events, "decisions": found.decisions,
            "rederived": found.rederived, "failures": [str(one) for one in found.failures],
            "log_sha256": found.log_sha256, "root": found.root, "position": head.position,
            "models": {name: _model(service, name) for name in names},
        }  # fmt: skip


def _model(service: Service, name: str) -> dict[str, Any]:
    stored = service.store.read(lambda reader: reader.projection(name))
    assert stored is not None
    return {
        "projection_sha256": hashlib.sha256(stored.body).hexdigest(), "state": stored.state, "phase": stored.phase,
        "versions": [_stand(step) for step in service.steps(name)],
    }  # fmt: skip


def _stand(step: Step) -> list[Any]:
    """Give where an event left the model: what as-of answers must say."""
    after = step.after
    return [
        step.recorded.position, step.recorded.occurred_us, step.recorded.type, str(after.place), after.automation,
        after.reason, after.champion, after.candidate, after.rollback_target, after.route.generation,
        after.route.exposure_bp, after.policy_version,
    ]  # fmt: skip


def _shrink(file: Path) -> None:
    """Leave out the rows that were served: they are no part of the log, and most of the bytes."""
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as raw:
        for table in ("feed", "requests"):
            raw.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
        raw.execute("PRAGMA journal_mode=DELETE")
        raw.execute("VACUUM")
