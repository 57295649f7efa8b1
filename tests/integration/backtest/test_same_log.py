"""The same stream gives the same log, wherever it is kept and however it came."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backtest.run import Options, backtest
from backtest.stream import read_stream
from server.audit import auditing
from server.audit.crew import Crew
from server.judges.table import JUDGES
from server.settings import Settings
from server.wiring import build, open_log
from tests.fixtures.postgres import Postgres
from tests.fixtures.servers import serving
from tests.fixtures.streams import CHANGE, changed_concept


def run(folder: Path, **options: Any) -> dict[str, Any]:
    stream = read_stream(changed_concept(folder / "turned.csv"), "label")
    return backtest(stream, Options(**options))


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run(tmp_path_factory.mktemp("sqlite"))


def test_a_turned_concept_is_noticed_remedied_and_promoted(on_sqlite: dict[str, Any]) -> None:
    first = next(one for one in on_sqlite["transitions"] if one["to"] == "suspect")

    assert first["row"] >= CHANGE
    assert on_sqlite["promotions"] >= 1
    assert on_sqlite["loss"]["served"] < 0.6 * on_sqlite["loss"]["static"]


def test_every_decision_of_a_backtest_derives_again(on_sqlite: dict[str, Any]) -> None:
    audit = on_sqlite["audit"]

    assert audit["chain_ok"]
    assert audit["replay_equal"]
    assert audit["decisions"] == audit["rederived"] > 5


def test_postgresql_keeps_the_same_log(on_sqlite: dict[str, Any], tmp_path: Path, postgres: Postgres) -> None:
    database = postgres.new_database()
    found = run(tmp_path, database=database)
    opening = partial(open_log, Settings(database=database))
    with contextlib.closing(opening()) as store, Crew(opening, 2) as crew:
        derived = auditing.verify(store, hands=crew)

    assert found["audit"] == on_sqlite["audit"]
    assert {name: getattr(derived, name) for name in found["audit"]} == on_sqlite["audit"]


def test_a_server_over_grpc_keeps_the_same_log(on_sqlite: dict[str, Any], tmp_path: Path) -> None:
    with serving(tmp_path, clock="stream") as target:
        found = run(tmp_path, server=target)

    assert found["audit"] == on_sqlite["audit"]
    assert found["loss"] == on_sqlite["loss"]


def test_an_altered_byte_of_any_evidence_is_found_and_named(tmp_path: Path) -> None:
    database, chance = tmp_path / "kept.db", random.Random(5)  # noqa: S311 - places, no secrets
    run(tmp_path, database=f"sqlite:///{database}")
    settings = Settings(database=f"sqlite:///{database}", artifacts=str(tmp_path / "artifacts"), clock="stream")
    service, raw = build(settings), sqlite3.connect(database, isolation_level=None)
    with contextlib.closing(service), contextlib.closing(raw):
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f'DROP TRIGGER "{name}"')
        kept = raw.execute("SELECT sha256, kind, body FROM evidence").fetchall()
        unseen = []
        for sha, kind, body in kept:
            place = chance.randrange(len(body))
            altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
            raw.execute("UPDATE evidence SET body = ? WHERE sha256 = ?", (altered, sha))
            found = service.verify()
            raw.execute("UPDATE evidence SET body = ? WHERE sha256 = ?", (body, sha))
            if not found.failures or (kind in JUDGES and found.rederived == found.decisions):
                unseen.append(kind)
        whole = service.verify()

    assert {kind for _, kind, _ in kept} >= {"alarm@2", "resolve@2", "diagnosis@3", "gates@1", "canary@1", "spec"}
    assert unseen == []
    assert not whole.failures


def test_selective_outcomes_are_judged_by_the_served_arms_alone(tmp_path: Path) -> None:
    found = run(tmp_path, outcomes="selective", policy={"canary": {"most_windows": 40}})

    assert found["audit"]["decisions"] == found["audit"]["rederived"]
    assert {one["to"] for one in found["transitions"]} >= {"suspect", "degraded", "canary.shadow", "canary.rung"}
