"""Erasures on record: what was asked for, how far it is, and what it did to each model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson

from server.errors import ThingMissing
from server.privacy.scopes import SUBJECT, Span, scope_of
from statemachine.record.canonical import digest
from store.errors import RequestIdReused
from store.ports import Reader, Unit
from store.records import Erasure
from store.vault import KeyFacts, Vault

INTENDED, DONE = "intended", "done"


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
    keys: list[str] | None = None  #: ids of those that go; None: those that lived when it was asked for
    models: list[Touched] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """Say whose keys go."""
        return Span(pseudonym=self.pseudonym, model=self.model, before_period=self.before_period)

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


def intended(vault: Vault, unit: Unit, one: ErasureView) -> str:
    """Write an erasure down that is to be carried out, with the keys that are alive now and go; give its id."""
    scope = scope_of(one.erasure, one.scope)
    alive = [key.key_id for key in scope.keys(vault, one.span) if key.destroyed_us is None] if scope.named else None
    keep(unit, replace(one, keys=alive))
    return one.erasure


def keys_of(vault: Vault, one: ErasureView) -> list[KeyFacts]:
    """Give the keys that go with an erasure, or went."""
    found = scope_of(one.erasure, one.scope).keys(vault, one.span)
    if one.keys is None:
        return [key for key in found if key.lived(one.created_us)]
    named = set(one.keys)
    return [key for key in found if key.key_id in named]


def under_way(reader: Reader) -> list[ErasureView]:
    """Give the erasures that were intended and are not done."""
    return [_view(one) for one in reader.erasures(status=INTENDED)]


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


def finished(reader: Reader) -> Iterator[ErasureView]:
    """Give all erasures that are done, by id."""
    after = ""
    while page := reader.erasures(status=DONE, after=after):
        after = page[-1].erasure_id
        yield from map(_view, page)


def keep(unit: Unit, one: ErasureView) -> None:
    """Write an erasure as it stands now."""
    body = orjson.dumps(asdict(one))
    unit.put(Erasure(erasure_id=one.erasure, status=one.status, body=body, created_us=one.created_us))


def _view(kept: Erasure) -> ErasureView:
    told: dict[str, Any] = orjson.loads(kept.body)
    return ErasureView(**{**told, "models": [Touched(**one) for one in told["models"]]})
