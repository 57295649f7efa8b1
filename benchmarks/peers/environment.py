"""Makes an environment under `.cache/` from a lock beside this file, once; another lock makes another one.

python -m benchmarks.peers.environment evidently
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "peers"
MADE = "made"  #: a file that is written last: what was interrupted is made again


def environment(name: str) -> Path:
    """Return the interpreter that has what `<name>.txt` locks."""
    lock = HERE / f"{name}.txt"
    folder = CACHE / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / MADE).exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        install = [uv, "pip", "install", "--quiet", "--python", str(python), "--no-deps", "--require-hashes"]
        subprocess.run([*install, "--requirement", str(lock)], check=True)
        (folder / MADE).touch()
    return python


def main() -> None:
    """Make the environments that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="+")
    for name in parser.parse_args().names:
        print(environment(name))


if __name__ == "__main__":
    main()
