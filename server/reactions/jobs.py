"""Jobs: a spec, the rows that it needs as one content-addressed blob, and a place in the queue."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from retraining.dataset import Dataset
from retraining.scope import REMEDY, Entrant, Range, Spec
from server.intake.feed import Floats
from server.intake.schema import CATEGORICAL, OTHER, Schema
from server.reactions.scene import Scene
from server.watching.quarantine import held
from statemachine.health import ModelHealth
from statemachine.record.canonical import canonical
from store.records import Evidence, Job

DATASETS = "datasets"  #: the class of data that the rows of a job belong to
QUEUED, LEASED, DONE, FAILED = "queued", "leased", "done", "failed"


def open_job(scene: Scene, kind: str, entrants: tuple[Entrant, ...], holdout: Range, blocks: int) -> tuple[str, str]:
    """Write spec, dataset and job; give the job's id and the evidence id of its spec."""
    spec = _spec(scene, kind, entrants, holdout, blocks)
    evidence = Evidence(kind="spec", body=canonical(spec.to_json()))
    scene.unit.put(evidence)
    scene.unit.put(
        Job(
            job_id=spec.job, stream=scene.model, kind=kind, status=QUEUED, spec=evidence.body,
            created_us=scene.watermark_us, visit=scene.health.visit,
        )
    )  # fmt: skip
    return spec.job, evidence.sha256


def _spec(scene: Scene, kind: str, entrants: tuple[Entrant, ...], holdout: Range, blocks: int) -> Spec:
    """Say what a worker is to do, and keep the rows that it needs."""
    health, watch = scene.health, scene.watch
    first = min([holdout[0], *(begin for entrant in entrants for begin, _ in entrant.rows)])
    quarantined = () if overruled(health) else watch.profiler.quarantine.within(first, holdout[1])
    data = _dataset(scene, health, entrants, (first, holdout[1]), quarantined).to_bytes()
    dataset = scene.desk.blobs.put_sealed(data, DATASETS, scene.model)
    template = scene.desk.templates[health.template]
    vocabulary = scene.desk.intake(scene.unit, scene.model).vocabulary
    return Spec(
        job=f"{scene.model}-{health.jobs_opened + 1}", kind=kind, model=scene.model, task=health.task,
        metric=health.metric, template=health.template, champion=health.champion, entrants=entrants,
        holdout=holdout, blocks=blocks, unit=watch.unit, seed=health.seed, dataset=dataset,
        features=[feature.to_json() for feature in vocabulary.features(watch.schema)],
        classes=list(watch.schema.classes), limits=asdict(template.limits),
        quarantined=quarantined, segments=watch.segments if kind == REMEDY else (),
    )  # fmt: skip


def overruled(health: ModelHealth) -> bool:
    """Say whether a person has data learned that the diagnosis calls broken."""
    remedy = health.remediation
    return remedy is not None and remedy.requested_by != "service" and health.awaits_repair


def _dataset(
    scene: Scene, health: ModelHealth, entrants: tuple[Entrant, ...], span: Range, quarantined: tuple[Range, ...]
) -> Dataset:
    """Cut the rows of *span* out of the tape, with what was known of them by now.

    Labels in quarantine are left out: whatever a worker does, it cannot learn from those rows, nor compare on them.
    """
    tape, schema = scene.watch.tape, scene.watch.schema
    first, end = span
    rows = np.arange(first, end)
    wanted = {health.champion, *(entrant.version for entrant in entrants if entrant.version)}
    return Dataset(
        first_row=first,
        rows=without_hidden_words(schema, tape.features(first, end)),
        labels=np.where(held(quarantined, first, end), np.nan, tape.labels[first:end]),
        outputs={version: tape.outputs(version, rows) for version in sorted(wanted)},
    )


def without_hidden_words(schema: Schema, rows: Floats) -> Floats:
    """Give *rows* with words that were not learned as missing: that is what they are to a model that serves."""
    words = [i for i, feature in enumerate(schema.features) if feature.kind == CATEGORICAL]
    rows[:, words] = np.where(rows[:, words] >= OTHER, np.nan, rows[:, words])
    return rows
