"""Scores: how often the planted cause stands first, and among the first three."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from rich.console import Console
from rich.table import Table

from benchmarks.causes import anew
from benchmarks.causes.catalogue import CAUSES

FIRST, AMONG_THREE = 0.90, 0.98  #: aims
MOST = 3
LEAST_CAUSES, LEAST_STREAMS = 12, 10  #: that many causes stand in at least that many streams

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many plantings there were, and how many were named: first, among three, with the feature first, before."""

    planted: int
    first: int
    among_three: int
    first_feature: int
    first_before: int

    @classmethod
    def of(cls, answers: list[Answer]) -> Self:
        """Count what is no control."""
        some = [one for one in answers if not CAUSES[one["cause"]].control]
        return cls(
            planted=len(some),
            first=sum(one["place"] == 1 for one in some),
            among_three=sum((one["place"] or MOST + 1) <= MOST for one in some),
            first_feature=sum(one["first_feature"] for one in some),
            first_before=sum(one["place_before"] == 1 for one in some),
        )

    def cells(self) -> tuple[str, ...]:
        """Return the counts as shares, for a table."""
        whole = max(self.planted, 1)
        named = (self.first, self.among_three, self.first_feature, self.first_before)
        return (str(self.planted), *(f"{some / whole:.3f}" for some in named))


def aims_missed(score: Score) -> int:
    """Say how many of the two aims were missed."""
    return (score.first < FIRST * score.planted) + (score.among_three < AMONG_THREE * score.planted)


def show(console: Console, held_out: list[Answer], tuned: list[Answer]) -> None:
    """Print all by cause, by stream, and together."""
    for by in ("cause", "stream"):
        table = Table(by, "planted", "first", "among three", "its feature first", "first, before", title=f"by {by}")
        for name in dict.fromkeys(str(one[by]) for one in held_out):
            table.add_row(name, *Score.of([one for one in held_out if one[by] == name]).cells())
        console.print(table)
    both = Table("seeds", "planted", "first", "among three", "its feature first", "first, before", title="together")
    both.add_row("held out", *Score.of(held_out).cells())
    both.add_row("tuned on", *Score.of(tuned).cells())
    both.add_row("aim, held out", "", f">= {FIRST:.2f}", f">= {AMONG_THREE:.2f}", "", "")
    console.print(both)
    console.print(anew.table([*held_out, *tuned]))  # no rule was made for it, so that all seeds count
    console.print(f"{_broad(held_out)} causes stand in at least {LEAST_STREAMS} streams (aim: {LEAST_CAUSES})")
    console.print("nothing planted, nothing named: {} of {}".format(*_controls(held_out)))


def _broad(answers: list[Answer]) -> int:
    streams: dict[str, set[str]] = {}
    for one in answers:
        streams.setdefault(one["cause"], set()).add(one["stream"])
    return sum(len(some) >= LEAST_STREAMS for name, some in streams.items() if not CAUSES[name].control)


def _controls(answers: list[Answer]) -> tuple[int, int]:
    some = [one for one in answers if CAUSES[one["cause"]].control]
    return sum(one["place"] == 1 for one in some), len(some)


def told(answers: list[Answer]) -> Iterator[str]:
    """Tell each planting whose cause does not stand first."""
    for one in answers:
        if one["place"] != 1:
            where = " in " + ", ".join(one["features"]) if one["features"] else ""
            named = "; ".join(f"{kind} {share:.2f} {' '.join(features)}" for kind, features, share in one["named"])
            yield f"{one['stream']}, {one['cause']}: {' or '.join(one['kinds'])}{where}; named: {named}"
