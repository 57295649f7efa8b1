"""Detectors of single values from River, beside the e-detector: shifts of a mean, at matched false alarms.

One of them watches one feature, so in a model of 25 features there are 25 of them. It gets the most eager setting at
which they raise no more false alarms together than the e-detector, among settings that are tried on null values.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.detectors.aims import Line
from benchmarks.detectors.delays import MEANS, OURS
from benchmarks.detectors.size import PAST, ROWS, RUN_LENGTH, SEED, Size
from benchmarks.detectors.tasks import Task
from benchmarks.detectors.worlds import FEATURES
from benchmarks.peers.environment import environment

MILLION = 1_000_000
APART = FEATURES * RUN_LENGTH * ROWS  #: values of one feature between false alarms, at the run length of all
MOST = 40_000  #: values that a change is waited for
SLOW = 20_000  #: null values for a detector that takes half a millisecond for each
#: Less eager settings first.
ADWIN = tuple({"delta": delta} for delta in (0.0005, 0.001, 0.002))
PAGE_HINKLEY = tuple({"threshold": float(least)} for least in (500, 400, 350, 300, 250))
CLOSE = 1.1


@dataclass(frozen=True, slots=True)
class Single:
    """A detector of River by the name of its class, its settings, and the null values to try each on, in millions."""

    name: str
    settings: tuple[dict[str, float], ...]
    share: float

    def values(self, size: Size) -> int:
        """Return how many null values one of the parts has, of which there are `PARTS`."""
        return int(size.values * MILLION * self.share) // PARTS


PARTS = 4
MATCHED = (Single("ADWIN", ADWIN, 1.0), Single("PageHinkley", PAGE_HINKLEY, 0.2))


def null(size: Size) -> Iterator[Task]:
    """Give a task for each setting and part of the null values."""
    for single in MATCHED:
        for options in single.settings:
            for part in range(PARTS):
                job = {"detector": single.name, "options": options, "seed": SEED + part, "values": single.values(size)}
                yield Task(f"null {single.name} {options} {part}", partial(_asked, job))
    job = {"detector": "KSWIN", "options": {}, "seed": SEED, "values": SLOW if size.values > 1 else SLOW // 10}
    yield Task("null KSWIN", partial(_asked, job))


def matched(size: Size, found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return the most eager setting of each whose alarms are no more than those of the e-detector."""
    told = {}
    for single in MATCHED:
        allowed = PARTS * single.values(size) / APART
        told[single.name] = single.settings[0]
        for options in single.settings:
            if sum(found[f"null {single.name} {options} {part}"] for part in range(PARTS)) <= allowed:
                told[single.name] = options
    return told


def delays(size: Size, settings: dict[str, dict[str, float]]) -> Iterator[Task]:
    """Give a task for each detector and shift."""
    many = {"repeats": size.repeats, "past": PAST, "most": MOST}
    few = {"repeats": max(size.repeats // 12, 1), "past": PAST // 100, "most": MOST // 10}
    for name, options in {**settings, "KSWIN": {}}.items():
        for change, shift in MEANS.items():
            drawn = few if name == "KSWIN" else many
            job = {"detector": name, "options": options, "seed": SEED, "shift": shift, **drawn}
            yield Task(f"delay of {name}, {change}", partial(_asked, job))


def lines(
    size: Size, ours: dict[str, dict[str, float]], settings: dict[str, dict[str, float]], found: dict[str, Any]
) -> Iterator[Line]:
    """Hold the e-detector to ADWIN, and tell of the others."""
    for change in MEANS:
        mine, adwin = ours[change][OURS] * ROWS, float(np.mean(found[f"delay of ADWIN, {change}"]))
        note = f"{mine:,.0f} and {adwin:,.0f} rows; ADWIN at {settings['ADWIN']}"
        yield Line(what=f"delay of {OURS} / ADWIN, {change}", reached=mine / adwin, at_most=CLOSE, note=note)
    for change in MEANS:
        note = f"at {settings['PageHinkley']}; what is not seen counts as {MOST:,}"
        reached = float(np.mean(found[f"delay of PageHinkley, {change}"]))
        yield Line(what=f"values until Page-Hinkley alarms, {change}", reached=reached, note=note)
    values = SLOW if size.values > 1 else SLOW // 10
    note = f"by its default, with {found['null KSWIN']} false alarms in {values:,} null values"
    for change in MEANS:
        reached = float(np.mean(found[f"delay of KSWIN, {change}"]))
        yield Line(what=f"values until KSWIN alarms, {change}", reached=reached, note=note)


def _asked(job: dict[str, Any]) -> object:
    """Have River's environment do a job."""
    script = Path(__file__).parents[1] / "peers" / "river_singles.py"
    with tempfile.TemporaryDirectory(prefix="remission-peers-") as folder:
        asked, answer = Path(folder) / "job.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(job))
        subprocess.run([str(environment("river")), str(script), str(asked), str(answer)], check=True)
        found: object = json.loads(answer.read_text())
        return found
