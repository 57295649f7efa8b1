"""The truth of a recorded stream: which task it is of, and each row's label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from backtest.errors import StreamInvalid

MOST_CLASSES = 50  #: whole numbers with more values than this are quantities, not classes
MOST_NAMED = 256  #: classes at all
TASKS = ("binary", "multiclass", "regression")
TWO = 2  #: values of a binary target

Floats = npt.NDArray[np.float64]


def infer_task(target: pd.Series[Any]) -> str:
    """Guess the task: two values are binary, words or few whole numbers are classes, the rest are quantities."""
    values = target.dropna().unique()
    if len(values) <= TWO:
        return "binary"
    if not pd.api.types.is_numeric_dtype(target):
        return "multiclass"
    whole = np.isfinite(values).all() and np.equal(np.mod(values, 1), 0).all()
    return "multiclass" if whole and len(values) <= MOST_CLASSES else "regression"


def labels_of(target: pd.Series[Any], task: str) -> tuple[Floats, tuple[str, ...]]:
    """Give each row's class index or value, NaN where the truth was never learned; and the names of the classes.

    Raises:
        StreamInvalid: The target does not fit the task.
    """
    if task not in TASKS:
        raise StreamInvalid(f"--task: {task!r} is not accepted; one of {', '.join(TASKS)} is")
    if target.isna().all():
        raise StreamInvalid(f"--target: {target.name!r} is missing in every row")
    return (_values(target), ()) if task == "regression" else _classes(target, task)


def _values(target: pd.Series[Any]) -> Floats:
    values = pd.to_numeric(target, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    bad = np.flatnonzero((np.isnan(values) & target.notna().to_numpy()) | np.isinf(values))
    if len(bad):
        raise StreamInvalid(
            f"--task regression: row {int(bad[0])} of {target.name!r} is {str(target.iloc[int(bad[0])])[:40]!r}; "
            "finite numbers are accepted, or nothing where the truth was never learned"
        )
    return values


def _classes(target: pd.Series[Any], task: str) -> tuple[Floats, tuple[str, ...]]:
    words = sorted(target.dropna().unique())
    if task == "binary" and len(words) > TWO:
        raise StreamInvalid(f"--task binary: {target.name!r} has {len(words)} values; two are accepted")
    if len(words) > MOST_NAMED:
        raise StreamInvalid(
            f"--task {task}: {target.name!r} has {len(words)} values; at most {MOST_NAMED} classes are accepted, or "
            "--task regression"
        )
    codes = pd.Categorical(target, categories=words).codes.astype(np.float64)
    codes[codes < 0] = np.nan
    return codes, tuple(str(word) for word in words)
