"""The same stream gives the same log, wherever it is kept and however it came."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from backtest.run import Options, backtest
from backtest.stream import read_stream
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
    found = run(tmp_path, database=postgres.new_database())

    assert found["audit"] == on_sqlite["audit"]


def test_a_server_over_grpc_keeps_the_same_log(on_sqlite: dict[str, Any], tmp_path: Path) -> None:
    with serving(tmp_path, clock="stream") as target:
        found = run(tmp_path, server=target)

    assert found["audit"] == on_sqlite["audit"]
    assert found["loss"] == on_sqlite["loss"]


def test_an_altered_byte_of_evidence_makes_derivation_fail(tmp_path: Path) -> None:
    database = tmp_path / "kept.db"
    run(tmp_path, database=f"sqlite:///{database}")
    with sqlite3.connect(database) as raw:
        raw.execute("DROP TRIGGER IF EXISTS evidence_no_update")
        names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type='trigger'")]
        for name in names:
            raw.execute(f'DROP TRIGGER "{name}"')
        sha, body = raw.execute("SELECT sha256, body FROM evidence WHERE kind = 'canary@1' LIMIT 1").fetchone()
        raw.execute("UPDATE evidence SET body = ? WHERE sha256 = ?", (body.replace(b"0", b"1", 1), sha))

    found = audit_of(f"sqlite:///{database}", tmp_path)

    assert found.rederived < found.decisions
    assert any("canary_judged" in failure for failure in found.failures)


def audit_of(database: str, folder: Path) -> Any:
    from server.settings import Settings  # noqa: PLC0415 - beside its only use
    from server.wiring import build  # noqa: PLC0415 - as above

    service = build(Settings(database=database, artifacts=str(folder / "artifacts"), clock="stream"))
    found = service.verify()
    service.store.close()
    return found


def test_selective_outcomes_are_judged_by_the_served_arms_alone(tmp_path: Path) -> None:
    found = run(tmp_path, outcomes="selective", policy={"canary": {"most_windows": 40}})

    assert found["audit"]["decisions"] == found["audit"]["rederived"]
    assert {one["to"] for one in found["transitions"]} >= {"suspect", "degraded", "canary.shadow", "canary.rung"}
