"""The code in the README runs, against a server in another process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.servers import ROOT, serving

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def run(block: str, target: str) -> str:
    program = f"TARGET = {target!r}\n{block}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> object:
    with serving(tmp_path_factory.mktemp("readme")) as address:
        yield address


def test_a_first_model_is_registered_fed_watched_and_replayed(target: str) -> None:
    told = run(BLOCKS[0], target)

    assert "100 rows are durable" in told
    assert "before the labels: REGISTERED" in told
    assert "raise_alarm → ALARM" in told
    assert "model_registered" in told
    assert "replay equal: True" in told


def test_metrics_alone_move_a_model_and_policies_make_a_difference(target: str) -> None:
    told = run(BLOCKS[1], target)

    assert "quick: STATE_SUSPECT STATE_HEALTHY STATE_SUSPECT STATE_DEGRADED\n" in told
    assert "patient: STATE_SUSPECT\n" in told


def test_the_readme_has_no_block_that_is_not_known_here() -> None:
    assert len(BLOCKS) == 3
    assert "MonitoredModel" in BLOCKS[2]
    assert Path(ROOT / "client" / "src" / "remission" / "sklearn.py").is_file()
