"""Erasing: what is to go is written down first, then its keys are destroyed, then the log says so.

A process that ends in between finds the intent when it starts again, and carries it out. What is destroyed cannot be
brought back by an old copy of the vault either: whoever starts on one destroys again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import orjson

from retraining.artifact import Manifest, ManifestInvalid
from retraining.scope import CHALLENGE
from server import feed
from server.act import Caller
from server.desk import Desk, pages
from server.errors import ThingMissing
from server.leasing import close
from server.reactions.jobs import DATASETS, FAILED, LEASED, QUEUED
from server.sealing import ROWS, erased_rows
from statemachine import commands as c
from statemachine.canonical import digest
from statemachine.errors import LegallyHeld
from statemachine.health import ModelHealth
from statemachine.words import RETIRED, Reason
from store import at_rest
from store.blobs import BlobMissing
from store.errors import RequestIdReused
from store.ports import Reader, Unit
from store.records import Erasure, FeedItem, Job
from store.vault import ACTORS_KIND, PERIOD_US, KeyFacts, Vault, key_of

INTENDED, DONE = "intended", "done"
#: What goes: all about a subject, rows by their age, evidence by its age, what the events of a retired model tell, or
#: the name behind the id of an actor.
SUBJECT, AGE, EVIDENCE, EVENTS, ACTOR = "subject", "age", "evidence", "events", "actor"
OF_ROWS = (SUBJECT, AGE)
Ranges = list[tuple[int, int]]  #: of rows: first, and one past the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What an erasure did to one model."""

    model: str
    rows: int
    labels: int
    versions: list[str]  #: that were trained on some of the rows
    jobs: list[str]  #: that were stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureView:
    """An erasure, and how far it is."""

    erasure: str
    status: str
    scope: str
    pseudonym: str
    note: str
    created_us: int
    done_us: int = 0
    asked: str = ""  #: keyed hash of the request, to tell a repeated one from another
    model: str = ""  #: whose old rows, or whose events, are to go; empty for a subject, and for evidence
    before_period: int = 0  #: and up to when
    models: list[Touched] = field(default_factory=list)

    @classmethod
    def of_age(cls, scope: str, model: str, before_period: int, now_us: int, note: str) -> ErasureView:
        """Give the erasure of what is older than is kept; *model* is empty where it is of all."""
        return cls(
            erasure=digest(f"{scope}|{model}|{before_period}|{now_us}".encode())[:32], status=INTENDED, scope=scope,
            pseudonym="", note=note, created_us=now_us, model=model, before_period=before_period,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks for: to forget a subject, or the name of an actor by its id."""

    subject: str = field(repr=False)
    note: str
    request_id: str
    at_us: int
    scope: str = SUBJECT

    @property
    def erasure(self) -> str:
        """Give the id of the erasure."""
        return digest(f"erasure|{self.request_id}".encode())[:32]

    def told_by(self, vault: Vault) -> str:
        """Give a keyed hash of what is asked for."""
        what = (self.subject, self.note) if self.scope == SUBJECT else (self.subject, self.note, self.scope)
        return vault.pseudonym("request", "\x1f".join(what))


def intend(desk: Desk, unit: Unit, request: Asked) -> str:
    """Write down that everything about a subject is to go; give the erasure's id, the first one to a repeated request.

    Raises:
        LegallyHeld: A model that holds rows of the subject may not lose any.
        RequestIdReused: The id stands for another erasure.
    """
    vault = desk.sealer.vault
    if was_asked(vault, unit, request):
        return request.erasure
    pseudonym = vault.pseudonym("subject", request.subject)
    _refuse_held(desk, unit, {key.model for key in vault.find(ROWS, pseudonym=pseudonym) if key.lived(request.at_us)})
    return intended(unit, wanted(vault, request, pseudonym))


def was_asked(vault: Vault, reader: Reader, request: Asked) -> bool:
    """Say whether the same was asked for under the same id before.

    Raises:
        RequestIdReused: The id stands for another erasure.
    """
    had = reader.erasure(request.erasure)
    if had is not None and _view(had).asked != request.told_by(vault):
        raise RequestIdReused(request.request_id)
    return had is not None


def wanted(vault: Vault, request: Asked, pseudonym: str) -> ErasureView:
    """Give the erasure that is asked for, to be written down."""
    return ErasureView(
        erasure=request.erasure, status=INTENDED, scope=request.scope, pseudonym=pseudonym, note=request.note,
        asked=request.told_by(vault), created_us=request.at_us,
    )  # fmt: skip


def intended(unit: Unit, one: ErasureView) -> str:
    """Write an erasure down that is to be carried out; give its id."""
    _keep(unit, one)
    return one.erasure


def carry_out(desk: Desk, unit: Unit, erasure: str, now_us: int, caller: Caller) -> ErasureView:
    """Destroy the keys of an erasure that was intended, and say so in each model's log. Once done it is never redone.

    Raises:
        LegallyHeld: A hold was placed since it was intended. It stays so until the next start of a server.
    """
    asked = view(unit, erasure)
    if asked.status == DONE:
        return asked
    keys = _keys(desk.sealer.vault, asked)
    by_model = _by_model(keys) if asked.scope in OF_ROWS else dict.fromkeys(_told(unit, asked), keys)
    _refuse_held(desk, unit, by_model, "rows" if asked.scope in OF_ROWS else asked.scope)
    losses = [_loss(desk, unit, model, mine, asked.scope) for model, mine in by_model.items()]
    datasets = [one for loss in losses for one in loss.dataset_keys]
    desk.sealer.vault.destroy([key.key_id for key in keys] + datasets)
    touched = [_tell(desk, unit, asked, loss, caller) for loss in losses]
    done = replace(asked, status=DONE, models=touched, done_us=now_us)
    _keep(unit, done)
    return done


def unfinished(reader: Reader) -> list[str]:
    """Name the erasures that are intended and not done."""
    return [one.erasure_id for one in reader.erasures(status=INTENDED)]


def destroy_again(desk: Desk, reader: Reader) -> None:
    """Destroy what was erased and is alive again, as when the vault was restored from an old copy."""
    vault = desk.sealer.vault
    after = ""
    while page := reader.erasures(status=DONE, after=after):
        after = page[-1].erasure_id
        for done in map(_view, page):
            alive = [key.key_id for key in _keys(vault, done) if key.destroyed_us is None]
            if alive:
                vault.destroy(alive)


def view(reader: Reader, erasure: str) -> ErasureView:
    """Tell of one erasure.

    Raises:
        ThingMissing: Nobody asked for it.
    """
    found = reader.erasure(erasure)
    if found is None:
        raise ThingMissing("erasure_id", f"no erasure {erasure!r} was ever asked for")
    return _view(found)


def views(reader: Reader, after: str, limit: int) -> list[ErasureView]:
    """Tell of erasures by id, from behind *after*."""
    return [_view(one) for one in reader.erasures(after=after, limit=limit)]


@dataclass(frozen=True, slots=True)
class _Loss:
    """What one model is about to lose."""

    model: str
    rows: feed.Ints
    labels: int
    jobs: list[Job]  #: under way, with some of the rows
    dataset_keys: list[str]


def _loss(desk: Desk, unit: Unit, model: str, keys: list[KeyFacts], scope: str) -> _Loss:
    if scope not in OF_ROWS:
        return _Loss(model, np.empty(0, dtype=np.int64), 0, [], [])
    rows, labels = erased_rows(_items(unit, model), {key.key_id for key in keys})
    jobs = [job for job in unit.jobs(stream=model) if _overlap(_ranges(job), rows)]
    datasets = {orjson.loads(job.spec)["dataset"] for job in jobs}
    held = [one.key_id for one in desk.sealer.vault.find(DATASETS, model=model) if one.name in datasets]
    return _Loss(model, rows, labels, [job for job in jobs if job.status in (QUEUED, LEASED)], held)


def _tell(desk: Desk, unit: Unit, asked: ErasureView, loss: _Loss, caller: Caller) -> Touched:
    """Say in the model's log what was erased, and stop the work that held some of it."""
    health, watermark_us = desk.health(unit, loss.model), desk.intake(unit, loss.model).watermark_us
    told = Touched(
        model=loss.model, rows=len(loss.rows), labels=loss.labels, versions=_trained_on(desk, health, loss.rows),
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


def _trained_on(desk: Desk, health: ModelHealth, rows: feed.Ints) -> list[str]:
    """Name the versions whose manifest says that they were trained on some of *rows*, or that correct one that was."""
    made = {version: _manifest(desk, sha) for version, sha in health.manifests.items()}
    found = [version for version, one in made.items() if one and _overlap([(a, b) for a, b in one.rows], rows)]
    return found + [
        version for version, one in made.items() if one and one.base_version in found and version not in found
    ]


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


def _refuse_held(desk: Desk, unit: Unit, models: Iterable[str], what: str = "rows") -> None:
    held = sorted(model for model in models if desk.health(unit, model).legal_hold)
    if held:
        health = desk.health(unit, held[0])
        raise LegallyHeld(
            "erase", str(health.place), f"a legal hold keeps the {what} of {', '.join(held)}", ("LiftLegalHold",)
        )


def _keys(vault: Vault, asked: ErasureView) -> list[KeyFacts]:
    """Give the keys of an erasure: those that were alive when it was asked for, and were made by then."""
    match asked.scope:
        case "age":
            found = vault.find(ROWS, model=asked.model, before_period=asked.before_period)
        case "evidence":
            found = vault.find(at_rest.EVIDENCE, before_period=asked.before_period)
        case "events":
            found = vault.find(at_rest.PAYLOADS, model=asked.model)
        case "actor":
            found = [key for key in vault.find(ACTORS_KIND) if key.key_id == key_of(asked.pseudonym)]
        case _:
            found = vault.find(ROWS, pseudonym=asked.pseudonym)
    return [key for key in found if key.lived(asked.created_us)]


def _told(reader: Reader, asked: ErasureView) -> Iterator[str]:
    """Name the models that are told: one whose events go, or all that were there when evidence was still made."""
    if asked.scope == ACTOR:
        return  # no model loses anything: its log goes on holding the id
    if asked.scope == EVENTS:
        yield asked.model
        return
    after = ""
    while page := reader.projections(after):
        after = page[-1].stream
        for one in page:
            if reader.events(one.stream, 0, 1)[0].recorded_us < asked.before_period * PERIOD_US:
                yield one.stream


def _by_model(keys: Iterable[KeyFacts]) -> dict[str, list[KeyFacts]]:
    found: dict[str, list[KeyFacts]] = {}
    for key in sorted(keys, key=lambda one: one.model):  # so that logs are told in the same order everywhere
        found.setdefault(key.model, []).append(key)
    return dict(sorted(found.items()))  # ids of keys are chance, and the order of the log is not


def _items(reader: Reader, model: str) -> Iterable[FeedItem]:
    for page in pages(reader, model, 0, reader.feed_head(model).seq):
        yield from page


def _keep(unit: Unit, one: ErasureView) -> None:
    body = orjson.dumps(asdict(one))
    unit.put(Erasure(erasure_id=one.erasure, status=one.status, body=body, created_us=one.created_us))


def _view(kept: Erasure) -> ErasureView:
    told: dict[str, Any] = orjson.loads(kept.body)
    return ErasureView(**{**told, "models": [Touched(**one) for one in told["models"]]})
