"""The vault in a database of its own."""

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from store.sql.faults import translated
from store.vault.actors import Actors
from store.vault.errors import KeyUnknown, SealBroken, VaultAway
from store.vault.keys import MATERIAL_BYTES, DataKey, KeyFacts, Owner
from store.vault.shelf import Shelf, hold_wrapping
from store.vault.tables import FACTS
from store.vault.truncating import truncate
from store.vault.wrapping import Wrapping

K = TypeVar("K")
V = TypeVar("V")

#: Keys that a process remembers, at most.
MOST_REMEMBERED = 1 << 17
_ID_BYTES = 12


class SqlVault:
    """Keys in rows, the last used of them remembered. Every statement is done by one thread at a time."""

    # What a vault is made of: its rows, whose they are, what time it is, and what its keys are wrapped and hashed with.
    def __init__(
        self,
        engine: Engine,
        namespace: str,
        clock_us: Callable[[], int],
        wrapping: Wrapping,
        pepper: bytes,
        release: Callable[[], None],
    ) -> None:
        self._engine, self._namespace, self._clock_us = engine, namespace, clock_us
        self._wrapping, self._pepper, self._release = wrapping, pepper, release
        self._lock = threading.RLock()
        self._living: _Remembered[Owner, DataKey] = _Remembered()
        self._opened: _Remembered[str, DataKey | None] = _Remembered()
        self._actors = Actors(namespace, wrapping, clock_us)
        self._seen_changes = 0
        self._generation = 0

    def keys(self, owners: Sequence[Owner]) -> list[DataKey]:
        """Return the living key of each owner, made and durable."""
        lines = [self._line(owner) for owner in owners]
        with self._lock:
            self._notice()
            found = {line: key for line in lines if (key := self._living.get(line)) is not None}
            missing = list(dict.fromkeys(line for line in lines if line not in found))
            if missing:
                found |= self._taken(missing)
            return [found[line] for line in lines]

    def opened(self, key_ids: Collection[str]) -> dict[str, DataKey]:
        """Return the keys that are alive, by id."""
        with self._lock:
            self._notice()
            known = {key_id: self._opened.get(key_id) for key_id in key_ids if key_id in self._opened}
            missing = [key_id for key_id in dict.fromkeys(key_ids) if key_id not in known]
            if missing:
                known |= self._fetched(missing)  # which may push out of memory what is known here
            return {key_id: key for key_id, key in known.items() if key is not None}

    def find(
        self, kind: str, *, model: str | None = None, pseudonym: str | None = None, before_period: int | None = None
    ) -> list[KeyFacts]:
        """Return what is known of keys, by id."""
        filters = [FACTS.c.kind == kind]
        filters += [] if model is None else [FACTS.c.model == model]
        filters += [] if pseudonym is None else [FACTS.c.subject == pseudonym]
        filters += [] if before_period is None else [FACTS.c.period < before_period]
        with self._lock, self._shelf() as shelf:
            return shelf.find(*filters)

    def destroy(self, key_ids: Collection[str]) -> None:
        """Destroy keys for good."""
        with self._lock:
            with self._shelf() as shelf:
                shelf.destroy(sorted(set(key_ids)), self._clock_us())
            self._forget()  # before all that can still fail: nothing may be sealed, or opened, under them
            # Also when all were dead before: a process that died between commit and truncation left them in the file.
            truncate(self._engine)

    def actor(self, name: str) -> str:
        """Return the opaque id of *name*, made and durable."""
        with self._lock:
            self._notice()
            return self._actors.known(name) or self._actors.taken(self._begun, name)

    def find_actor(self, name: str) -> str | None:
        """Return the opaque id of *name*, if it has one."""
        with self._lock:
            self._notice()
            return self._actors.found(self._begun, name)

    def names(self, actors: Collection[str]) -> dict[str, str | None]:
        """Return who stands behind ids."""
        with self._lock:
            self._notice()
            return self._actors.named(self._begun, actors)

    def pseudonym(self, purpose: str, text: str) -> str:
        """Return a keyed hash of *text*."""
        return hmac.digest(self._pepper, f"{purpose}\x1f{self._namespace}\x1f{text}".encode(), "sha256").hex()

    def changes(self) -> int:
        """Count the destructions so far."""
        with self._lock, self._shelf() as shelf:
            return shelf.changes().number

    def generation(self) -> int:
        """Return a number that changes with each destruction."""
        with self._lock:
            self._notice()
            return self._generation

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._forget()
            self._engine.dispose()
            self._release()

    def _line(self, owner: Owner) -> Owner:
        return owner._replace(subject=self.pseudonym("subject", owner.subject)) if owner.subject else owner

    def _taken(self, lines: Sequence[Owner]) -> dict[Owner, DataKey]:
        """Read the living keys of *lines*, and make those that are missing."""
        with self._begun() as connection:
            shelf = Shelf(connection, self._namespace)
            rows = shelf.living(lines)
            new = [line for line in lines if line not in rows]
            if new:
                hold_wrapping(connection, self._wrapping)
                shelf.add([self._fresh(line) for line in new], self._clock_us())
                rows |= shelf.living(new)  # another process may have been first
        found = {line: self._key(*row) for line, row in rows.items()}
        for line, key in found.items():
            self._living.put(line, key)
        return found

    def _fresh(self, line: Owner) -> tuple[Owner, str, bytes]:
        key_id = secrets.token_hex(_ID_BYTES)
        return line, key_id, self._wrapping.wrapped(secrets.token_bytes(MATERIAL_BYTES), key_id)

    def _fetched(self, key_ids: Sequence[str]) -> dict[str, DataKey | None]:
        with self._shelf() as shelf:
            rows = shelf.materials(key_ids)
        strangers = [key_id for key_id in key_ids if key_id not in rows]
        if strangers:
            raise KeyUnknown(strangers[0])
        found = {key_id: None if kept is None else self._key(key_id, kept) for key_id, kept in rows.items()}
        for key_id, key in found.items():
            self._opened.put(key_id, key)
        return found

    def _key(self, key_id: str, kept: bytes) -> DataKey:
        try:
            return DataKey(key_id, self._wrapping.unwrapped(kept, key_id))
        except SealBroken:
            self._notice()  # it may have been wrapped anew since this call began
            raise

    def _notice(self) -> None:
        """Forget what is remembered once another process has destroyed keys; a file of SQLite has one process.

        Raises:
            VaultForeign: It has wrapped them anew, by another master key.
        """
        if self._engine.dialect.name == "sqlite":
            return
        with self._shelf() as shelf:
            changes, proof = shelf.changes()
        if changes != self._seen_changes:
            self._wrapping.check(proof)
            self._forget()
            self._seen_changes = changes

    def _forget(self) -> None:
        self._generation += 1
        self._living.clear()
        self._opened.clear()
        self._actors.clear()

    @contextmanager
    def _shelf(self) -> Iterator[Shelf]:
        with self._begun() as connection:
            yield Shelf(connection, self._namespace)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        with _translated(), self._engine.begin() as connection:
            yield connection


class _Remembered(Generic[K, V]):
    """The values that were used last, at most so many."""

    def __init__(self) -> None:
        self._values: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._values

    def get(self, key: K) -> V | None:
        """Return the value under *key*, which was used just now."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key: K, value: V) -> None:
        """Remember *value*, and forget the one that was used least."""
        self._values[key] = value
        if len(self._values) > MOST_REMEMBERED:
            self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise VaultAway(str(translated(error))) from error
