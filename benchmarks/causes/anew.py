"""Anew: what is named of few rows with a cause in them, and what a look says when these rows have doubled."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from rich.table import Table

from benchmarks.causes.catalogue import CAUSES
from benchmarks.causes.ground import Ground, Sick, serve
from server.watching.watch import Watch
from statemachine.commands import StartRetraining
from statemachine.guards import cause_can_be_trained_away
from statemachine.health import ModelHealth

WINDOWS = (1, 2, 4, 8)  #: of rows with the cause in them, at which it is asked as well
BY_ITSELF = StartRetraining(requested_by="service", reason="REMEDY")
COLUMNS = ("windows", "right", "of these lost", "wrong", "of these made good", "wrongly held back", "of these freed",
           "rightly held back", "of these lost")  # fmt: skip

Answer = dict[str, Any]


def growing(on: Ground, watch: Watch, sick: Sick) -> Iterator[int]:
    """Let *watch* see rows part by part; give the windows that it has seen, before the last part."""
    for first, end in pairwise((0, *WINDOWS)):
        serve(on, watch, _part(on, sick, first, end))
        yield end
    serve(on, watch, _part(on, sick, WINDOWS[-1], None))


def held_back(causes: list[dict[str, Any]]) -> bool:
    """Say whether a service trains nothing by itself while these causes stand."""
    return not cause_can_be_trained_away(ModelHealth(cause=causes[0]["kind"], causes=tuple(causes)), BY_ITSELF, 0)


def table(answers: list[Answer]) -> Table:
    """Tell of each look how the next one changed it."""
    found = Table(*COLUMNS, title="diagnosed anew, when the rows have doubled")
    for number, (few, many) in enumerate(pairwise(WINDOWS)):
        found.add_row(f"{few} → {many}", *map(str, counts(answers, number)))
    return found


def counts(answers: list[Answer], number: int) -> tuple[int, ...]:
    """Count what look *number* said, and what became of it in the next; controls do not count."""
    both = [one["looks"][number : number + 2] for one in answers if not CAUSES[one["cause"]].control]
    right, wrong = ([pair for pair in both if pair[0]["right"] is is_right] for is_right in (True, False))
    kept, spared = ([pair for pair in some if pair[0]["held_back"]] for some in (wrong, right))
    return (
        len(right), sum(not after["right"] for _, after in right),
        len(wrong), sum(after["right"] for _, after in wrong),
        len(kept), sum(not after["held_back"] for _, after in kept),
        len(spared), sum(not after["held_back"] for _, after in spared),
    )  # fmt: skip


def _part(on: Ground, sick: Sick, first: int, end: int | None) -> Sick:
    where = slice(first * on.window, None if end is None else end * on.window)
    times = None if sick.times_us is None else sick.times_us[where]
    return Sick(sick.rows[where], sick.outputs[where], sick.labels[where], times)
