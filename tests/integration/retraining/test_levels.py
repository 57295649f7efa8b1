"""The level on record is the one that was seen to hold, on kernels that refuse what isolates jobs or only say yes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # its stubs are not in the lock
import pytest

HERE = Path(__file__).parent
PROGRAM = f"""
import sys
sys.path[:0] = {[str(HERE), *sys.path]!r}
import json
import forbidding
from retraining.sandbox import Sandbox
from retraining.template import Limits
answer, call, jobs, user = *sys.argv[1:3], json.loads(sys.argv[3]), sys.argv[4]
if user == "anybody":
    forbidding.give_up_root()
getattr(forbidding, answer)(getattr(forbidding, call))
with Sandbox("hostile:run") as sandbox:
    for spec, limits in jobs:
        found = sandbox.run(spec, {{}}, Limits(**limits))
        print(json.dumps([found.status, found.isolation, found.message]))
"""
KERNELS = pytest.mark.parametrize(
    ("answer", "call", "level"),
    [
        ("refuse", "UNSHARE", "limits"),
        ("pretend", "UNSHARE", "limits"),
        ("refuse", "LANDLOCK_CREATE", "offline"),
        ("refuse", "LANDLOCK_RESTRICT", "offline"),
        ("pretend", "LANDLOCK_RESTRICT", "offline"),
    ],
)


Job = tuple[dict[str, Any], dict[str, Any]]


def outcomes(folder: Path, answer: str, call: str, *jobs: Job, user: str = "root") -> list[list[str]]:
    """Run *jobs*, each a spec and its limits, where the kernel gives *answer* to *call*; give how each ended."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, answer, call, json.dumps(jobs), user],
        env={"TMPDIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


@KERNELS
def test_the_level_of_a_job_is_what_holds_whatever_the_kernel_says(
    tmp_path: Path, answer: str, call: str, level: str
) -> None:
    assert outcomes(tmp_path, answer, call, ({"do": "behave"}, {})) == [["ok", level, ""]]


@KERNELS
def test_a_job_that_asks_for_more_than_holds_is_refused_before_it_begins(
    tmp_path: Path, answer: str, call: str, level: str
) -> None:
    wanted = {"minimum_isolation": "sealed", "wall_seconds": 1}

    assert outcomes(tmp_path, answer, call, ({"do": "sleep", "seconds": 600}, wanted)) == [
        ["POLICY_REFUSED", level, f"isolation {level} was reached; the template asks for sealed"]
    ]


@pytest.mark.parametrize("user", ["root", "anybody"])
def test_where_no_namespace_can_be_made_nothing_of_a_job_outlives_it_either(tmp_path: Path, user: str) -> None:
    jobs = [({"do": "hide"}, {}), ({"do": "fork"}, {"processes": 16}), ({"do": "behave"}, {})]

    found = outcomes(tmp_path, "refuse", "UNSHARE", *(jobs if user == "root" else jobs[::2]), user=user)

    assert {(status, level) for status, level, _ in found} == {("ok", "limits")}
    assert not [one for one in psutil.process_iter(["cwd"]) if str(tmp_path) in (one.info["cwd"] or "")]
