"""What a registry would hand out: three wheels, with our packages and the data that they read, and nothing else."""

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
    "providers",
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


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return wheel(ROOT / "verifier", tmp_path_factory.mktemp("verifier"))


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


def test_the_wheel_of_the_verifier_holds_one_package_and_its_command(verifier: zipfile.ZipFile) -> None:
    (commands,) = (name for name in verifier.namelist() if name.endswith("entry_points.txt"))

    assert packages(verifier) == {"remission_verify"}
    assert "remission-verify = remission_verify.command:main" in verifier.read(commands).decode()


def test_the_wheel_of_the_verifier_asks_for_cryptography_alone(verifier: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in verifier.namelist() if name.endswith("METADATA"))
    lines = verifier.read(metadata).decode().splitlines()

    assert [line for line in lines if line.startswith("Requires-Dist")] == ["Requires-Dist: cryptography>=43"]


def test_the_wheel_of_the_service_carries_the_data_that_its_rooms_read(service: zipfile.ZipFile) -> None:
    assert committed_beside_code(*sorted(ROOMS)) <= set(service.namelist())


def test_the_wheel_of_the_client_carries_its_stubs_and_vectors(client: zipfile.ZipFile) -> None:
    wanted = {name.removeprefix("client/src/") for name in committed_beside_code("client/src")}

    assert wanted <= set(client.namelist())


@pytest.mark.parametrize("folder", ["client", "verifier"])
def test_the_service_asks_for_what_it_shares_in_its_own_version(folder: str) -> None:
    service = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    shared = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]

    assert f"{shared['name']}=={shared['version']}" in service["dependencies"]
    assert service["version"] == shared["version"]
