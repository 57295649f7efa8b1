"""The loss of rows without labels: what scores alone tell, beside NannyML's CBPE on the same rows in the same run.

python -m benchmarks.estimates [--quick]

How far the two are apart is told in NannyML's own sampling errors, and so is how far each is from the labels that come
later; CPU seconds of one core. In each world the mean of the score moves away from that of the reference, window by
window. Both calibrate scores only where the reference asks for it. NannyML asks whether shuffled parts of it gain by a
calibration, which scores that are chances do about half of the time; here labels must refute the scores. Where the two
decide differently they are apart by what a calibration costs in noise, and `calibrated` says who did. Where scores are
chances, that would show in the distance from labels.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.peers.environment import environment
from measures.losses import HALF, rank_losses
from monitoring.performance.calibration import refuted
from monitoring.performance.confidence import Confidence

Floats = NDArray[np.float64]
PAST, ROWS, WINDOWS = 50_000, 5_000, 20
APART, FASTER = 0.25, 50.0
SEED = 20261125
#: How sure the score of a world is: 1 is a chance, more is too sure, less is not sure enough.
WORLDS = {"a chance": 1.0, "too sure": 2.0, "not sure enough": 0.5, "a bit too sure": 1.1, "a chance again": 1.0}
ROUNDS = 99  #: of ours, which are over too soon for one to tell


@dataclass(frozen=True, slots=True)
class World:
    """Scores and labels of the reference, and of windows, one after another."""

    scores: Floats
    labels: Floats
    current: Floats
    truth: Floats

    def figures(self) -> dict[str, Floats]:
        """Return what the labels of each window say."""
        windows = list(zip(self.current.reshape(-1, ROWS), self.truth.reshape(-1, ROWS), strict=True))
        return {
            "accuracy": np.array([((scores >= HALF) == (labels >= HALF)).mean() for scores, labels in windows]),
            "roc_auc": np.array([1 - rank_losses(scores, labels).mean() for scores, labels in windows]),
        }


def world(sureness: float, rng: np.random.Generator) -> World:
    """Draw a world whose logit moves by two, from its first window to its last."""
    past = rng.normal(0, 1.8, PAST)
    labels = (rng.uniform(size=PAST) < 1 / (1 + np.exp(-past))).astype(float)
    now = np.concatenate([rng.normal(shift, 1.8, ROWS) for shift in np.linspace(0, 2, WINDOWS)])
    truth = (rng.uniform(size=len(now)) < 1 / (1 + np.exp(-now))).astype(float)
    return World(1 / (1 + np.exp(-sureness * past)), labels, 1 / (1 + np.exp(-sureness * now)), truth)


def ours(found: World) -> dict[str, Any]:
    """Estimate window by window."""
    table = Confidence.learn(found.scores, found.labels)
    if table is None:
        raise ValueError(found)
    spent, told = [], np.empty((0, 2))
    for _ in range(ROUNDS):
        begun = time.process_time()
        told = np.array([estimated(table, found.current[at : at + ROWS]) for at in range(0, len(found.current), ROWS)])
        spent.append(time.process_time() - begun)
    speed = len(found.current) / statistics.median(spent)
    calibrated = refuted(found.scores, found.labels >= HALF)
    return {"accuracy": told[:, 0], "roc_auc": told[:, 1], "rows_per_second": speed, "calibrated": calibrated}


def estimated(table: Confidence, scores: Floats) -> tuple[float, float | None]:
    """Estimate accuracy and area under the curve of one window."""
    counts = table.count(scores)
    return 1 - table.estimate(counts).loss, table.roc_auc(counts)


def theirs(found: World, folder: Path) -> dict[str, Any]:
    """Have NannyML estimate the same."""
    told = np.column_stack([found.scores, found.labels])
    np.savetxt(folder / "reference.csv", told, delimiter=",", header="score,label", comments="", fmt="%.17g")
    np.savetxt(folder / "current.csv", found.current, header="score", comments="", fmt="%.17g")
    script = Path(__file__).parent / "peers" / "nannyml_estimates.py"
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "NML_DISABLE_USAGE_LOGGING": "1"}
    subprocess.run([str(environment("nannyml")), str(script), str(folder), str(ROWS)], check=True, env=quiet)
    answer: dict[str, Any] = json.loads((folder / "nannyml.json").read_text(encoding="utf-8"))
    return answer


def main() -> None:
    """Compare in each world, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one world")
    names = list(WORLDS)[:1] if parser.parse_args().quick else list(WORLDS)
    table = Table(
        "score", "calibrated: ours", "theirs", "figure", "apart, mean", "aim", "most",
        "from labels: ours", "theirs", "speed", "aim",
        title=f"estimates without labels: {WINDOWS} windows of {ROWS} rows", header_style="bold",
    )  # fmt: skip
    for number, name in enumerate(names):
        found = world(WORLDS[name], np.random.default_rng([SEED, number]))
        with tempfile.TemporaryDirectory(prefix="remission-bench-") as folder:
            peer = theirs(found, Path(folder))
        mine = ours(found)
        speed = f"{mine['rows_per_second'] / peer['rows_per_second']:.0f} x"
        for figure in ("accuracy", "roc_auc"):
            unit, labels = np.array(peer[figure]["sampling_error"]), found.figures()[figure]
            here, there = np.array(mine[figure]), np.array(peer[figure]["value"])
            apart, left, right = (np.abs(gap) / unit for gap in (here - there, here - labels, there - labels))
            shown = [apart.mean(), APART, apart.max(), left.mean(), right.mean()]
            decided = ["yes" if each["calibrated"] else "no" for each in (mine, peer)]
            table.add_row(name, *decided, figure, *(f"{value:.2f}" for value in shown), speed, f"{FASTER:.0f} x")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
