"""The lock answers what we ask for, with hashes, and no file of the project names a registry."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
ENTRY = re.compile(
    r"^(?P<pin>[a-z0-9][^\s=]*==[^\s\\]+(?: ;[^\\]*)?)(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)$",
    re.MULTILINE,
)
OURS = ("remission", "remission-verify")
REGISTRY = re.compile(r"--(?:extra-)?index-url[ =]\S|--find-links[ =]\S|index-url\s*=|(?:files\.python|pypi)\.\w+/\w")


def asked() -> list[Requirement]:
    """Return what our distributions and their extras ask for, but for each other."""
    wanted: list[Requirement] = []
    for file in ("pyproject.toml", "client/pyproject.toml", "verifier/pyproject.toml"):
        project = tomllib.loads((ROOT / file).read_text())
        lines = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
        extras = project["project"].get("optional-dependencies", {})
        lines += [line for extra in extras.values() for line in extra]
        wanted += [Requirement(line) for line in lines]
    return [requirement for requirement in wanted if requirement.name not in OURS]


def locked() -> dict[str, str]:
    """Return the version that the lock pins for this interpreter, by canonical name."""
    pins = [Requirement(entry["pin"]) for entry in ENTRY.finditer((ROOT / "requirements.lock").read_text())]
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in here}


@pytest.mark.parametrize("requirement", asked(), ids=str)
def test_the_lock_answers_each_requirement(requirement: Requirement) -> None:
    assert requirement.specifier.contains(locked()[canonicalize_name(requirement.name)])


def test_every_line_of_the_lock_is_a_pin_with_hashes() -> None:
    rest = ENTRY.sub("", (ROOT / "requirements.lock").read_text())

    assert [line for line in rest.splitlines() if line and not line.lstrip().startswith("#")] == []


@pytest.mark.parametrize("requirement", asked(), ids=str)
def test_no_requirement_is_fetched_from_an_address(requirement: Requirement) -> None:
    assert requirement.url is None


def test_no_file_names_a_registry() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - git is found where the machine keeps it
    naming = [name for name in listing.stdout.splitlines() if REGISTRY.search(_text(ROOT / name))]

    assert naming == []


def _text(path: Path) -> str:
    return path.read_text(errors="ignore") if path.is_file() else ""
