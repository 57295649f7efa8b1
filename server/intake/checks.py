"""Checks of a batch by itself: its ids, times, outputs and labels. What cannot be taken is named by its field."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from remission_verify.limits import MOST_INTEGER

from server.errors import Invalid
from server.intake.schema import Schema
from server.requests import Floats, Ints, RowsBatch

FUTURE_US = 300 * 1_000_000  #: how far a row or a point may lie ahead of the clock
LATENESS_US = 86_400 * 1_000_000  #: how far a batch may lie behind what came before
LAST_US = MOST_INTEGER  #: in the year 2255: what comes after no clock shows, and no event can carry
NEVER = -1


def check_ids(field_name: str, ids: list[str]) -> None:
    """Refuse ids that are none, or of which one stands twice."""
    if not ids:
        raise Invalid(field_name, "is empty; at least one is needed")
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        for i, name in enumerate(ids):
            if name in seen:
                raise Invalid(f"{field_name}[{i}]", f"{name!r} stands twice in the batch; each once is accepted")
            seen.add(name)


def check_times(field_name: str, times_us: Ints, reached_us: int, now_us: int | None) -> None:
    """Refuse times that go backwards, lie far behind the stream, or ahead of the clock."""
    if (np.diff(times_us) < 0).any():
        at = int((np.diff(times_us) < 0).argmax()) + 1
        raise Invalid(f"{field_name}[{at}]", "goes backwards; times that do not decrease are accepted")
    if reached_us != NEVER and int(times_us[0]) < reached_us - LATENESS_US:
        raise Invalid(
            f"{field_name}[0]",
            f"{int(times_us[0])} is more than a day behind the stream, which has reached {reached_us}; "
            f"{reached_us - LATENESS_US} or later is accepted",
        )
    if int(times_us[0]) < 0:
        raise Invalid(f"{field_name}[0]", "is negative; microseconds since 1970 are accepted")
    if int(times_us[-1]) > LAST_US:
        raise Invalid(f"{field_name}[{len(times_us) - 1}]", f"{int(times_us[-1])} is not accepted; up to {LAST_US} is")
    if now_us is not None and int(times_us[-1]) > now_us + FUTURE_US:
        raise Invalid(
            f"{field_name}[{len(times_us) - 1}]",
            f"{int(times_us[-1])} lies in the future; up to five minutes ahead of {now_us} is accepted",
        )


def check_outputs(batch: RowsBatch, schema: Schema) -> None:
    """Refuse outputs that are absent, of another length, none of the task, or NaN where they were served."""
    if not batch.outputs:
        raise Invalid("batch.outputs", "at least the output of the version that served is needed")
    if len(batch.served) != len(batch.ids) or int(batch.served.max()) >= len(batch.outputs):
        raise Invalid(
            "batch.served_by",
            f"one index into {len(batch.outputs)} outputs for each of {len(batch.ids)} rows is accepted",
        )
    served: npt.NDArray[np.float64] = np.full(len(batch.ids), np.nan)
    for index, (version, values) in enumerate(batch.outputs.items()):
        where = f"batch.outputs[{version}]"
        if len(values) != len(batch.ids):
            raise Invalid(where, f"{len(values)} values for {len(batch.ids)} rows; one a row is accepted")
        if np.isinf(values).any():
            raise Invalid(
                where,
                f"infinite at row {int(np.isinf(values).argmax())}; finite, or NaN where it did not score, is accepted",
            )
        check_range(where, values, schema)
        here = batch.served == index
        served[here] = values[here]
    if np.isnan(served).any():
        told = f"the served output of row {int(np.isnan(served).argmax())} is NaN; a number is accepted, and NaN only"
        raise Invalid("batch.outputs", f"{told} of a version that did not serve the row")


def check_range(where: str, outputs: Floats, schema: Schema) -> None:
    """Refuse an output that is no probability, or no class, where the task asks for one; NaN says nothing."""
    if schema.task == "regression":
        return
    most = 1 if schema.task == "binary" else len(schema.classes) - 1
    wrong = (outputs < 0) | (outputs > most)
    if schema.task == "multiclass":
        wrong |= ~np.isnan(outputs) & (outputs != np.floor(outputs))
    if wrong.any():
        row = int(wrong.argmax())
        what = "the probability of class 1, 0 to 1," if schema.task == "binary" else f"an index 0..{most} of a class"
        raise Invalid(where, f"{float(outputs[row])!r} at row {row} is not accepted; {what} is")


def check_labels(field_name: str, values: Floats, schema: Schema, *, missing: bool = False) -> None:
    """Refuse labels that are not finite, or not the index of a class."""
    classes = max(len(schema.classes), 2)
    accepted = "a finite number" if schema.task == "regression" else f"an index 0..{classes - 1}"
    wrong = np.isinf(values) if missing else ~np.isfinite(values)
    if wrong.any():
        raise Invalid(f"{field_name}[{int(wrong.argmax())}]", f"is not finite; {accepted} is accepted")
    if schema.task == "regression":
        return
    present = values[~np.isnan(values)]
    bad = (present != np.floor(present)) | (present < 0) | (present >= classes)
    if bad.any():
        raise Invalid(field_name, f"{float(present[bad][0])} is no class; {accepted} is accepted")
