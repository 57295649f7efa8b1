"""Each name that the documents and the continuous integration use is a target that can run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGETS = [
    "setup",
    "demo",
    "test",
    "coverage",
    "acceptance",
    "lint",
    "format",
    "proto",
    "lock",
    "bench",
    "replicas",
    "evaluate",
    "evaluate-quality",
    "evaluate-causes",
    "evaluate-alarms",
    "evaluate-detectors",
    "derive",
    "replay-million",
    "same-bits",
    "clean",
    "help",
]


def dry_run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "--dry-run", *arguments], cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S607 - make is found where the machine keeps it


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_how_to_reach_each_target(target: str) -> None:
    assert dry_run(target).returncode == 0


def test_help_names_every_target() -> None:
    described = re.findall(r"^## ([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert described == TARGETS


def test_every_script_that_make_runs_exists() -> None:
    scripts = re.findall(r"scripts/\w+\.(?:py|sh)", (ROOT / "Makefile").read_text())

    assert [name for name in scripts if not (ROOT / name).is_file()] == []


def test_a_quick_evaluation_reads_the_folder_that_it_is_given() -> None:
    plan = dry_run("evaluate", "DATA=elsewhere", "QUICK=1").stdout

    assert "--data elsewhere --quick" in plan


def test_acceptance_says_what_it_needs_where_it_can_install_nothing(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    script = ROOT / "scripts" / "acceptance_packages.sh"
    run = subprocess.run([bash, script], env={"PATH": str(tmp_path)}, check=False, capture_output=True, text=True)

    assert run.returncode == 1
    assert "needs golang-go golang-golang-x-mod-dev" in run.stderr
    assert "there is no apt-get here" in run.stderr
