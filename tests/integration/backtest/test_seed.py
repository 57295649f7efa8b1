"""The seed reaches whatever chance decides, and nothing else differs between two runs."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backtest.run import Options, backtest
from backtest.stream import read_stream
from server.settings import Settings
from server.wiring import open_log
from store import Reader
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
    with closing(open_log(Settings(database=f"sqlite:///{folder / 'seventh.db'}"))) as log:
        events = log.read(lambda reader: reader.all_events(0, 1_000))
        facts = [json.loads(event.payload or b"") for event in events]
        jobs = {fact["spec"] for fact in facts if "spec" in fact}
        specs = [json.loads(log.read(partial(_evidence, sha256)))["seed"] for sha256 in jobs]

    assert seventh["promotions"] >= 1
    assert [fact["seed"] for fact in facts if "seed" in fact] == [7]
    assert {fact["salt"].rpartition("/")[2] for fact in facts if "salt" in fact} == {"7"}
    assert set(specs) == {7}


def _evidence(sha256: str, reader: Reader) -> bytes:
    return reader.evidence(sha256)
