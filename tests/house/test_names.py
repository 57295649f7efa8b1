"""Our packages have plain names, so a stranger in the same environment could hold one of them."""

from __future__ import annotations

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICE = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOUND = SERVICE["tool"]["setuptools"]["packages"]["find"]["include"]
PACKAGES = [pattern for pattern in FOUND if not pattern.endswith(".*")]
OURS = dict.fromkeys(PACKAGES, "remission-server") | {"remission": "remission", "remission_verify": "remission-verify"}


@pytest.mark.parametrize(("package", "distribution"), sorted(OURS.items()))
def test_each_package_of_ours_is_held_by_our_distribution_alone(package: str, distribution: str) -> None:
    assert set(packages_distributions().get(package, [])) == {distribution}


@pytest.mark.parametrize("name", ["benchmarks", "docs", "examples", "proto", "scripts", "tests"])
def test_what_is_not_distributed_is_no_package_of_ours(name: str) -> None:
    assert set(OURS.values()).isdisjoint(packages_distributions().get(name, []))


def test_every_package_at_the_root_is_distributed_or_is_benchmarks() -> None:
    packages = {folder.parent.name for folder in ROOT.glob("*/__init__.py")}

    assert packages == {*PACKAGES, "benchmarks"}


def test_the_contract_is_text_and_no_python_package() -> None:
    assert not list((ROOT / "proto").rglob("*.py"))
