"""Who acts. The log holds opaque ids; the names behind them are in the vault, and can be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from server.act import Caller
from server.errors import Invalid, ThingMissing
from statemachine.actors import ACTOR_PREFIX, is_actor
from statemachine.errors import Refused
from statemachine.health import ModelHealth
from store.vault import Vault

#: For how long an id is at hand: as long as another server's forgetting may go unnoticed.
FRESH_SECONDS = 1.0
MOST_AT_HAND = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorView:
    """Who stands behind an id. No name: it was forgotten."""

    actor: str
    name: str | None


class Actors:
    """Ids by name, at hand for those who cannot wait for the vault. Safe to use from many threads."""

    def __init__(self, vault: Vault, clock: Callable[[], float] = monotonic) -> None:
        self._vault, self._clock = vault, clock
        self._at_hand: dict[str, tuple[str, float]] = {}

    def at_hand(self, name: str) -> str | None:
        """Give the id of *name* if it was asked for a moment ago; it waits for nothing."""
        actor, until = self._at_hand.get(name, (None, 0.0))
        return actor if self._clock() < until else None

    def of(self, name: str) -> str:
        """Give the id of *name*. A first one is durable in the vault before any event can hold it."""
        until = self._clock() + FRESH_SECONDS
        actor = self._vault.actor(name)
        if len(self._at_hand) >= MOST_AT_HAND:
            self._at_hand.clear()
        self._at_hand[name] = actor, until
        return actor

    def clear(self) -> None:
        """Have nothing at hand, as after somebody was forgotten."""
        self._at_hand.clear()


def told(vault: Vault, actors: Sequence[str], names: Sequence[str]) -> list[ActorView]:
    """Tell who stands behind *actors*, then what ids people have who are called *names*.

    Raises:
        Invalid: One is no id, but stands for itself.
        ThingMissing: An id was never given here, or nobody of that name has one.
    """
    for i, actor in enumerate(actors):
        check_actor(actor, f"actor_ids[{i}]")
    known = vault.names(actors)
    found = [ActorView(actor=actor, name=_among(known, actor, f"actor_ids[{i}]")) for i, actor in enumerate(actors)]
    return found + [_called(vault, name, f"names[{i}]") for i, name in enumerate(names)]


def check_actor(actor: str, field: str) -> str:
    """Let an id pass.

    Raises:
        Invalid: It has another form.
    """
    if not is_actor(actor):
        raise Invalid(
            field, f"{actor!r} is no id, but stands for itself; {ACTOR_PREFIX} and 24 hex digits are accepted"
        )
    return actor


def name_of(vault: Vault, actor: str, field: str) -> str | None:
    """Give the name behind an id; None when it was forgotten.

    Raises:
        ThingMissing: It was never given here.
    """
    return _among(vault.names([actor]), actor, field)


def approver(vault: Vault, health: ModelHealth, caller: Caller) -> str:
    """Give who approves, in the form in which it can be compared with who asked.

    Raises:
        Refused: Who asked was forgotten, and could come back under another id to agree with itself.
    """
    asked = health.remediation.requested_by if health.remediation else ""
    if caller.name and asked == caller.name:
        return asked  # as a log of an earlier release names people
    if is_actor(asked) and asked != caller.actor and vault.names([asked]).get(asked) is None:
        why = f"{asked} asked for it, and nobody can tell any more who that is, and so who else could agree"
        raise Refused("approve", str(health.place), why, ("Reject, and then StartRetraining",))
    return caller.actor


def _among(known: dict[str, str | None], actor: str, field: str) -> str | None:
    if actor not in known:
        raise ThingMissing(field, f"{actor} was never given by the vault of this server")
    return known[actor]


def _called(vault: Vault, name: str, field: str) -> ActorView:
    actor = vault.find_actor(name)
    if actor is None:
        raise ThingMissing(field, f"nobody is called {name!r} here: no call of theirs was seen, or they were forgotten")
    return ActorView(actor=actor, name=name)
