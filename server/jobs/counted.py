"""What the server itself can count of a bake-off: which rows of the holdout can be compared, in the whole and in parts.

Rows, truths and the champion's answers stand in the job's own dataset, which the service wrote. So no worker leaves out
rows that do not suit its candidate, or tells of them in another segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from retraining.dataset import Dataset
from retraining.held import Held
from retraining.scope import Spec
from server.errors import Invalid
from store.records import Job
from store.sealed_blobs import SealedBlobs


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows of a holdout have a truth and an answer of the champion."""

    rows: int
    segments: tuple[tuple[int, ...], ...] = ()  #: of each segment of the spec, in each block


def of_job(job: Job, blobs: SealedBlobs) -> Counted:
    """Count what stands in the dataset of *job*.

    Raises:
        BlobMissing: Its bytes are not there.
        BlobAltered: They are not as they were.
        EvidenceErased: Its key is destroyed.
    """
    spec = Spec.from_json(orjson.loads(job.spec))
    return of(spec, blobs.get(spec.dataset))


def of(spec: Spec, dataset: bytes) -> Counted:
    """Count what stands in *dataset* for the job of this *spec*."""
    held = Held.of(spec, Dataset.from_bytes(dataset))
    each = held.by_segment(np.ones(len(held.rows), dtype=np.int64))
    return Counted(len(held.rows), tuple(tuple(block[0] for block in blocks) for blocks in each))


def check(report: dict[str, Any], counted: Counted) -> None:
    """Refuse a report that was not made of the rows that the job's own dataset has.

    Raises:
        Invalid: It tells of more or fewer, in the whole or in a block of a segment.
    """
    if report["rows"] != counted.rows:
        told = (
            f"{report['rows']} is not accepted; {counted.rows} is: so many have a truth and an answer of the champion"
        )
        raise Invalid("report_json.rows", told)
    for k, (part, rows) in enumerate(zip(report.get("segments", ()), counted.segments, strict=True)):
        _check_segment(f"report_json.segments[{k}].champion", part["champion"], rows)


def _check_segment(where: str, told: Sequence[Sequence[int]], rows: tuple[int, ...]) -> None:
    for i, (block, most) in enumerate(zip(told, rows, strict=True)):
        if block[0] != most:
            raise Invalid(f"{where}[{i}][0]", f"{block[0]} rows are not accepted; {most} of the segment are")
