"""What a registry would hand out: two wheels, with our packages and the data that they read, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "backtest",
    "cli",
    "diagnosis",
    "migrations",
    "measures",
    "monitoring",
    "retraining",
    "rollout",
    "server",
    "statemachine",
    "store",
}
LEFT_OUT = shutil.ignore_patterns(".*", "build", "*.egg-info", "__pycache__")


def wheel(source: Path, folder: Path) -> zipfile.ZipFile:
    """Build the wheel of a copy of *source*, with the backend that the lock pins and no network."""
    copy = folder / "source"
    shutil.copytree(source, copy, ignore=LEFT_OUT)
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder / "wheels")]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, copy], check=True)
    return zipfile.ZipFile(next((folder / "wheels").glob("*.whl")))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return wheel(ROOT, tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return wheel(ROOT / "client", tmp_path_factory.mktemp("client"))


def packages(built: zipfile.ZipFile) -> set[str]:
    return {name.partition("/")[0] for name in built.namelist() if ".dist-info/" not in name}


def committed_beside_code(*folders: str) -> set[str]:
    """Return the files of *folders*, relative to the root, that are no Python code but belong to it."""
    files = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - git is found where the machine keeps it
    return {name for name in files.stdout.splitlines() if not name.endswith((".py", ".toml", "README.md"))}


def test_the_wheel_of_the_service_holds_its_rooms_and_nothing_else(service: zipfile.ZipFile) -> None:
    assert packages(service) == ROOMS


def test_the_wheel_of_the_client_holds_one_package(client: zipfile.ZipFile) -> None:
    assert packages(client) == {"remission"}


def test_the_wheel_of_the_service_carries_the_data_that_its_rooms_read(service: zipfile.ZipFile) -> None:
    assert committed_beside_code(*sorted(ROOMS)) <= set(service.namelist())


def test_the_wheel_of_the_client_carries_its_stubs_and_vectors(client: zipfile.ZipFile) -> None:
    wanted = {name.removeprefix("client/src/") for name in committed_beside_code("client/src")}

    assert wanted <= set(client.namelist())


def test_the_service_asks_for_the_client_of_its_own_version() -> None:
    service = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    client = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]

    assert f"{client['name']}=={client['version']}" in service["dependencies"]
    assert service["version"] == client["version"]
