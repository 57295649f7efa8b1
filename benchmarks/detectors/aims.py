"""What was aimed at, and what was reached: one line each, for eyes and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A figure, and the bound that it is held to; a line without one is for information."""

    what: str
    reached: float
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Say whether the bound holds; None where there is none."""
        if self.at_most is not None:
            return self.reached <= self.at_most
        return None if self.at_least is None else self.reached >= self.at_least

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return the line for a table."""
        aim = (
            ""
            if self.met is None
            else f"<= {self.at_most:,g}"
            if self.at_most is not None
            else f">= {self.at_least:,g}"
        )
        answer = {True: "yes", False: "[red]no[/red]", None: ""}[self.met]
        return (
            self.what,
            f"{self.reached:,.4g}" if self.reached < 1_000 else f"{self.reached:,.0f}",
            aim,
            answer,
            self.note,
        )


def table(title: str, lines: Sequence[Line]) -> Table:
    """Return the lines to print."""
    found = Table("what", "reached", "aim", "met", "note", title=title)
    for line in lines:
        found.add_row(*line.cells())
    return found


def write(path: Path, lines: dict[str, list[Line]]) -> None:
    """Write all lines as JSON, by title."""
    told = {title: [{**asdict(line), "met": line.met} for line in some] for title, some in lines.items()}
    path.write_text(json.dumps(told, indent=1) + "\n")
