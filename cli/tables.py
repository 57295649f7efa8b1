"""Tables for people, JSON for machines, of the same values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from remission.v1.health_pb2 import UnreadableModel
from rich.console import Console
from rich.table import Table

MOST_CELL = 80
WIDE = 1_000  #: columns, where no terminal says how many there are
#: Characters that move the cursor, colour what follows or turn its direction, and show nothing themselves.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
TIMES = {"occurred_us": "occurred", "recorded_us": "recorded", "entered_us": "entered"}


def told(message: Message) -> dict[str, Any]:
    """Give a message as plain values, with times that people read beside the numbers."""
    found: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    for field, name in TIMES.items():
        if field in found:
            found[name] = instant(found[field])
    return found


def instant(at_us: str | int) -> str:
    """Give an instant to the second."""
    return datetime.fromtimestamp(int(at_us) / 1_000_000, UTC).isoformat(timespec="seconds")


def day(at_us: str | int) -> str:
    """Give the day of an instant."""
    return datetime.fromtimestamp(int(at_us) / 1_000_000, UTC).strftime("%Y-%m-%d")


def show(rows: Sequence[dict[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print *rows*: as JSON whole, else *columns* as a table, or one below the other where no table has room."""
    console = wide()
    if as_json:
        console.print_json(json.dumps(list(rows)))
        return
    cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    table = Table(*columns, header_style="bold")
    for row in cells:
        table.add_row(*row)
    if cells and _asks_for(console, table) > console.width:
        console.print(listed(columns, cells), highlight=False, soft_wrap=True)
    else:
        console.print(table)


def breaks_words(console: Console, table: Table) -> bool:
    """Say whether *table* is narrower than its longest words ask for, so that nobody could read it."""
    return console.measure(table, options=console.options.update(max_width=WIDE)).minimum > console.width


def _asks_for(console: Console, table: Table) -> int:
    """Give the columns that *table* takes up when nothing of it is cut or folded."""
    return console.measure(table, options=console.options.update(max_width=WIDE)).maximum


def listed(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give rows one below the other, with an empty line between them."""
    return "\n\n".join(_listed(columns, row) for row in rows)


def _listed(columns: Sequence[str], row: Sequence[str]) -> str:
    """Give a row as lines, each a column that is not empty."""
    room = max(map(len, columns))
    return "\n".join(f"{column:{room}}  {cell}" for column, cell in zip(columns, row, strict=True) if cell)


def unread(found: Sequence[UnreadableModel], column: str = "model") -> list[dict[str, Any]]:
    """Say on standard error which models cannot be read and why; give them as rows with their name in *column*."""
    for one in found:
        typer.echo(visible(f"remission: {one.model} cannot be read: {one.reason}, {one.message}"), err=True)
    return [{column: one.model, "unreadable": {"reason": one.reason, "message": one.message}} for one in found]


def wide() -> Console:
    """Give a console as wide as its terminal. A pipe or a file has none, so nothing is cut or folded there."""
    console = plain()
    return console if console.is_terminal else plain(width=WIDE)


def plain(*, stderr: bool = False, width: int | None = None) -> Console:
    """Give a console that prints what others wrote as they wrote it: brackets are no markup, and `:100:` no picture."""
    return Console(stderr=stderr, width=width, markup=False, emoji=False)


def visible(text: str) -> str:
    r"""Give *text* with each character that would act on a terminal written out, so that it acts no more.

    >>> visible("fine\x1b[2J")
    'fine\\x1b[2J'
    """
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _cell(value: object) -> str:
    told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = visible(told).removeprefix("STATE_").removeprefix("AUTOMATION_").removeprefix("TASK_")
    return text if len(text) <= MOST_CELL else text[: MOST_CELL - 1] + "…"
