"""A person whose every trace can be told from all others', and a search for it in whatever lies on a disk."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from remission import Client, make_batch, make_reference
from remission.v1 import ingest_pb2, model_pb2

REFERENCE_ROWS = 100
SUBJECT = "whoever-this-is-7f3a9c"
WORD = "a-word-that-only-this-one-says"
MINUTE_US = 60_000_000
VALUE, OUTPUT, TRUTH = 0.8414709848078, 1.718281828459, 1.618033988749
MARKED = 8  #: rows of a batch that are about the subject
BATCH = 40


def a_model(name: str = "m") -> model_pb2.Model:
    """Give a model of a number and a word; what it predicts is a number too."""
    return model_pb2.Model(
        name=name, owner="risk", task=model_pb2.TASK_REGRESSION, champion="v1", template="linear",
        policy_json='{"regret": {"every": 0}, "quality": {"alarms": "never"}, "drift": {"alarms": "never"}}',
        features=[
            model_pb2.FeatureSpec(name="x", kind=model_pb2.FEATURE_KIND_NUMERIC),
            model_pb2.FeatureSpec(name="word", kind=model_pb2.FEATURE_KIND_CATEGORICAL, categories=["a", "b"]),
        ],
    )  # fmt: skip


def a_past() -> model_pb2.Reference:
    """Give its reference."""
    x = np.linspace(0, 1, REFERENCE_ROWS)
    return make_reference(
        {"x": x, "word": ["a", "b"] * (REFERENCE_ROWS // 2)}, labels=2 * x, outputs=2 * x + 0.1,
        times_us=np.arange(REFERENCE_ROWS) * MINUTE_US,
    )  # fmt: skip


def is_marked(number: int) -> bool:
    """Say whether a row of `batch` is about the subject."""
    return number % (BATCH // MARKED) == 0


def ids(number: int) -> list[str]:
    """Name the predictions of batch *number*."""
    return [f"{'trace' if is_marked(row) else 'p'}-{number}-{row}" for row in range(BATCH)]


def batch(number: int) -> ingest_pb2.Batch:
    """Give rows, some of which are about the subject."""
    rows = np.arange(BATCH)
    marked = rows % (BATCH // MARKED) == 0
    x = np.where(marked, VALUE * (1 + (number + rows) / 1_000), rows / BATCH)
    answers = np.where(marked, OUTPUT * (1 + (number + rows) / 1_000), rows / BATCH)
    first = REFERENCE_ROWS + number * BATCH
    return make_batch(
        f"b-{number}", {"x": x, "word": [WORD if one else "a" for one in marked]},
        outputs={"v1": answers}, prediction_ids=ids(number),
        times_us=(first + rows) * MINUTE_US,
        subject_ids=[SUBJECT if one else f"other-{row % 7}" for row, one in zip(rows, marked, strict=True)],
    )  # fmt: skip


def label(client: Client, number: int) -> None:
    """Tell the truth of the rows of a batch."""
    rows = np.arange(BATCH)
    values = np.where(rows % (BATCH // MARKED) == 0, TRUTH * (1 + (number + rows) / 1_000), 2 * rows / BATCH)
    at_us = (REFERENCE_ROWS + (number + 1) * BATCH) * MINUTE_US
    client.ingest_labels("m", ids(number), values, batch_id=f"l-{number}", times_us=np.full(BATCH, at_us))


def traces(batches: int) -> dict[str, bytes]:
    """Give what must be found nowhere, by what it is: words as text, numbers as bytes and as text."""
    found = {"subject": SUBJECT.encode(), "word": WORD.encode(), "prediction id": b"trace-"}
    for number in range(batches):
        for what, value in (("value", VALUE), ("output", OUTPUT), ("truth", TRUTH)):
            one = float(value * (1 + number / 1_000))
            found[f"{what} of batch {number}"] = struct.pack("<d", one)
            found[f"{what} of batch {number}, as text"] = repr(one)[:12].encode()
    return found


def materials(vault: Path) -> dict[str, bytes]:
    """Read the keys of a vault past it, by id."""
    return dict(_asked(vault, "SELECT key_id, material FROM key_materials"))


def destroyed(vault: Path) -> set[str]:
    """Name the keys that are destroyed."""
    return {row[0] for row in _asked(vault, "SELECT key_id FROM key_facts WHERE destroyed_us IS NOT NULL")}


def _asked(vault: Path, query: str) -> list[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{vault}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def found_in(folder: Path, wanted: dict[str, bytes]) -> list[tuple[str, str]]:
    """Search every file below *folder*, journals and all: what was found, and where."""
    return [
        (what, str(file.relative_to(folder)))
        for file, data in _files(folder)
        for what, trace in wanted.items()
        if trace in data
    ]


def _files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink():
            yield file, file.read_bytes()
