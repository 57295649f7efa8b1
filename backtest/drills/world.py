"""A small world with a known truth, in which nothing drifts by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backtest.clock import paced
from backtest.stream import Column, Floats, Stream, StreamInvalid
from backtest.truth import TASKS

ROWS = 8_000
NUMBERS = ("amount", "age", "load", "badge")
REGIONS, CHANNELS = ("east", "north", "south", "west"), ("branch", "phone", "web")
SHARES = (0.2, 0.35, 0.3, 0.15)  #: of rows in each region
BEND = 0.25  #: of `load`, where its effect turns round
NOISE = 0.5  #: standard deviation, the same everywhere: the true model errs as often wherever rows come from
CUTS = (0.6, 1.8)  #: of the true score, between three classes
MIDDLE = 1.2


def world(task: str, seed: int, rows: int = ROWS) -> Stream:
    """Give *rows* of the world. `badge` tells nothing; the effect of `load` turns round at a place of its own.

    Raises:
        StreamInvalid: There is no such task.
    """
    if task not in TASKS:
        raise StreamInvalid(f"--task: {task!r} is not accepted; one of {', '.join(TASKS)} is")
    chance = np.random.default_rng(seed)
    numbers = chance.normal(size=(len(NUMBERS), rows))
    region = chance.choice(len(REGIONS), size=rows, p=SHARES).astype(np.int32)
    channel = chance.integers(0, len(CHANNELS), rows).astype(np.int32)
    noisy = score(numbers, region) + chance.normal(scale=NOISE, size=rows)
    return Stream(
        name="world",
        task=task,
        columns=(
            *(Column(name=name, values=values) for name, values in zip(NUMBERS, numbers, strict=True)),
            Column(name="region", values=region, words=REGIONS),
            Column(name="channel", values=channel, words=CHANNELS),
        ),
        labels=truth(task, noisy),
        classes={"binary": ("no", "yes"), "multiclass": ("low", "middle", "high")}.get(task, ()),
        times_us=paced(rows, rows),
        reference_rows=rows,
    )


def score(numbers: Floats, region: npt.NDArray[np.int32]) -> Floats:
    """Give what a row is worth in truth, before chance: the best that any model can know."""
    amount, age, load, _ = numbers
    return np.asarray(1.2 * amount + 0.8 * age + 1.5 * np.abs(load - BEND) + 0.5 * (region == 1), dtype=np.float64)


def truth(task: str, values: Floats) -> Floats:
    """Give the label that a score leads to."""
    if task == "regression":
        return values
    cuts = (MIDDLE,) if task == "binary" else CUTS
    return np.digitize(values, cuts).astype(np.float64)
