"""A model of any estimator under watch, and what the server has of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from remission import Client, make_reference
from remission.columns import describe, tabulate
from remission.v1 import model_pb2

REFERENCE_ROWS = 60
TASKS = {0: model_pb2.TASK_REGRESSION, 2: model_pb2.TASK_BINARY, 3: model_pb2.TASK_MULTICLASS}


class Halves:
    """An estimator that owes nothing to any library: half of the first column."""

    def predict(self, rows: Any) -> Any:
        """Give one value a row."""
        return np.asarray(rows, dtype=np.float64)[:, 0] / 2


def numbers(count: int) -> Any:
    """Give rows of one number."""
    return np.arange(float(count))[:, None]


def register(client: Client, name: str, rows: Any, classes: list[str], columns: list[str] | None = None) -> None:
    """Put a model under watch that has *rows* as its past; values without *classes*."""
    table = tabulate(rows, columns or [])
    count = len(next(iter(table.values())))
    index = np.arange(count) % max(len(classes), 7)
    asked = model_pb2.Model(
        name=name, owner="risk", task=TASKS[len(classes)], champion="v1", features=describe(table),
        classes=classes if len(classes) > 2 else [],
    )  # fmt: skip
    labels = index % len(classes) if classes else index
    times = time.time_ns() // 1_000 - 60_000_000 * np.arange(count)[::-1]
    outputs = labels if len(classes) != 2 else np.full(count, 0.5)
    client.create_model(asked, make_reference(table, labels=labels, outputs=outputs, times_us=times))


def rows_had(client: Client, name: str, reference: int = REFERENCE_ROWS) -> int:
    """Count the rows that the server has beside the reference."""
    return int(client.state(name).row) - reference


def labels_had(client: Client, name: str, known_id: str, value: float, reference: int = REFERENCE_ROWS) -> int:
    """Count the labels that the server has beside the reference's; *known_id* is labelled *value* already."""
    return int(client.ingest_labels(name, [known_id], [value]).labelled_rows) - reference


@contextmanager
def black_hole() -> Iterator[str]:
    """Give an address that takes connections and never says a word."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(16)
        yield f"127.0.0.1:{hole.getsockname()[1]}"
