"""How many threads trees are grown by, in a command of which nobody said."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.fixtures.servers import PATIENCE_SECONDS, ROOT

#: A command that loads what grows trees, and tells the threads.
TELLS = """
import json
from threadpoolctl import threadpool_info
from cli.main import app, main

@app.command()
def threads():
    import sklearn.ensemble
    print(json.dumps([one["num_threads"] for one in threadpool_info() if one["user_api"] == "openmp"]))

main()
"""


def threads(**environment: str) -> set[int]:
    ours = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    told = subprocess.run(
        [sys.executable, "-c", TELLS, "threads"], cwd=ROOT, env={**ours, **environment}, capture_output=True,
        check=True, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    return set(json.loads(told.stdout))


@pytest.mark.parametrize(("environment", "expected"), [({}, 1), ({"OMP_NUM_THREADS": "3"}, 3)])
def test_a_command_grows_trees_in_one_thread_unless_it_is_told_otherwise(
    environment: dict[str, str], expected: int
) -> None:
    assert threads(**environment) == {expected}
