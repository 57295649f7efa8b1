"""Who acts: an opaque id stands in the log, and the name behind it here, sealed under a key of its own.

The id is that key's, so it is random, and to destroy the key is to forget the name: nothing is left that could be
compared with a guess, as a keyed hash of the name could be by whoever has the vault.
"""

import secrets
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager

from sqlalchemy import Connection, insert, select

from statemachine.actors import ACTOR_PREFIX, is_actor
from store.vault.errors import SealBroken
from store.vault.keys import ACTORS_KIND, MATERIAL_BYTES, DataKey, Owner
from store.vault.sealing import seal, unseal
from store.vault.shelf import Shelf, hold_wrapping, wait_for_turn
from store.vault.tables import ACTORS, FACTS, MATERIALS
from store.vault.wrapping import Wrapping

Begun = Callable[[], AbstractContextManager[Connection]]

PAD_BYTES = 64  #: names are filled up to a multiple of it, so that what is left of one tells little of its length
_ID_BYTES = 12
_END = b"\x01"
_ROW = (ACTORS.c.number, ACTORS.c.key_id, ACTORS.c.sealed, MATERIALS.c.material)


def key_of(actor: str) -> str:
    """Return the id of the key that an actor's name is sealed under."""
    return actor.removeprefix(ACTOR_PREFIX)


class Actors:
    """The ids of one namespace's names, learned as they are needed. It is used by one thread at a time."""

    def __init__(self, namespace: str, wrapping: Wrapping, clock_us: Callable[[], int]) -> None:
        self._namespace, self._wrapping, self._clock_us = namespace, wrapping, clock_us
        self._ids: dict[str, str] = {}
        self._last = 0  #: number of the newest row that was learned

    def known(self, name: str) -> str | None:
        """Return the id of *name* if it was learned."""
        return self._ids.get(name)

    def found(self, begun: Begun, name: str) -> str | None:
        """Return the id of *name* if it has one."""
        with begun() as connection:
            self._learn(connection)
        return self.known(name)

    def taken(self, begun: Begun, name: str) -> str:
        """Return the id of *name*, made unless another process was first."""
        made = secrets.token_hex(_ID_BYTES)
        with begun() as connection:
            # One after another, so that no two processes make an id of one name, and numbers come in order.
            wait_for_turn(connection)
            self._learn(connection)
            if name not in self._ids:
                hold_wrapping(connection, self._wrapping)
                self._add(connection, name, made)
        return self._ids.setdefault(name, ACTOR_PREFIX + made)  # only what is committed is remembered

    def named(self, begun: Begun, actors: Collection[str]) -> dict[str, str | None]:
        """Return who stands behind ids, None where the name is gone."""
        query = (
            select(FACTS.c.key_id, FACTS.c.destroyed_us, ACTORS.c.sealed, MATERIALS.c.material)
            .select_from(FACTS.outerjoin(ACTORS, FACTS.c.key_id == ACTORS.c.key_id))
            .outerjoin(MATERIALS, FACTS.c.key_id == MATERIALS.c.key_id)
            # A key that this vault never held, and had to destroy, is of no kind.
            .where(FACTS.c.namespace == self._namespace, FACTS.c.kind.in_((ACTORS_KIND, "")))
            .where(FACTS.c.key_id.in_([key_of(one) for one in actors if is_actor(one)]))
        )
        with begun() as connection:
            rows = connection.execute(query).all()
        return {
            ACTOR_PREFIX + key_id: self._opened(key_id, sealed, kept) if gone is None else None
            for key_id, gone, sealed, kept in rows
        }

    def clear(self) -> None:
        """Forget what was learned."""
        self._ids, self._last = {}, 0

    def _learn(self, connection: Connection) -> None:
        """Read the names that live and were not read yet."""
        query = (
            select(*_ROW)
            .join(FACTS, FACTS.c.key_id == ACTORS.c.key_id)
            .join(MATERIALS, MATERIALS.c.key_id == ACTORS.c.key_id)
            .where(ACTORS.c.namespace == self._namespace, FACTS.c.destroyed_us.is_(None))
            .where(ACTORS.c.number > self._last)
            .order_by(ACTORS.c.number)
        )
        for number, key_id, sealed, kept in connection.execute(query):
            self._ids[self._opened(key_id, sealed, kept)] = ACTOR_PREFIX + key_id
            self._last = number

    def _add(self, connection: Connection, name: str, key_id: str) -> None:
        key = DataKey(key_id, secrets.token_bytes(MATERIAL_BYTES))
        line = Owner(ACTORS_KIND, "", name=key_id)
        wrapped = self._wrapping.wrapped(key.material, key_id)
        Shelf(connection, self._namespace).add([(line, key_id, wrapped)], self._clock_us())
        sealed = seal(key, _filled(name), key_id.encode())
        connection.execute(insert(ACTORS).values(namespace=self._namespace, key_id=key_id, sealed=sealed))

    def _opened(self, key_id: str, sealed: bytes | None, kept: bytes | None) -> str:
        if sealed is None or kept is None:
            raise SealBroken(key_id)
        key = DataKey(key_id, self._wrapping.unwrapped(kept, key_id))
        return unseal(key, sealed, key_id.encode()).rstrip(b"\0").removesuffix(_END).decode()


def _filled(name: str) -> bytes:
    data = name.encode() + _END
    return data + bytes(-len(data) % PAD_BYTES)
