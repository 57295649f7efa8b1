"""What a backtest found, in the shape that it is written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from backtest.alarms import alarms, drifted, moved, noted
from backtest.backend import Audit
from backtest.stream import Floats, Stream

TENTHS = 10
FIRST_BLOCK = 2  #: blocks from the third of ten equal ones are scored
HALF = 0.5


def bounds(rows: int) -> list[tuple[int, int]]:
    """Give the eight blocks that are scored."""
    cuts = [rows * tenth // TENTHS for tenth in range(TENTHS + 1)]
    return list(zip(cuts[FIRST_BLOCK:-1], cuts[FIRST_BLOCK + 1 :], strict=True))


def measure(stream: Stream, metric: str, outputs: Floats, first: int, end: int) -> tuple[float, int]:
    """Give the metric of *outputs* on [first, end), and on how many rows it rests; NaN where it cannot be told."""
    labels, found = stream.labels[first:end], outputs[first:end]
    known = ~np.isnan(labels) & ~np.isnan(found)
    labels, found = labels[known], found[known]
    if not len(labels) or (metric == "roc_auc" and len(np.unique(labels)) < 2):  # noqa: PLR2004 - two classes
        return float("nan"), 0
    return float(_MEASURES[metric](stream.task, labels, found)), len(labels)


def loss(stream: Stream, metric: str, outputs: Floats) -> float:
    """Give the mean loss over the scored blocks, weighted by rows."""
    total, rows = 0.0, 0
    for first, end in bounds(stream.rows):
        value, count = measure(stream, metric, outputs, first, end)
        if count:
            total += count * (value if metric == "mae" else 1 - value)
            rows += count
    return total / rows if rows else float("nan")


def report(  # noqa: PLR0913 - each is one part of the report
    *,
    stream: Stream,
    metric: str,
    seed: int,
    served: Floats,
    static: Floats,
    baselines: dict[str, Floats],
    events: list[dict[str, Any]],
    promoted: list[dict[str, Any]],
    audit: Audit,
    seconds: float,
    training_seconds: float,
) -> dict[str, Any]:
    """Put the report together; numbers that cannot be told are null."""
    outputs = {"served": served, "static": static, **baselines}
    return {
        "stream": stream.name,
        "rows": stream.rows,
        "reference_rows": stream.reference_rows,
        "task": stream.task,
        "metric": metric,
        "seed": seed,
        "loss": {name: _told(loss(stream, metric, values)) for name, values in outputs.items()},
        "blocks": [block(stream, metric, served, static, first, end) for first, end in bounds(stream.rows)],
        **_tally(events),
        "promoted": promoted,
        "alarms": alarms(stream, events),
        "noted": noted(stream, events),
        "drifted": drifted(stream, events),
        "moved": moved(stream, events),
        "transitions": [transition(stream, event) for event in events if event["type"] == "state_changed"],
        "audit": {name: value for name, value in asdict(audit).items() if name != "failures"},
        "failures": audit.failures,
        "seconds": round(seconds, 3),
        "training_seconds": round(training_seconds, 3),
    }


def _tally(events: list[dict[str, Any]]) -> dict[str, int]:
    """Count what was tried, and what became of it."""
    types = Counter(event["type"] for event in events)
    remedies = Counter(e["payload"]["remedy"] for e in events if e["type"] == "candidate_trained")
    return {
        "retrainings": types["gates_judged"],
        "rejected": sum(e["type"] == "gates_judged" and not e["payload"]["passed"] for e in events),
        "promotions": types["promotion_confirmed"],
        "rollbacks": types["rolled_back"],
        "recalibrations": remedies["recalibrate"],
        "restores": remedies["restore"],
    }


def block(stream: Stream, metric: str, served: Floats, static: Floats, first: int, end: int) -> dict[str, Any]:
    """Tell what a block of rows has cost, as it was served and by the model left alone."""
    return {
        "start": first,
        "end": end,
        "served": _told(measure(stream, metric, served, first, end)[0]),
        "static": _told(measure(stream, metric, static, first, end)[0]),
    }


def transition(stream: Stream, event: dict[str, Any]) -> dict[str, Any]:
    """Tell a change of state by the last row that had come."""
    fact = event["payload"]
    return {
        "row": stream.row_at(event["occurred_us"]), "from": fact["source"], "to": fact["dest"],
        "trigger": fact["trigger"], "reason": fact["reason"],
    }  # fmt: skip


def _told(value: float) -> float | None:
    return None if np.isnan(value) else value


def _accuracy(task: str, labels: Floats, outputs: Floats) -> float:
    right = (outputs >= HALF) == (labels >= HALF) if task == "binary" else outputs == labels
    return float(right.mean())


_MEASURES: dict[str, Callable[[str, Floats, Floats], float]] = {
    "accuracy": _accuracy,
    "roc_auc": lambda _, labels, outputs: float(roc_auc_score(labels, outputs)),
    "mae": lambda _, labels, outputs: float(np.abs(labels - outputs).mean()),
}
