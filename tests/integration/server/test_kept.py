"""One file of the newest checkpoint for several servers: it never grows older, and who is frozen blocks nobody else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from remission_verify.checkpoint import Checkpoint, parse
from remission_verify.note import Signer, parse_note, sign

from server.checkpoints.kept import CheckpointHeld, KeptCheckpoint
from tests.fixtures.servers import PATIENCE_SECONDS, ROOT

SIGNER = Signer.fresh("log.example")
#: Puts the notes that it is given, one file after the other, and asks again as a server does.
PUTTING = """
import sys
from pathlib import Path
from server.checkpoints.kept import CheckpointHeld, KeptCheckpoint

def put(note):
    try:
        kept.put(note)
    except CheckpointHeld:
        put(note)

kept = KeptCheckpoint(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for file in sys.argv[2:]:
    put(Path(file).read_text(encoding="utf-8"))
"""
#: Has looked at what is kept, and says so; what it would put there waits for a line.
FROZEN = """
import sys
from pathlib import Path
from server.checkpoints.kept import KeptCheckpoint

class Frozen(KeptCheckpoint):
    def _replace(self, note):
        print("looked", flush=True)
        sys.stdin.readline()
        super()._replace(note)

Frozen(Path(sys.argv[1])).put(Path(sys.argv[2]).read_text(encoding="utf-8"))
"""


def a_note(folder: Path, size: int) -> Path:
    """Sign a checkpoint of so many events, and give its file."""
    file = folder / f"note-{size}"
    file.write_text(sign(Checkpoint("log.example", size, bytes(32)).body, [SIGNER]), encoding="utf-8")
    return file


def size_in(file: Path) -> int:
    """Say of how many events the kept checkpoint is; 0 before the first."""
    text = KeptCheckpoint(file).text()
    return parse(parse_note(text).text).size if text is not None else 0


@contextmanager
def process(program: str, *arguments: Path) -> Iterator[subprocess.Popen[str]]:
    """Run *program* until it has said its first word."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as found:
        assert found.stdout is not None
        assert found.stdout.readline().strip() in ("ready", "looked")
        yield found


def go_on(found: subprocess.Popen[str]) -> None:
    """Let a process that waits for a line go on."""
    assert found.stdin is not None
    found.stdin.write("\n")
    found.stdin.flush()


def test_what_two_processes_put_at_once_never_grows_older(tmp_path: Path) -> None:
    kept, sizes = tmp_path / "newest", range(1, 401)
    notes = [a_note(tmp_path, size) for size in sizes]
    seen = []
    with process(PUTTING, kept, *notes[::2]) as odd, process(PUTTING, kept, *notes[1::2]) as even:
        go_on(odd)
        go_on(even)
        while None in (odd.poll(), even.poll()):
            seen.append(size_in(kept))

    assert (odd.returncode, even.returncode) == (0, 0)
    assert seen == sorted(seen)
    assert size_in(kept) == sizes[-1]


def test_an_older_checkpoint_changes_nothing(tmp_path: Path) -> None:
    kept = KeptCheckpoint(tmp_path / "newest")
    kept.put(a_note(tmp_path, 9).read_text())
    kept.put(a_note(tmp_path, 5).read_text())

    assert size_in(tmp_path / "newest") == 9


def test_a_server_that_is_frozen_over_the_file_is_waited_for_no_longer_than_a_moment(tmp_path: Path) -> None:
    file = tmp_path / "newest"
    newer = a_note(tmp_path, 9).read_text()
    with process(FROZEN, file, a_note(tmp_path, 5)) as frozen:
        with pytest.raises(CheckpointHeld, match=r"checkpoint_file: .*newest is held by another server"):
            KeptCheckpoint(file).put(newer)
        while_frozen = size_in(file)
        go_on(frozen)
        frozen.wait(PATIENCE_SECONDS)
        after = size_in(file)
    KeptCheckpoint(file).put(newer)

    assert (while_frozen, after, size_in(file)) == (0, 5, 9)


def test_a_server_that_is_killed_over_the_file_leaves_it_to_the_next(tmp_path: Path) -> None:
    file = tmp_path / "newest"
    with process(FROZEN, file, a_note(tmp_path, 5)) as doomed:
        doomed.kill()
        doomed.wait(PATIENCE_SECONDS)
    KeptCheckpoint(file).put(a_note(tmp_path, 9).read_text())

    assert size_in(file) == 9
