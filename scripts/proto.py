"""Generate and check the Python code of the contract.

`generate` writes the stubs, `check` proves that they are fresh and that the contract keeps its word, `baseline` accepts
the present contract as the one that later ones must not break.

The generator is old on purpose: generated code refuses a runtime older than its generator, so the generator's age is
what serving teams may run. It lives in an environment of its own, which this script makes under `.cache`.
"""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROTO = ROOT / "proto"
BASELINE = PROTO / "baseline" / "remission.v1.binpb"
STUBS = Path("remission") / "v1"
TARGET = ROOT / "client" / "src"

# Code from grpcio-tools 1.62 runs with protobuf 4.25 and later, and checks no version at import.
PINS = (
    "grpcio-tools==1.62.3",
    "grpcio==1.85.1",
    "protobuf==4.25.9",
    "mypy-protobuf==3.6.0",
    "types-protobuf==7.35.1.20260906",
    "typing-extensions==4.16.0",
    "setuptools==65.5.0",
)


class StaleStubsError(Exception):
    """The committed stubs are not what the contract generates; run `python scripts/proto.py generate`."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"{type(self).__doc__} Differs: {', '.join(names)}")
        self.names = names


def generator() -> Path:
    """Return the interpreter of the generator's environment, made on first use."""
    key = hashlib.sha256("\n".join(PINS).encode()).hexdigest()[:12]
    home = ROOT / ".cache" / f"proto-{key}"
    done = home / "complete"
    python = home / "bin" / "python"
    if not done.exists():
        venv.create(home, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINS], check=True)
        done.touch()
    return python


def generate(target: Path) -> None:
    """Write the stubs of the whole contract below *target*."""
    python = generator()
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("remission/v1/*.proto"))
    outputs = [f"--{kind}_out={target}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    environment = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command: list[str | Path] = [python, "-W", "ignore", "-m", "grpc_tools.protoc", f"-I{PROTO}", *outputs, *sources]
    subprocess.run(command, check=True, env=environment)
    (target / STUBS / "__init__.py").write_text('"""Generated code of the contract `remission.v1`; never edited."""\n')


def rewrite() -> None:
    """Replace the committed stubs."""
    shutil.rmtree(TARGET / STUBS, ignore_errors=True)
    (TARGET / STUBS).mkdir(parents=True)
    generate(TARGET)


def check_fresh() -> None:
    """Compare fresh stubs with the committed ones, byte for byte.

    Raises:
        StaleStubsError: A file differs, is missing, or should not be there.
    """
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        (fresh / STUBS).mkdir(parents=True)
        generate(fresh)
        stale = _differences(fresh / STUBS, TARGET / STUBS)
    if stale:
        raise StaleStubsError(stale)


def check_contract() -> None:
    """Run buf's linter, its formatter and its comparison with the baseline; none needs a network."""
    _buf("lint")
    _buf("format", "--diff", "--exit-code")
    _buf("breaking", "--against", str(BASELINE.relative_to(ROOT)))


def accept() -> None:
    """Make the present contract the baseline."""
    BASELINE.parent.mkdir(exist_ok=True)
    _buf("build", "--exclude-source-info", "--output", str(BASELINE.relative_to(ROOT)))


def _buf(*arguments: str) -> None:
    beside = Path(sys.executable).parent / "buf"
    subprocess.run([beside if beside.exists() else "buf", *arguments], check=True, cwd=ROOT)


def _differences(fresh: Path, committed: Path) -> list[str]:
    names = {path.name for folder in (fresh, committed) for path in folder.glob("*.py*")}
    _, mismatched, missing = filecmp.cmpfiles(fresh, committed, sorted(names), shallow=False)
    return sorted(mismatched + missing)


def main() -> None:
    """Do what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("generate", "check", "baseline"))
    match parser.parse_args().action:
        case "generate":
            rewrite()
        case "baseline":
            accept()
        case _:
            check_contract()
            check_fresh()


if __name__ == "__main__":
    main()
