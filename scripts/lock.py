"""Write `requirements.lock`: every package of the service, its workers and its development, by version and hash.

The lock serves every platform and names no registry: which one serves the packages is the machine's business. Versions
that stand in it already are kept where they still answer; `--upgrade` looks for newer ones. `tests/house/test_lock.py`
proves, with no network, that it answers what pyproject.toml asks for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ASKED = (
    "pyproject.toml",
    "client/pyproject.toml",
    "verifier/pyproject.toml",
    "--extra=dev",
    "--extra=sklearn",
    "--extra=fast",
)
SHAPE = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-emit-package=remission",  # ours, installed from client/
    "--no-emit-package=remission-verify",  # ours, installed from verifier/
    "--no-header",
    "--quiet",
)


def main() -> None:
    """Do what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="look for newer versions of everything")
    newer = ["--upgrade"] if parser.parse_args().upgrade else []
    uv = str(Path(sys.executable).parent / "uv")
    command = [uv, "pip", "compile", *ASKED, *SHAPE, *newer, "--output-file", "requirements.lock"]
    subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
