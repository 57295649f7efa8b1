"""A scenario as a file: a title, commands, a line of dashes, and the transcript that they lead to.

Where a transcript changes on purpose, `ACCEPT=1 .venv/bin/pytest tests/scenarios` writes the new one into the file. The
test fails all the same, so that nobody accepts what they have not read: look at the difference, and say why each line
changed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

from tests.scenarios.lines import Line, read

FOLDER = Path(__file__).parent
RULE = "-" * 40


class Stage(Protocol):
    """Whatever carries out commands."""

    def play(self, line: Line) -> list[str]:
        """Carry out *line*, and tell what followed."""
        ...


@dataclass(frozen=True)
class Script:
    """A scenario that was read."""

    path: Path
    head: str
    told: str

    @property
    def lines(self) -> list[Line]:
        """The commands, without the title, comments and empty lines."""
        _, *rest = self.head.splitlines()
        return [read(text) for text in rest if text.strip() and not text.startswith("#")]

    def play(self, stage: Stage) -> str:
        """Let *stage* carry out every line; give the transcript."""
        told = [[line.text, *(f"    {each}" for each in stage.play(line))] for line in self.lines]
        return "\n".join(chain.from_iterable(told)) + "\n"

    def check(self, transcript: str) -> None:
        """Compare *transcript* with the one in the file, or accept it where that is asked for."""
        if os.environ.get("ACCEPT") and transcript != self.told:
            self.path.write_text(f"{self.head}\n{RULE}\n{transcript}", encoding="utf-8")
            raise AssertionError(f"{self.path.name} was rewritten: read what changed")
        assert transcript.splitlines() == self.told.splitlines()


def scripts(folder: str) -> list[Path]:
    """List the scenarios of a folder."""
    return sorted((FOLDER / folder).glob("*.txt"))


def script(path: Path) -> Script:
    """Read a scenario."""
    head, _, told = path.read_text(encoding="utf-8").partition(f"\n{RULE}\n")
    return Script(path=path, head=head.rstrip("\n"), told=told)
