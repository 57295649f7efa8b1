"""When an open incident is diagnosed anew: each time that the rows since its onset have doubled.

A first diagnosis may be made of few rows, and a cause that it names by chance may keep a model from what would help. Of
twice the rows chance makes less. Looks whose rows double are few, however long an incident lasts.
"""

from __future__ import annotations

from statemachine.health import ModelHealth
from statemachine.words import DEGRADED

FIRST_ROW = 1  #: the earliest onset that a diagnosis is made of


def is_due(health: ModelHealth, first_row: int, end_row: int) -> bool:
    """Say whether rows of [*first_row*, *end_row*) doubled those that the latest diagnosis saw, once or again."""
    return _looks(health) and _doublings(health, end_row) > max(_doublings(health, first_row), 0)


def next_row(health: ModelHealth, end_row: int) -> int | None:
    """Give how many rows there are when the next diagnosis is made, of *end_row* so far; None where none will be."""
    if not _looks(health):
        return None
    onset, seen = _onset(health), _seen(health)
    return onset + (seen << max(_doublings(health, end_row) + 1, 1))


def _looks(health: ModelHealth) -> bool:
    """A diagnosis of before says nothing of its rows, so none follows it."""
    return health.place == DEGRADED and health.policy.diagnosis.anew and bool(health.cause and health.diagnosed_row)


def _doublings(health: ModelHealth, row: int) -> int:
    """Count how often the rows up to *row* have doubled; less than 0 where fewer were there than were seen."""
    return (max(row - _onset(health), 0) // _seen(health)).bit_length() - 1


def _seen(health: ModelHealth) -> int:
    return max(health.diagnosed_row - _onset(health), 1)


def _onset(health: ModelHealth) -> int:
    return max(health.onset_row, FIRST_ROW)
