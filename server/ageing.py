"""Forgetting by age: how long each class of data is kept, and what of it is due to go.

Three classes age. Rows go model by model. Evidence, on which many models may rest, goes for all of them at once, and
none of it while one of them is held or still leans on some. What events tell is needed to fold a model for as long
as it lives, so it goes as a whole, and only once the model has been retired for long enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.desk import Desk
from server.erasing import AGE, EVENTS, EVIDENCE, ErasureView, intended
from server.sealing import ROWS
from statemachine.events import StateChanged
from statemachine.health import ModelHealth
from statemachine.words import RETIRED
from store import at_rest
from store.ports import Reader, Unit
from store.vault import PERIOD_US, KeyFacts

DAY_US = 86_400 * 1_000_000
PAGE = 100


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days each class of data is kept; 0 is for ever."""

    rows_days: int = 0
    evidence_days: int = 0
    events_days: int = 0  #: after a model was retired

    def __bool__(self) -> bool:
        """Say whether anything ages."""
        return bool(self.rows_days or self.evidence_days or self.events_days)


def intend_old(desk: Desk, unit: Unit, keep: Retention, now_us: int) -> list[str]:
    """Write down what is older than is kept, but for what a legal hold keeps; give the erasures, to be carried out."""
    due: list[ErasureView] = []
    if keep.rows_days:
        due += _rows(desk, unit, now_us - keep.rows_days * DAY_US, now_us)
    if keep.evidence_days:
        due += _evidence(desk, unit, now_us - keep.evidence_days * DAY_US, now_us)
    if keep.events_days:
        due += _events(desk, unit, now_us - keep.events_days * DAY_US, now_us)
    return [intended(unit, one) for one in due]


def _rows(desk: Desk, unit: Unit, since_us: int, now_us: int) -> Iterator[ErasureView]:
    """Keys are made for a period, and go when all of it is old enough."""
    before = since_us // PERIOD_US
    for model in sorted({key.model for key in _alive(desk, ROWS, before)}):
        if not desk.health(unit, model).legal_hold:
            yield ErasureView.of_age(AGE, model, before, now_us, "rows older than is kept")


def _evidence(desk: Desk, unit: Unit, since_us: int, now_us: int) -> Iterator[ErasureView]:
    healths = list(_healths(desk, unit))
    before = min([since_us // PERIOD_US, *_leant_on(desk, unit, healths)])
    if _alive(desk, at_rest.EVIDENCE, before) and not any(health.legal_hold for health in healths):
        yield ErasureView.of_age(EVIDENCE, "", before, now_us, "evidence older than is kept")


def _leant_on(desk: Desk, unit: Unit, healths: list[ModelHealth]) -> Iterator[int]:
    """Give the periods of evidence that the service still asks for: of open alarms, and of the last challenge."""
    periods = {key.key_id: key.period for key in desk.sealer.vault.find(at_rest.EVIDENCE)}
    for health in healths:
        if health.place == RETIRED:
            continue
        for sha256 in (health.alarm.evidence if health.alarm else "", health.challenge_evidence):
            key_id = unit.sealed_under(sha256) if sha256 else None
            if key_id in periods:
                yield periods[key_id]


def _events(desk: Desk, unit: Unit, since_us: int, now_us: int) -> Iterator[ErasureView]:
    for health in _healths(desk, unit):
        if health.place != RETIRED or health.legal_hold:
            continue
        keys = desk.sealer.vault.find(at_rest.PAYLOADS, model=health.model)
        retired_us = _retired_us(unit, health)
        if retired_us < since_us and any(key.destroyed_us is None and key.created_us <= retired_us for key in keys):
            why = "events of a model that was retired longer ago than is kept"
            yield ErasureView.of_age(EVENTS, health.model, 0, now_us, why)


def _retired_us(unit: Unit, health: ModelHealth) -> int:
    """Say when a retired model was retired, by the clock of the log: its envelope says so, whatever was erased."""
    until = health.version
    while until:
        for event in reversed(unit.events(health.model, max(until - PAGE, 0), until)):
            if event.type == StateChanged.name:  # the last move that a retired model made
                return event.recorded_us
        until = max(until - PAGE, 0)
    return health.entered_us


def _alive(desk: Desk, kind: str, before: int) -> list[KeyFacts]:
    return [key for key in desk.sealer.vault.find(kind, before_period=before) if key.destroyed_us is None]


def _healths(desk: Desk, reader: Reader) -> Iterator[ModelHealth]:
    after = ""
    while page := reader.projections(after, PAGE):
        after = page[-1].stream
        for one in page:
            yield desk.health(reader, one.stream)
