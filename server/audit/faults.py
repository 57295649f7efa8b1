"""Faults of a log: each with what is wrong, and with the place where that can be told."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong; *position* is that of the event, 0 where it is no single one."""

    position: int
    what: str

    def __str__(self) -> str:
        """Say what it is, with its place."""
        return self.what
