"""What can be erased: a line for each scope, that says which keys go, which models are told, and what a hold keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from server.history.reading import names
from server.intake.sealing import ROWS
from store import at_rest
from store.ports import Reader
from store.vault import ACTORS_KIND, PERIOD_US, KeyFacts, Vault, key_of

#: The words that stand in logs: all about a subject, rows by their age, evidence by its age, what the events of a
#: retired model tell, and the name behind the id of an actor.
SUBJECT, AGE, EVIDENCE, EVENTS, ACTOR = "subject", "age", "evidence", "events", "actor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Whose keys go: a pseudonym's, or those of a model (empty for all) that are older than a period."""

    pseudonym: str
    model: str
    before_period: int


ByModel = dict[str, list[KeyFacts]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One kind of erasure."""

    #: Finds the keys that go.
    keys: Callable[[Vault, Span], list[KeyFacts]]
    #: Says which models are told, with the keys that each loses, in an order that is the same everywhere.
    told: Callable[[Reader, Span, list[KeyFacts]], ByModel]
    #: What a legal hold keeps, in a word.
    held: str
    #: Whether rows go, so that versions have learned from what is gone and work under way must stop.
    of_rows: bool = False
    #: Whether the keys that go are named on record, so that no clock says which they are: another server's may differ.
    #: Of old rows there can be a key for each subject; they go by their period, and it takes days to be wrong about it.
    named: bool = True


def _of_subject(vault: Vault, span: Span) -> list[KeyFacts]:
    return vault.find(ROWS, pseudonym=span.pseudonym)


def _old_rows(vault: Vault, span: Span) -> list[KeyFacts]:
    return vault.find(ROWS, model=span.model, before_period=span.before_period)


def _old_evidence(vault: Vault, span: Span) -> list[KeyFacts]:
    return vault.find(at_rest.EVIDENCE, before_period=span.before_period)


def _of_events(vault: Vault, span: Span) -> list[KeyFacts]:
    return vault.find(at_rest.PAYLOADS, model=span.model)


def _of_actor(vault: Vault, span: Span) -> list[KeyFacts]:
    return [key for key in vault.find(ACTORS_KIND) if key.key_id == key_of(span.pseudonym)]


def _its_own(_reader: Reader, _span: Span, keys: list[KeyFacts]) -> ByModel:
    """Tell each model whose rows go."""
    found: ByModel = {}
    for key in keys:
        found.setdefault(key.model, []).append(key)
    return dict(sorted(found.items()))  # ids of keys are chance, and the order of the log is not


def _the_model(_reader: Reader, span: Span, keys: list[KeyFacts]) -> ByModel:
    return {span.model: keys}


def _all_of_its_time(reader: Reader, span: Span, keys: list[KeyFacts]) -> ByModel:
    """Tell all models that were there when the evidence was made, since any may rest on it."""
    return dict.fromkeys(_older(reader, span.before_period * PERIOD_US), keys)


def _nobody(_reader: Reader, _span: Span, _keys: Iterable[KeyFacts]) -> ByModel:
    """No model loses anything: its log goes on holding the id."""
    return {}


def _older(reader: Reader, than_us: int) -> Iterator[str]:
    return (name for name in names(reader) if reader.events(name, 0, 1)[0].recorded_us < than_us)


SCOPES: dict[str, Scope] = {
    SUBJECT: Scope(keys=_of_subject, told=_its_own, held="rows", of_rows=True),
    AGE: Scope(keys=_old_rows, told=_its_own, held="rows", of_rows=True, named=False),
    EVIDENCE: Scope(keys=_old_evidence, told=_all_of_its_time, held="evidence"),
    EVENTS: Scope(keys=_of_events, told=_the_model, held="events"),
    ACTOR: Scope(keys=_of_actor, told=_nobody, held="names"),
}


class ScopeUnknown(LookupError):
    """An erasure on record is of a scope that this release does not know."""

    def __init__(self, erasure: str, scope: str) -> None:
        """Name the erasure and its scope, and those that are known."""
        super().__init__(f"erasure {erasure} is of the scope {scope!r}; known are {', '.join(SCOPES)}")


def scope_of(erasure: str, scope: str) -> Scope:
    """Give the scope of an erasure.

    Raises:
        ScopeUnknown: A later release has written it.
    """
    found = SCOPES.get(scope)
    if found is None:
        raise ScopeUnknown(erasure, scope)
    return found
