"""The seed reaches whatever chance decides, and nothing else differs between two runs."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from backtest.run import Options, backtest
from backtest.stream import read_stream
from tests.fixtures.servers import serving
from tests.fixtures.streams import changed_concept


def run(folder: Path, seed: int, **options: Any) -> dict[str, Any]:
    stream = read_stream(changed_concept(folder / "turned.csv"), "label")
    return backtest(stream, Options(seed=seed, **options))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seeds")


@pytest.fixture(scope="module")
def seventh(folder: Path) -> dict[str, Any]:
    return run(folder, 7, database=f"sqlite:///{folder / 'seventh.db'}")


def test_equal_seeds_give_equal_logs_in_process_and_over_grpc(seventh: dict[str, Any], tmp_path: Path) -> None:
    with serving(tmp_path, clock="stream") as target:
        found = run(tmp_path, 7, server=target)

    assert found["seed"] == seventh["seed"] == 7
    assert found["audit"] == seventh["audit"]


def test_another_seed_gives_another_log_that_is_as_sound(seventh: dict[str, Any], tmp_path: Path) -> None:
    found = run(tmp_path, 8)

    audit = found["audit"]
    assert audit["log_sha256"] != seventh["audit"]["log_sha256"]
    assert audit["chain_ok"]
    assert audit["replay_equal"]
    assert audit["decisions"] == audit["rederived"] > 0
    assert found["loss"]["served"] < 0.6 * found["loss"]["static"]


def test_the_seed_is_on_record_with_the_model_its_salts_and_its_jobs(seventh: dict[str, Any], folder: Path) -> None:
    with sqlite3.connect(folder / "seventh.db") as raw:
        bodies = [row[0] for row in raw.execute("SELECT body FROM payloads")]
        specs = [json.loads(row[0])["seed"] for row in raw.execute("SELECT body FROM evidence WHERE kind = 'spec'")]
    facts = [json.loads(body) for body in bodies]

    assert seventh["promotions"] >= 1
    assert [fact["seed"] for fact in facts if "seed" in fact] == [7]
    assert {fact["salt"].rpartition("/")[2] for fact in facts if "salt" in fact} == {"7"}
    assert set(specs) == {7}
