"""What a model loses when rows of it are erased: rows, labels, versions that learned from them, work under way."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import orjson

from retraining.artifact import Manifest, ManifestInvalid
from retraining.scope import CHALLENGE
from server.act import Caller
from server.desk import Desk, pages
from server.intake import feed
from server.intake.sealing import erased_rows
from server.jobs.leasing import close
from server.privacy.erasures import ErasureView, Touched
from server.reactions.jobs import DATASETS, FAILED, LEASED, QUEUED
from statemachine import commands as c
from statemachine.health import ModelHealth
from statemachine.words import RETIRED, Reason
from store.blobs import BlobMissing
from store.ports import Reader, Unit
from store.records import FeedItem, Job

Ranges = list[tuple[int, int]]  #: of rows: first, and one past the last


@dataclass(frozen=True, slots=True)
class Loss:
    """What one model is about to lose."""

    model: str
    rows: feed.Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    labels: int = 0
    jobs: list[Job] = field(default_factory=list)  #: under way, with some of the rows
    dataset_keys: list[str] = field(default_factory=list)


def of_rows(desk: Desk, unit: Unit, model: str, key_ids: Collection[str]) -> Loss:
    """Say what goes with the keys of rows."""
    rows, labels = erased_rows(_items(unit, model), set(key_ids))
    jobs = [job for job in unit.jobs(stream=model) if _overlap(_ranges(job), rows)]
    datasets = {orjson.loads(job.spec)["dataset"] for job in jobs}
    held = [one.key_id for one in desk.sealer.vault.find(DATASETS, model=model) if one.name in datasets]
    return Loss(model, rows, labels, [job for job in jobs if job.status in (QUEUED, LEASED)], held)


def tell(desk: Desk, unit: Unit, asked: ErasureView, loss: Loss, caller: Caller) -> Touched:
    """Say in the model's log what was erased, and stop the work that held some of it."""
    health, watermark_us = desk.health(unit, loss.model), unit.feed_head(loss.model).watermark_us
    told = Touched(
        model=loss.model, rows=len(loss.rows), labels=loss.labels, versions=learned_from(desk, health, loss.rows),
        jobs=[job.job_id for job in loss.jobs],
    )  # fmt: skip
    command = c.Erase(
        erasure=asked.erasure, scope=asked.scope, pseudonym=asked.pseudonym, rows=told.rows, labels=told.labels,
        versions=told.versions, jobs=told.jobs, note=asked.note,
    )  # fmt: skip
    desk.act(unit, loss.model, command, watermark_us, caller)
    for job in loss.jobs:
        _stop(desk, unit, job, watermark_us, caller)
    return told


def learned_from(desk: Desk, health: ModelHealth, rows: feed.Ints) -> list[str]:
    """Name the versions whose manifest says that they were trained on some of *rows*, which rise.

    With them go those that correct such a version, and those that correct these.
    """
    kept = {version: _manifest(desk, sha) for version, sha in health.manifests.items()}
    made = {version: one for version, one in kept.items() if one is not None}
    found = [version for version, one in made.items() if _overlap([(a, b) for a, b in one.rows], rows)]
    while more := [version for version, one in made.items() if one.base_version in found and version not in found]:
        found += more
    return found


def _stop(desk: Desk, unit: Unit, job: Job, watermark_us: int, caller: Caller) -> None:
    """End work under way: its worker holds rows that are erased, and what it would hand in has learned from them."""
    close(unit, job, FAILED)
    health = desk.health(unit, job.stream)
    if health.place == RETIRED:
        return  # nothing is under way any more that could be told to stop
    if job.kind == CHALLENGE:
        if health.challenge == job.job_id:
            command: c.Command = c.AbandonChallenge(job=job.job_id, failure=Reason.ROWS_ERASED)
            desk.act(unit, job.stream, command, watermark_us, caller)
    elif health.remediation is not None and health.remediation.job == job.job_id:
        command = c.AbandonRemedy(reason=Reason.ROWS_ERASED, note=job.job_id)
        desk.act(unit, job.stream, command, watermark_us, caller)


def _manifest(desk: Desk, sha256: str) -> Manifest | None:
    try:
        return Manifest.from_bytes(desk.blobs.get(sha256))
    except (BlobMissing, ManifestInvalid):
        return None


def _ranges(job: Job) -> Ranges:
    """Give the rows that the dataset of a job holds."""
    spec = orjson.loads(job.spec)
    first = min([spec["holdout"][0], *(begin for entrant in spec["entrants"] for begin, _ in entrant["rows"])])
    return [(first, spec["holdout"][1])]


def _overlap(ranges: Ranges, rows: feed.Ints) -> bool:
    """Say whether any of *rows*, which rise, lies in any of *ranges*."""
    return any(bool(np.diff(np.searchsorted(rows, span))[0]) for span in ranges)


def _items(reader: Reader, model: str) -> Iterable[FeedItem]:
    for page in pages(reader, model, 0, reader.feed_head(model).seq):
        yield from page
