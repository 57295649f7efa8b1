"""The loss of rows without labels: what scores alone tell, beside NannyML's CBPE on the same rows in the same run.

python -m benchmarks.estimates [--quick]

How far the two are apart is told in NannyML's own sampling errors, and so is how far each is from the labels that come
later; CPU seconds of one core. In each world the mean of the score moves away from that of the reference, window by
window. NannyML leaves scores as they are where its own test finds no gain in a calibration; here they are calibrated
always. Where scores are chances already, the two are apart by what calibrating on the reference costs in noise.
"""

from __future__ import annotations

import argparse
import json
import os
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
from monitoring.confidence import Confidence

Floats = NDArray[np.float64]
PAST, ROWS, WINDOWS = 50_000, 5_000, 20
APART, FASTER = 0.25, 50.0
SEED = 20261125
#: How sure the score of a world is: 1 is a chance, more is too sure, less is not sure enough.
WORLDS = {"a chance": 1.0, "too sure": 2.0, "not sure enough": 0.5}


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
    accuracy, curve = [], []
    begun = time.process_time()
    for start in range(0, len(found.current), ROWS):
        counts = table.count(found.current[start : start + ROWS])
        accuracy.append(1 - table.estimate(counts).loss)
        curve.append(table.roc_auc(counts))
    spent = time.process_time() - begun
    return {"accuracy": accuracy, "roc_auc": curve, "rows_per_second": len(found.current) / spent}


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
        "score", "figure", "apart", "most", "aim", "from labels: ours", "theirs", "rows per CPU second", "aim",
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
            shown = [apart.mean(), apart.max(), APART, left.mean(), right.mean()]
            table.add_row(name, figure, *(f"{value:.2f}" for value in shown), speed, f"{FASTER:.0f} x")
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
