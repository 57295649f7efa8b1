"""A line of a scenario: a verb, plain words, and options as `name=value`. Values with spaces stand in quotes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
SECOND_US = 1_000_000


@dataclass(frozen=True)
class Line:
    """What one line asks for, and how much later than the line before."""

    text: str
    verb: str
    words: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    later_us: int = 0

    def word(self, default: str = "") -> str:
        """Give the first plain word."""
        return self.words[0] if self.words else default

    def get(self, name: str, default: str = "") -> str:
        """Give an option as text."""
        return self.options.get(name, default)

    def number(self, name: str, default: int) -> int:
        """Give an option as a whole number."""
        return int(self.options.get(name, default))


def read(text: str) -> Line:
    """Read a line, as `+1h alarm loss onset=40`."""
    parts = shlex.split(text)
    later_us = duration_us(parts.pop(0)[1:]) if parts[0].startswith("+") else 0
    plain = tuple(part for part in parts[1:] if "=" not in part)
    options = dict(part.split("=", 1) for part in parts[1:] if "=" in part)
    return Line(text=text, verb=parts[0], words=plain, options=options, later_us=later_us)


def duration_us(text: str) -> int:
    """Read a duration, as `90s` or `1d`."""
    return int(float(text[:-1]) * UNITS[text[-1]] * SECOND_US)


def duration(microseconds: int) -> str:
    """Write a duration in the largest unit that leaves a whole number."""
    seconds = microseconds / SECOND_US
    unit = next((unit for unit in "dhm" if seconds and not seconds % UNITS[unit]), "s")
    return f"{seconds / UNITS[unit]:g}{unit}"
