"""The five lines in the README do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from remission import Client

from tests.fixtures.servers import ROOT, serving
from tests.integration.client.watched import REFERENCE_ROWS, numbers, register, rows_had

BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
BEFORE = """
import numpy as np
from sklearn.linear_model import LinearRegression
TARGET = {target!r}
rows = np.arange(8.0)[:, None]
estimator = LinearRegression().fit(rows, rows[:, 0])
"""
AFTER = """
assert (answer == estimator.predict(rows)).all()
model.close()
print(model.counts.sent, "rows arrived")
"""


def test_a_serving_process_reports_with_five_lines(tmp_path: Path) -> None:
    [block] = [block for block in BLOCKS if "MonitoredModel" in block]
    with serving(tmp_path) as target, Client(target) as client:
        register(client, "approval", numbers(REFERENCE_ROWS), [])
        program = BEFORE.format(target=target) + block + AFTER

        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
        )

        had = rows_had(client, "approval")
    assert done.stderr == ""
    assert done.stdout == "8 rows arrived\n"
    assert had == 8
    assert len(block.strip().splitlines()) <= 5
