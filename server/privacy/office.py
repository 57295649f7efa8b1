"""The office that people turn to who want to be forgotten, or to know what was: each call is done when it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from server.act import SERVICE, Caller
from server.desk import Desk, Doing
from server.history.unreadable import OF_ONE_MODEL
from server.privacy import ageing, erasing, erasures, forgetting
from server.privacy.actors import Actors, ActorView, told
from server.privacy.ageing import Retention
from server.privacy.erasures import Asked, ErasureView
from server.privacy.scopes import ACTOR
from statemachine.errors import LegallyHeld
from store.ports import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aged:
    """What became of what is older than is kept."""

    erasures: int  #: that were begun
    left: Mapping[str, Exception]  #: models of which something is left, and why; empty where it is of all


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of erasures that were undone."""

    done: int  #: also those that a hold keeps: they wait until it is lifted
    left: Mapping[str, Mapping[str, Exception]]  #: intents that stay, by id; each with the models that stop it, and why


class Privacy:
    """Erases, forgets, and tells of both. Its methods wait for the writer, so they are not for an event loop."""

    def __init__(self, store: Store, desk: Desk, do: Doing, time_us: Callable[[], int]) -> None:
        self._store, self._desk, self._do, self._time_us = store, desk, do, time_us
        self.actors = Actors(desk.sealer.vault)
        self._unfinished: set[str] = set()  #: erasures, when somebody last asked for what was left

    def erase_subject(self, subject: str, note: str, request_id: str, caller: Caller = SERVICE) -> ErasureView:
        """Destroy the keys of everything about a subject. Return when that is done, on record, and never undone.

        Raises:
            LegallyHeld: One of the models must be kept; nothing is erased.
            RequestIdReused: The request id was used for another erasure.
        """
        asked = Asked(subject=subject, note=note, request_id=request_id, at_us=self._time_us())
        return self._carry_out(self._do(lambda unit: erasing.intend(self._desk, unit, asked)).result(), caller)

    def who(self, ids: list[str], names: list[str]) -> list[ActorView]:
        """Tell who stands behind ids of actors, then which ids have names.

        Raises:
            ThingMissing: The vault never gave such an id, or nobody is called so.
        """
        return told(self._desk.sealer.vault, ids, names)

    def forget_actor(self, actor: str, note: str, request_id: str, caller: Caller = SERVICE) -> ErasureView:
        """Destroy the name behind an id, which stays in the log. Return when nobody can be named by it any more.

        Raises:
            ThingMissing: The vault never gave such an id.
            LegallyHeld: A model must be kept in whose log the id stands.
            RequestIdReused: The request id was used for another erasure.
        """
        asked = Asked(subject=actor, note=note, request_id=request_id, at_us=self._time_us(), scope=ACTOR)
        self._store.read(lambda reader: forgetting.check(self._desk, reader, asked))
        found = self._carry_out(self._do(lambda unit: forgetting.intend(self._desk, unit, asked)).result(), caller)
        self.actors.clear()
        return found

    def erasure(self, erasure: str) -> ErasureView:
        """Tell of one erasure."""
        return self._store.read(lambda reader: erasures.view(reader, erasure))

    def erasures(self, after: str, limit: int) -> list[ErasureView]:
        """List erasures by id."""
        return self._store.read(lambda reader: erasures.views(reader, after, limit))

    def erase_old(self, keep: Retention, now_us: int) -> Aged:
        """Destroy the keys of what is older than is kept; a model that cannot be read is left, and the others go on."""
        desk = self._desk
        due = self._store.read(lambda reader: ageing.due(desk.sealer.vault, desk.readers, reader, keep, now_us))
        if due.erasures:  # else the writer is not asked
            due = self._do(lambda unit: ageing.intend_old(desk, unit, keep, now_us)).result()
        failed = {one.model: error for one in due.erasures if (error := self._tried(one.erasure))}
        return Aged(len(due.erasures), {**due.left, **failed})

    def finish(self) -> Finished:
        """Carry out what was asked for before a process ended; what an unreadable model stops stays intended."""
        return self._finish(self._intended())

    def destroy_again(self) -> int:
        """Destroy again what an old copy of the vault brought back; give how many keys that were."""
        return self._store.read(lambda reader: erasing.destroy_again(self._desk.sealer.vault, reader))

    def finish_left(self) -> Finished:
        """Carry out what was undone when this was last called, and is: by a server that was killed, or held meanwhile.

        It looks at no date: that of an erasure is by the clock of the server that was asked for it.
        """
        before, self._unfinished = self._unfinished, set(self._intended())
        return self._finish(sorted(before & self._unfinished))

    def _intended(self) -> list[str]:
        return [one.erasure for one in self._store.read(erasures.under_way)]

    def _finish(self, unfinished: list[str]) -> Finished:
        failed = {erasure: error for erasure in unfinished if (error := self._tried(erasure))}
        left = {erasure: self._stopped(erasure) or {erasure: error} for erasure, error in failed.items()}
        return Finished(len(unfinished) - len(left), left)

    def _stopped(self, erasure: str) -> dict[str, Exception]:
        """Give the models that stop an erasure since they cannot be read; none where something else does."""
        return self._store.read(lambda reader: erasing.unreadable(self._desk, reader, erasure))

    def _tried(self, erasure: str) -> Exception | None:
        """Carry an erasure out; give what one model stops it with, which keeps no other from its turn."""
        try:
            self._carry_out(erasure, SERVICE)
        except LegallyHeld:
            return None  # the hold came later; it waits until that is lifted
        except OF_ONE_MODEL as error:
            return error
        return None

    def _carry_out(self, erasure: str, caller: Caller) -> ErasureView:
        return self._do(lambda unit: erasing.carry_out(self._desk, unit, erasure, self._time_us(), caller)).result()
