"""The bake-off: entrants train on their rows, and meet the champion on rows that none of them has seen.

It runs in a sandboxed child. The report holds integers, so that the choice and the gates can be judged again anywhere:

    {"rows", "holdout", "champion": blocks of its loss, "entrants": [{"name", "remedy", "rows", "lead": blocks of
    champion minus entrant, "calibration": rise of the calibration error, "churn", "extreme"}], "skipped": {name: why},
    "chosen", "semantic_sha256", "fit_us" (volatile)}

Where the spec names segments, the report has "segments": [{"name", "champion": blocks}] as well, and each entrant has
"segments": its lead in each of them, in the same blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from retraining.artifact import Manifest
from retraining.choice import NOTHING, choose
from retraining.dataset import Dataset
from retraining.estimators import Floats, fit, predict
from retraining.held import Held, indices, known
from retraining.models import dump, libraries, log_odds, recalibrate, semantic_sha256
from retraining.scope import CHALLENGE, Entrant, Spec, with_holdout
from retraining.segments import told_of
from retraining.template import TEMPLATES, Template
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical, digest

PROBE_ROWS = 256
CALIBRATION_BINS = 10
LEAST_LABELS = 20
LEAST_RECALIBRATION = 100
EXTREME_SPANS = 3.0
METHOD = {"binary": "logistic", "regression": "affine"}


class EntrantSkipped(Exception):
    """An entrant cannot compete; the reason is reported."""


@dataclass(slots=True)
class _Stopwatch:
    fit_us: int = 0


def run(spec_json: dict[str, Any], inputs: Path) -> dict[str, Any]:
    """Run the bake-off that *spec_json* asks for on the dataset in *inputs*; write the winner below `out`."""
    spec, policy = Spec.from_json(spec_json["spec"]), Policy.from_json(spec_json["policy"])
    data = Dataset.from_bytes((inputs / spec.dataset).read_bytes())
    bench = Bench(spec, data, TEMPLATES[spec.template])
    report = bench.report()
    if spec.kind == CHALLENGE:
        return report
    choice = choose(report, policy)
    report["chosen"] = choice.name
    if choice.name != NOTHING and choice.remedy != "restore":
        winner = next(one for one in spec.entrants if one.name == choice.name)
        report["semantic_sha256"] = bench.write(winner, Path("out"), spec_json["base_manifest"])
    report["fit_us"] = bench.watch.fit_us
    return report


class Bench:
    """Everything that one bake-off needs: rows by their number, and the champion's answers."""

    def __init__(self, spec: Spec, data: Dataset, template: Template) -> None:
        self.spec, self.data, self.template = spec, data, template
        self.watch = _Stopwatch()
        self._on = Held.of(spec, data)
        self._champion = self._on.champions()
        self._cost = self._on.cost(self._champion)

    def report(self) -> dict[str, Any]:
        """Let every entrant compete."""
        found, skipped = [], {}
        for entrant in self.spec.entrants:
            try:
                outputs = self._compete(entrant)
            except EntrantSkipped as reason:
                skipped[entrant.name] = str(reason)
                continue
            found.append(self._entry(entrant, outputs))
        names = [one.name for one in self.spec.segments]
        told = [
            {"name": name, "champion": cost} for name, cost in zip(names, self._on.by_segment(self._cost), strict=True)
        ]
        return {
            **told_of(told),
            "rows": len(self._on.rows),
            "holdout": list(self.spec.holdout),
            "champion": self._on.blocks(self._cost),
            "entrants": found,
            "skipped": skipped,
            "chosen": NOTHING,
            "semantic_sha256": "",
            "fit_us": self.watch.fit_us,
        }

    def write(self, winner: Entrant, out: Path, base_manifest: str) -> str:
        """Train the winner with the holdout's rows too, and write its bytes and manifest."""
        final = with_holdout(winner, self.spec.holdout)
        probe = self.data.rows[self._on.rows[-PROBE_ROWS:]]
        if winner.remedy == "recalibrate":
            slope, offset = self._line(final)
            data = canonical({"method": METHOD[self.spec.task], "slope": slope, "intercept": offset})
            answers = recalibrate(self.spec.task, self._champion[-PROBE_ROWS:], slope, offset)
        else:
            estimator = self._fit(final)
            data, answers = dump(estimator), predict(self.spec.task, estimator, probe)
        semantic = semantic_sha256(answers)
        manifest = Manifest(
            format="recalibration" if winner.remedy == "recalibrate" else "skops",
            artifact_sha256=digest(data), task=self.spec.task, template=self.template.reference,
            features=self.spec.features, classes=self.spec.classes,
            trusted_types=list(self.template.trusted_types), semantic_sha256=semantic,
            base_version=self.spec.champion if winner.remedy == "recalibrate" else "",
            base_manifest_sha256=base_manifest if winner.remedy == "recalibrate" else "", entrant=winner.name,
            dataset_sha256=self.spec.dataset, rows=[list(part) for part in final.rows], seed=self.spec.seed,
            params=self.template.params, libraries=libraries(),
        )  # fmt: skip
        (out / "model").write_bytes(data)
        (out / "manifest.json").write_bytes(manifest.to_bytes())
        return semantic

    def _compete(self, entrant: Entrant) -> Floats:
        """Give the entrant's answers on the holdout, of which it may know nothing, nor of what came later."""
        if any(end > self.spec.holdout[0] for _, end in entrant.rows):
            raise EntrantSkipped("its rows reach into the holdout")
        if not len(self._on.rows):
            raise EntrantSkipped("no row of the holdout is known well enough to compare")
        try:
            outputs = self._answers(entrant)
        except ValueError as error:  # how scikit-learn and numpy say that they cannot work with these values
            raise EntrantSkipped(f"it cannot learn or answer: {str(error).partition(chr(10))[0]}") from error
        if not np.isfinite(outputs).all():
            raise EntrantSkipped("some of its answers are not finite")
        return outputs

    def _answers(self, entrant: Entrant) -> Floats:
        if entrant.remedy == "restore":
            outputs = self.data.outputs.get(entrant.version)
            if outputs is None or np.isnan(outputs[self._on.rows]).any():
                raise EntrantSkipped("it did not score every row of the holdout")
            return np.asarray(outputs[self._on.rows])
        if entrant.remedy == "recalibrate":
            slope, offset = self._line(entrant)
            return recalibrate(self.spec.task, self._champion, slope, offset)
        estimator = self._fit(entrant)
        return predict(self.spec.task, estimator, self.data.rows[self._on.rows])

    def _fit(self, entrant: Entrant) -> Any:  # noqa: ANN401 - an estimator
        rows = known(self.data, indices(self.data, entrant.rows))
        labels = self.data.labels[rows]
        if len(rows) < LEAST_LABELS or np.ptp(labels) == 0:
            raise EntrantSkipped(f"{len(rows)} labelled rows, or all of one label, teach nothing")
        return self._timed(lambda: fit(self.template, self.spec.task, self.data.rows[rows], labels, self.spec.seed))

    def _line(self, entrant: Entrant) -> tuple[float, float]:
        """Learn the correction: Platt's line on the log-odds, or least squares on the values."""
        rows = known(self.data, indices(self.data, entrant.rows), self.spec.champion)
        labels, outputs = self.data.labels[rows], self.data.outputs[self.spec.champion][rows]
        if len(rows) < LEAST_RECALIBRATION or np.ptp(labels) == 0 or np.ptp(outputs) == 0:
            raise EntrantSkipped(f"{len(rows)} labelled rows do not carry a recalibration")
        if self.spec.task == "binary":
            line = self._timed(lambda: LogisticRegression(C=1e6).fit(log_odds(outputs)[:, None], labels))
            return float(line.coef_[0, 0]), float(line.intercept_[0])
        slope, offset = np.polyfit(outputs, labels, 1)
        return float(slope), float(offset)

    def _entry(self, entrant: Entrant, outputs: Floats) -> dict[str, Any]:
        labels = self.data.labels[self._on.rows]
        mine = self._on.cost(outputs)
        return {
            **told_of(self._on.by_segment(self._cost - mine)),
            "name": entrant.name,
            "remedy": entrant.remedy,
            "rows": [list(part) for part in entrant.rows],
            "lead": self._on.blocks(self._cost - mine),
            "calibration": _stray(self.spec.task, outputs, labels) - _stray(self.spec.task, self._champion, labels),
            "churn": _churn(self.spec.task, outputs, self._champion),
            "extreme": _extreme(self.spec.task, outputs, self.data.labels),
        }

    def _timed(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the work gives
        begun = time.perf_counter_ns()
        made = work()
        self.watch.fit_us += (time.perf_counter_ns() - begun) // 1_000
        return made


def _stray(task: str, outputs: Floats, labels: Floats) -> float:
    """Measure how far answers lie from what they promise: equal-mass calibration error, or relative bias."""
    if task == "multiclass" or not len(labels):
        return 0.0
    if task == "regression":
        return float(abs((outputs - labels).mean()) / max(float(np.abs(labels).mean()), 1e-12))
    parts = np.array_split(np.argsort(outputs, kind="stable"), CALIBRATION_BINS)
    return float(sum(abs((outputs[p] - labels[p]).sum()) for p in parts if len(p)) / len(labels))


def _churn(task: str, outputs: Floats, champion: Floats) -> float:
    if task == "regression":
        return 0.0
    old, new = (champion >= 0.5, outputs >= 0.5) if task == "binary" else (champion, outputs)  # noqa: PLR2004 - a half
    return float((old != new).mean()) if len(outputs) else 0.0


def _extreme(task: str, outputs: Floats, labels: Floats) -> float:
    """Give the share of answers that are not finite, or for values far beyond anything that was ever true."""
    wild = ~np.isfinite(outputs)
    if task == "regression":
        low, high = float(np.nanmin(labels)), float(np.nanmax(labels))
        room = EXTREME_SPANS * (high - low)
        wild |= (outputs < low - room) | (outputs > high + room)
    return float(wild.mean()) if len(outputs) else 0.0
