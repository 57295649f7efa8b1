"""Run by an environment that has River: its detectors of single values, on normal ones.

python river_singles.py JOB ANSWER

JOB is a file of JSON: `detector`, `seed`, and either `options` and `values` (how many null ones to count alarms in);
`options`, `shift`, `repeats`, `past` and `most` (values until an alarm behind a change of the mean, in each repeat); or
`settings`, the eager ones first, `streams`, `past` and `values` (null values until the first alarm, in each stream).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from river import drift
from river.base import DriftDetector

AT_ONCE = 1_000_000


def main() -> None:
    """Read the job, do it, and write the answer."""
    job = json.loads(Path(sys.argv[1]).read_text())
    found = delays(job) if "shift" in job else firsts(job) if "settings" in job else alarms(job)
    Path(sys.argv[2]).write_text(json.dumps(found))


def made(job: dict[str, Any]) -> DriftDetector:
    """Return the detector of a job, as River has it by default but for the options given."""
    kind, options = getattr(drift, job["detector"]), job["options"]
    return kind(**options, seed=job["seed"]) if job["detector"] == "KSWIN" else kind(**options)


def alarms(job: dict[str, Any]) -> int:
    """Count alarms among null values."""
    rng, detector, found = np.random.default_rng(job["seed"]), made(job), 0
    for start in range(0, job["values"], AT_ONCE):
        for value in rng.normal(size=min(AT_ONCE, job["values"] - start)).tolist():
            detector.update(value)
            found += detector.drift_detected
    return found


def firsts(job: dict[str, Any]) -> list[list[int]]:
    """Return for each stream how many values behind the past pass until each setting alarms; 0 where it does not."""
    found, length = [], job["past"] + job["values"]
    for stream in range(job["streams"]):
        values = np.random.default_rng([job["seed"], stream]).normal(size=length).tolist()
        found.append(firsts_of(job, values))
    return found


def firsts_of(job: dict[str, Any], values: list[float]) -> list[int]:
    """Do so for one stream.

    What ADWIN and Page-Hinkley hold does not depend on their setting until they alarm, so where an eager setting never
    does, those behind it need not be tried.
    """
    found = [0] * len(job["settings"])
    for number, options in enumerate(job["settings"]):
        last = 0
        for last in alarmed(made({**job, "options": options}), values):
            if last > job["past"]:
                found[number] = last - job["past"]
                break
        if not last:
            break
    return found


def alarmed(detector: DriftDetector, values: list[float]) -> Iterator[int]:
    """Give one by one behind how many of *values* there is an alarm."""
    update = detector.update
    for number, value in enumerate(values, start=1):
        update(value)
        if detector.drift_detected:
            yield number


def delays(job: dict[str, Any]) -> list[int]:
    """Return for each repeat how many values passed behind the change until an alarm."""
    rng, found = np.random.default_rng(job["seed"]), []
    for _ in range(job["repeats"]):
        detector = made(job)
        for value in rng.normal(size=job["past"]).tolist():
            detector.update(value)
        found.append(until(detector, rng.normal(job["shift"], 1, size=job["most"]).tolist()))
    return found


def until(detector: DriftDetector, values: list[float]) -> int:
    """Return how many values it takes to an alarm, or all."""
    for number, value in enumerate(values, start=1):
        detector.update(value)
        if detector.drift_detected:
            return number
    return len(values)


if __name__ == "__main__":
    main()
