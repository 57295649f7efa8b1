"""Backtests of recorded streams, in their own order or in another; each is run once and kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from backtest.options import Options
from backtest.run import backtest
from backtest.stream import Ints, Stream, stream_of
from backtest.table import read_table
from benchmarks.evaluate import CODE, ROOT, digest_of

CACHE = ROOT / ".cache" / "alarms"

Entry = dict[str, Any]  #: of one stream in the manifest
Report = dict[str, Any]  #: of a backtest


@dataclass(frozen=True, slots=True)
class Order:
    """How rows are put: as recorded, or shuffled by a seed, each part between *cuts* within itself."""

    name: str
    seed: int | None = None
    cuts: tuple[int, ...] = ()

    def of(self, rows: int) -> Ints:
        """Give the places from which rows are taken.

        >>> Order("halves", seed=2, cuts=(3,)).of(6).tolist()
        [2, 0, 1, 5, 4, 3]
        """
        if self.seed is None:
            return np.arange(rows)
        chance = np.random.default_rng(self.seed)
        return np.concatenate(
            [first + chance.permutation(end - first) for first, end in pairwise((0, *self.cuts, rows))]
        )


RECORDED = Order("as recorded")


@dataclass(frozen=True, slots=True)
class Run:
    """One stream in one order."""

    entry: Entry
    order: Order = RECORDED

    @property
    def key(self) -> tuple[str, str]:
        """The stream's name, and that of the order."""
        return self.entry["name"], self.order.name


def reports(data: Path, runs: Iterable[Run], jobs: int, told: Callable[[str], None]) -> dict[tuple[str, str], Report]:
    """Run what is not kept yet, the longest streams first, and give all by key."""
    wanted = sorted(runs, key=lambda run: -run.entry["rows"])
    code = digest_of(sorted(path for room in CODE for path in (ROOT / room).rglob("*.py")))
    places = {run.key: _place(data, run, code) for run in wanted}
    CACHE.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        missing = [run for run in wanted if not places[run.key].exists()]
        waiting = {pool.submit(report_of, data, run): run.key for run in missing}
        for number, future in enumerate(as_completed(waiting), start=1):
            _keep(places[waiting[future]], future.result())
            told(f"{number}/{len(waiting)} {', '.join(waiting[future])}")
    return {key: json.loads(place.read_text(encoding="utf-8")) for key, place in places.items()}


def report_of(data: Path, run: Run) -> Report:
    """Run one backtest in this process; what it records is in memory and goes with it."""
    stream = stream_in(data, run)
    return backtest(stream, Options(metric=run.entry["primary_metric"], database="memory://"))


def stream_in(data: Path, run: Run) -> Stream:
    """Read a stream, and put its rows into the order that is asked for; its times stay in theirs."""
    entry, path = run.entry, data / run.entry["file"]
    frame = read_table(path)
    shuffled = frame.iloc[run.order.of(len(frame))].reset_index(drop=True)
    return stream_of(shuffled, path.name, entry["target"], task=entry["task"], drop=tuple(entry["drop_columns"]))


def _place(data: Path, run: Run, code: str) -> Path:
    """Give the file of a report: by the content of code and data, and by the order."""
    sha = hashlib.sha256(
        f"{code}{digest_of([data / run.entry['file']])}{json.dumps(run.entry, sort_keys=True)}".encode()
    )
    sha.update(run.order.of(run.entry["rows"]).astype("<i8").tobytes())
    return CACHE / f"{run.entry['name']}-{sha.hexdigest()[:16]}.json"


def _keep(place: Path, report: Report) -> None:
    """Write beside and rename, so that half a report is never read."""
    half = place.with_suffix(f".{os.getpid()}")
    half.write_text(json.dumps(report), encoding="utf-8")
    half.replace(place)
