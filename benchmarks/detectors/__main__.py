"""Evaluates the detector of drift: false alarms, delays beside peers at equal run length, and its word.

python -m benchmarks.detectors [--quick] [--jobs 2] [--json FILE]

Everything is drawn from seeds. What is worked out is kept below `.cache/detectors`, by the content of the code, so that
an evaluation that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.detectors import aims, delays, false_alarms, losses, shapes, singles, together, word
from benchmarks.detectors.aims import Line
from benchmarks.detectors.size import RUN_LENGTH, SIZES, Size
from benchmarks.detectors.tasks import Task, done, shelf
from benchmarks.peers.environment import environment


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found, by title; and the delays of all charts."""

    lines: dict[str, list[Line]]
    delays: dict[str, dict[str, float]]


def main() -> int:
    """Measure, print the tables, and say how many aims were missed."""
    options = _options()
    name = "quick" if options.quick else "full"
    environment("river")  # once, before several ask for it
    with ProcessPoolExecutor(options.jobs) as pool:
        found = evaluate(SIZES[name], partial(done, folder=shelf(name), pool=pool))
    console = Console(width=170)
    for title, lines in found.lines.items():
        console.print(aims.table(title, lines))
    console.print(_all_delays(found.delays))
    if options.json:
        aims.write(options.json, found.lines)
    missed = sum(line.met is False for lines in found.lines.values() for line in lines)
    console.print(f"{missed} aims missed" + (", by a quick look, whose bounds are wide" if options.quick else ""))
    return 0 if options.quick else min(missed, 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="about a minute; its bounds are too wide to hold to")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, help="a file to write every line to")
    return parser.parse_args()


Doing = Callable[[Iterable[Task]], dict[str, Any]]


def evaluate(size: Size, done: Doing) -> Evaluation:
    """Measure everything; *done* works out tasks and gives what they found by name."""
    null = chain(
        singles.null(size),
        delays.tuning(size),
        word.tasks(size),
        losses.tasks(size),
        false_alarms.tasks(size),
        shapes.calm_tasks(size),
    )
    found = done(null)
    settings = singles.matched(size, found)
    heights = delays.thresholds(size, found)
    racing = (delays.racing(size, heights), delays.shifting(size, heights), together.tasks(size, heights),
              shapes.tasks(size, heights))  # fmt: skip
    raced = done(chain(singles.delays(size, settings), *racing))
    means = delays.means(size, raced)
    lines = {
        "false alarms": list(false_alarms.lines(size, found)),
        f"delays at equal run length: {RUN_LENGTH} windows of a thousand rows": list(delays.lines(means)),
        "windows until it shows that features go together otherwise": list(together.lines(size, raced)),
        "windows until a change of shape shows, and how rarely nothing does": list(
            shapes.lines(size, {**found, **raced})
        ),
        "shifts of a mean at matched false alarms": list(singles.lines(size, settings, {**found, **raced})),
        "blips, what lasts, and what does not matter, by the defaults of a policy": list(word.lines(size, found)),
        "blips of the loss, and what lasts, by the defaults of a policy": list(losses.lines(size, found)),
    }
    return Evaluation(lines, means)


def _all_delays(means: dict[str, dict[str, float]]) -> Table:
    names = [racer.name for racer in delays.racers()]
    table = Table("change", *names, title="windows of a thousand rows until an alarm")
    for change, by_chart in means.items():
        table.add_row(change, *(f"{by_chart[name]:.2f}" for name in names))
    return table


if __name__ == "__main__":
    raise SystemExit(main())
