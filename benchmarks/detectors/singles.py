"""Detectors of single values from River, beside the e-detector: shifts of a mean, at matched false alarms.

One of them watches one feature, so in a model of 25 features there are 25 of them. It gets the most eager setting at
which they raise no more false alarms together than the e-detector does at its threshold. Both are told alike: by first
alarms in null streams of one length, behind a past of one length. One false alarm in 25 million values of a feature is
seen in many times as many only: a rate told by a few alarms is off by a factor of two, and a delay by a fifteenth.
"""

from __future__ import annotations

import json
import math
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
from monitoring.profiles.reference import Floats

APART = FEATURES * RUN_LENGTH * ROWS  #: values of one feature between false alarms, at the run length of all
MOST = 40_000  #: values that a change is waited for
SLOW = 20_000  #: null values for a detector that takes half a millisecond for each
#: Eager settings first; from one to the next of ADWIN a delay grows by less than a fiftieth.
ADWIN = tuple({"delta": round(0.001 * 2 ** (-step / 4), 6)} for step in range(13))
PAGE_HINKLEY = tuple({"threshold": float(least)} for least in (250, 300, 350, 400, 500, 600))
CLOSE = 1.1
PARTS = 8


@dataclass(frozen=True, slots=True)
class Single:
    """A detector of River by the name of its class, its settings, and its part of the null streams."""

    name: str
    settings: tuple[dict[str, float], ...]
    share: float

    def streams(self, size: Size) -> int:
        """Return how many null streams one of the parts has, of which there are `PARTS`."""
        return max(int(size.singles * self.share) // PARTS, 1)


@dataclass(frozen=True, slots=True)
class Matched:
    """The setting that a detector races with, and the false alarms that it raises by it."""

    options: dict[str, float]
    alarms: int
    values: int  #: null ones that were watched

    @property
    def note(self) -> str:
        """Say so."""
        return f"{self.options}, {self.alarms} false alarms in {self.values:,} values"


MATCHED = (Single("ADWIN", ADWIN, 1.0), Single("PageHinkley", PAGE_HINKLEY, 0.1))


def null(size: Size) -> Iterator[Task]:
    """Give a task for each part of the null streams, which all settings are tried on."""
    for single in MATCHED:
        many = {"streams": single.streams(size), "past": PAST, "values": size.calm * ROWS}
        for part in range(PARTS):
            job = {"detector": single.name, "settings": single.settings, "seed": SEED + part, **many}
            yield Task(f"null {single.name} {part}", partial(_asked, job))
    job = {"detector": "KSWIN", "options": {}, "seed": SEED, "values": _slow(size)}
    yield Task("null KSWIN", partial(_asked, job))


def _slow(size: Size) -> int:
    return min(SLOW, size.singles * ROWS // 4)


def matched(size: Size, found: dict[str, Any]) -> dict[str, Matched]:
    """Return the most eager setting of each whose alarms come no closer than those of the e-detector; else the last."""
    told = {}
    for single in MATCHED:
        streams = [firsts for part in range(PARTS) for firsts in found[f"null {single.name} {part}"]]
        tried = [
            Matched(options, sum(first > 0 for first in firsts), sum(first or size.calm * ROWS for first in firsts))
            for options, firsts in zip(single.settings, zip(*streams, strict=True), strict=True)
        ]
        told[single.name] = next((one for one in tried if one.values >= APART * one.alarms), tried[-1])
    return told


def delays(size: Size, settings: dict[str, Matched]) -> Iterator[Task]:
    """Give a task for each detector and shift."""
    many = {"repeats": size.shifts, "past": PAST, "most": MOST}
    few = {"repeats": max(size.repeats // 12, 1), "past": PAST // 100, "most": MOST // 10}
    for name, options in {**{name: one.options for name, one in settings.items()}, "KSWIN": {}}.items():
        for change, shift in MEANS.items():
            drawn = few if name == "KSWIN" else many
            job = {"detector": name, "options": options, "seed": SEED, "shift": shift, **drawn}
            yield Task(f"delay of {name}, {change}", partial(_asked, job))


def lines(size: Size, settings: dict[str, Matched], found: dict[str, Any]) -> Iterator[Line]:
    """Hold the e-detector to ADWIN, and tell of the others."""
    for change in MEANS:
        shown = [found[f"shifts, {number}"][change] for number in range(size.streams)]
        mine, adwin = ROWS * np.concatenate(shown), np.array(found[f"delay of ADWIN, {change}"])
        note = f"{_told(mine)} and {_told(adwin)} rows; ADWIN at {settings['ADWIN'].note}"
        reached = float(mine.mean() / adwin.mean())
        yield Line(what=f"delay of {OURS} / ADWIN, {change}", reached=reached, at_most=CLOSE, note=note)
    for change in MEANS:
        note = f"at {settings['PageHinkley'].note}; what is not seen counts as {MOST:,}"
        reached = float(np.mean(found[f"delay of PageHinkley, {change}"]))
        yield Line(what=f"values until Page-Hinkley alarms, {change}", reached=reached, note=note)
    note = f"by its default, with {found['null KSWIN']} false alarms in {_slow(size):,} null values"
    for change in MEANS:
        reached = float(np.mean(found[f"delay of KSWIN, {change}"]))
        yield Line(what=f"values until KSWIN alarms, {change}", reached=reached, note=note)


def _told(delays: Floats) -> str:
    """Tell a mean and its standard error."""
    return f"{delays.mean():,.0f} ± {delays.std() / math.sqrt(len(delays)):,.0f}"


def _asked(job: dict[str, Any]) -> object:
    """Have River's environment do a job."""
    script = Path(__file__).parents[1] / "peers" / "river_singles.py"
    with tempfile.TemporaryDirectory(prefix="remission-peers-") as folder:
        asked, answer = Path(folder) / "job.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(job))
        subprocess.run([str(environment("river")), str(script), str(asked), str(answer)], check=True)
        found: object = json.loads(answer.read_text())
        return found
