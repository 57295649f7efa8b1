"""Forgetting by age: how long each class of data is kept, and what of it is due to go.

Three classes age. Rows go model by model. Evidence, on which many models may rest, goes for all of them at once, and
none of it while one of them is held, still leans on some, or cannot be read. What events tell is needed to fold a model
for as long as it lives, so it goes as a whole, and only once the model has been retired for long enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from server.act import Folds
from server.desk import Desk
from server.history.reading import names
from server.history.unreadable import OF_ONE_MODEL
from server.intake.sealing import ROWS
from server.privacy.erasures import ErasureView, intended, under_way
from server.privacy.scopes import AGE, EVENTS, EVIDENCE
from statemachine.events import StateChanged
from statemachine.health import ModelHealth
from statemachine.words import RETIRED
from store import at_rest
from store.ports import Reader, Unit
from store.vault import PERIOD_US, KeyFacts, Vault

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


@dataclass(frozen=True, slots=True)
class Due:
    """What is due to go, and the models that are left because they cannot be read: a hold may keep what is theirs."""

    erasures: list[ErasureView]
    left: Mapping[str, Exception] = field(default_factory=dict)


def intend_old(desk: Desk, unit: Unit, keep: Retention, now_us: int) -> Due:
    """Write down what is due to go; give the erasures, to be carried out.

    What is due is asked for here once more, where no hold can be placed and nothing appended in between. What another
    server has written down already it carries out, or whoever finishes what it leaves.
    """
    vault, begun = desk.sealer.vault, {_what(one) for one in under_way(unit)}
    found = due(vault, desk.act.folds, unit, keep, now_us)
    new = [one for one in found.erasures if _what(one) not in begun]
    for one in new:
        intended(vault, unit, one)
    return Due(new, found.left)


def _what(one: ErasureView) -> tuple[str, str, int]:
    """Say what goes by age, whoever asks for it and when."""
    return one.scope, one.model, one.before_period


def due(vault: Vault, folds: Folds, reader: Reader, keep: Retention, now_us: int) -> Due:
    """Say what is older than is kept, but for what a legal hold keeps."""
    look = _Look(vault, folds, reader, now_us)
    found: list[ErasureView] = []
    if keep.rows_days:
        found += look.rows(now_us - keep.rows_days * DAY_US)
    if keep.evidence_days:
        found += look.evidence(now_us - keep.evidence_days * DAY_US)
    if keep.events_days:
        found += look.events(now_us - keep.events_days * DAY_US)
    return Due(found, look.left)


class _Look:
    """One look at all models and keys, now."""

    def __init__(self, vault: Vault, folds: Folds, reader: Reader, now_us: int) -> None:
        self._vault, self._folds, self._reader, self._now_us = vault, folds, reader, now_us
        self.left: dict[str, Exception] = {}  #: models that cannot be read, and why

    def rows(self, since_us: int) -> Iterator[ErasureView]:
        """Give rows that are old: keys are made for a period, and go when all of it is old enough."""
        before = since_us // PERIOD_US
        for model in sorted({key.model for key in self._alive(ROWS, before)}):
            health = self._health(model)
            if health is not None and not health.legal_hold:
                yield ErasureView.of_age(AGE, model, before, self._now_us, "rows older than is kept")

    def evidence(self, since_us: int) -> Iterator[ErasureView]:
        """Give evidence that is old, of all models at once."""
        if not self._alive(at_rest.EVIDENCE, since_us // PERIOD_US):
            return
        healths = [self._health(model) for model in names(self._reader)]
        known = [health for health in healths if health is not None]
        if len(known) < len(healths) or any(health.legal_hold for health in known):
            return
        before = min([since_us // PERIOD_US, *self._leant_on(known)])
        if self._alive(at_rest.EVIDENCE, before):
            yield ErasureView.of_age(EVIDENCE, "", before, self._now_us, "evidence older than is kept")

    def events(self, since_us: int) -> Iterator[ErasureView]:
        """Give the events of models that were retired long ago."""
        for health in map(self._health, names(self._reader)):
            if health and health.place == RETIRED and not health.legal_hold and self._ended(health, since_us):
                why = "events of a model that was retired longer ago than is kept"
                yield ErasureView.of_age(EVENTS, health.model, 0, self._now_us, why)

    def _ended(self, health: ModelHealth, since_us: int) -> bool:
        """Say whether a retired model was retired before, and its events have not gone yet."""
        retired_us = _retired_us(self._reader, health)
        keys = self._vault.find(at_rest.PAYLOADS, model=health.model)
        return retired_us < since_us and any(key.destroyed_us is None and key.created_us <= retired_us for key in keys)

    def _leant_on(self, healths: list[ModelHealth]) -> Iterator[int]:
        """Give the periods of evidence that the service still asks for: of open alarms, and of the last challenge."""
        periods = {key.key_id: key.period for key in self._vault.find(at_rest.EVIDENCE)}
        for health in healths:
            if health.place == RETIRED:
                continue
            for sha256 in (health.alarm.evidence if health.alarm else "", health.challenge_evidence):
                key_id = self._reader.sealed_under(sha256) if sha256 else None
                if key_id in periods:
                    yield periods[key_id]

    def _alive(self, kind: str, before: int) -> list[KeyFacts]:
        return [key for key in self._vault.find(kind, before_period=before) if key.destroyed_us is None]

    def _health(self, model: str) -> ModelHealth | None:
        """Fold the log of *model*; None where it cannot be read, which keeps no other from its turn."""
        try:
            return self._folds.health(self._reader, model)
        except OF_ONE_MODEL as error:
            self.left[model] = error
            return None


def _retired_us(reader: Reader, health: ModelHealth) -> int:
    """Say when a retired model was retired, by the clock of the log: its envelope says so, whatever was erased."""
    until = health.version
    while until:
        for event in reversed(reader.events(health.model, max(until - PAGE, 0), until)):
            if event.type == StateChanged.name:  # the last move that a retired model made
                return event.recorded_us
        until = max(until - PAGE, 0)
    return health.entered_us
