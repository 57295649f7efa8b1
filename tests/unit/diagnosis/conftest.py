"""A small world in which faults are planted, and the inputs of a diagnosis made from it."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from monitoring.profiles import relations
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import loss_table, profile, repeated_rows
from monitoring.profiles.reference import Column, Reference
from monitoring.quality.faults import QualityFinding, QualityWatch
from statemachine.policies.sections import Quality

Floats = NDArray[np.float64]
Inputs = dict[str, Any]

COLUMNS = [Column(name="a"), Column(name="b"), Column(name="noise"), Column(name="idle")]
ROWS, WINDOW, FIRST_ROW = 6_000, 300, 10_000
LOSS_EDGES = (2**16, 2**18, 9 * 2**16)


def chance(x: Floats, *, changed: bool = False) -> Floats:
    """Give P(y = 1): `a` and `b` tell the class, the less so the higher `noise` is."""
    a, b, noise = np.nan_to_num(x[:, :3]).T
    sharp = 4 / (1 + np.exp(2 * noise))
    signal = sharp * ((b - a) if changed else (a + b)) - 1
    return np.asarray(1 / (1 + np.exp(-np.clip(signal, -30, 30))))


def drawn(rows: int, fault: str, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Give true rows and labels, with the faults of the world in them."""
    x = generator.normal(size=(rows * 4, 4))
    if fault == "covariate":
        x[:, 2] += 1.0
    y = (generator.random(len(x)) < chance(x, changed=fault == "concept")).astype(np.float64)
    if fault != "prior":
        return x[:rows], y[:rows]
    ones, zeros = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    keep = generator.permutation(np.concatenate([ones[: int(0.7 * rows)], zeros[: int(0.3 * rows)]]))
    return x[keep], y[keep]


def seen_by_the_model(x: Floats, fault: str, generator: np.random.Generator) -> Floats:
    """Give the rows with the faults of the pipeline in them."""
    seen = x.copy()
    if fault == "unit":
        seen[:, 0] *= 1000
    elif fault == "missing":
        seen[generator.random(len(x)) < 0.6, 0] = np.nan
    elif fault == "join":
        seen[:, 0] = generator.permutation(seen[:, 0])
    elif fault == "stuck":
        seen[:, 0] = 1.25
    return seen


def brier(outputs: Floats, labels: Floats) -> NDArray[np.int64]:
    """Give fixed-point losses."""
    return np.round((outputs - labels) ** 2 * 2**20).astype(np.int64)


def related(reference: Reference, *spans: tuple[Floats, Floats, Floats]) -> dict[str, Any]:
    """Give which levels fall together, before and since, as a judge reads it; every row has its label."""
    levels = relations.Levels.of(reference, LOSS_EDGES)
    before, after = (levels.together(x, out, y, brier(out, y)) for x, out, y in spans)
    none = np.zeros_like(before.diagonal())
    return relations.opened(relations.to_json(levels, before, after, [none, none]))


def inputs_of(fault: str, seed: int, rows: int = 1_500) -> Inputs:
    """Give the inputs of a diagnosis after *rows* rows with *fault* in them."""
    generator = np.random.default_rng(seed)
    x, y = drawn(ROWS, "", generator)
    out = chance(x)
    reference = learn(COLUMNS, x, out, y)
    true, labels = drawn(rows, fault, generator)
    if fault == "noisy":
        labels = np.where(generator.random(rows) < 0.6, generator.permutation(labels), labels)
    if fault == "others":
        labels = generator.permutation(labels)
    seen = seen_by_the_model(true, fault, generator)
    outputs = generator.permutation(chance(seen)) if fault == "serving" else chance(seen)
    watch = QualityWatch.start(reference, Quality(extra_share=0.01, extra_ratio=1.5))
    findings: tuple[QualityFinding, ...] = ()
    for start in range(0, rows, WINDOW):
        part = slice(start, start + WINDOW)
        window = profile(reference, seen[part], outputs[part])
        watch, findings = watch.observe(FIRST_ROW + start, window, repeated_rows(seen[part], outputs[part]))
    return {
        "layout": reference.layout(),
        "reference": loss_table(reference, x, out, y, brier(out, y)).to_json(),
        "current": loss_table(reference, seen, outputs, labels, brier(outputs, labels)).to_json(),
        "relations": related(reference, (x, out, y), (seen, outputs, labels)),
        "quality": [finding.to_json() for finding in findings],
        "drift": [],
        "onset_row": FIRST_ROW,
    }


@pytest.fixture(scope="session")
def planted() -> Callable[..., Inputs]:
    """Give the maker of inputs: `planted(fault, seed, rows)`."""

    def copied(fault: str, seed: int, rows: int = 1_500) -> Inputs:
        return copy.deepcopy(made(fault, seed, rows))

    made = cache(inputs_of)
    return copied
