"""The rows of a vault, read and written by one connection at a time."""

from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, insert, select, tuple_, update

from store.vault.keys import KeyFacts, Owner
from store.vault.tables import FACTS, MATERIALS, SEAL
from store.vault.wrapping import Wrapping

#: Values in one statement, at most: SQLite takes 32,766 parameters.
CHUNK = 2_000

_LINE = tuple(FACTS.c[name] for name in ("kind", "model", "subject", "period", "name"))
_FACTS = (
    FACTS.c.key_id,
    FACTS.c.kind,
    FACTS.c.model,
    FACTS.c.period,
    FACTS.c.name,
    FACTS.c.created_us,
    FACTS.c.destroyed_us,
)


class Changes(NamedTuple):
    """How often keys were destroyed or wrapped anew, and what tells the master key that wraps them."""

    number: int
    proof: bytes


class Shelf:
    """Statements of one namespace, inside one transaction. Subjects are keyed hashes in here."""

    def __init__(self, connection: Connection, namespace: str) -> None:
        self._connection, self._namespace = connection, namespace

    def changes(self) -> Changes:
        """Count the destructions so far, and say by what the keys are wrapped."""
        return Changes(*self._connection.execute(select(SEAL.c.changes, SEAL.c.proof)).one())

    def living(self, lines: Sequence[Owner]) -> dict[Owner, tuple[str, bytes]]:
        """Return id and wrapped material of the living key of each of *lines* that has one."""
        found: dict[Owner, tuple[str, bytes]] = {}
        for some in _chunks(lines):
            query = select(*_LINE, FACTS.c.key_id, MATERIALS.c.material).join_from(
                FACTS, MATERIALS, FACTS.c.key_id == MATERIALS.c.key_id
            )
            among = tuple_(*_LINE).in_([tuple(line) for line in some])
            rows = self._connection.execute(query.where(self._ours(), FACTS.c.destroyed_us.is_(None), among))
            found |= {Owner(*row[:5]): (row[5], row[6]) for row in rows}
        return found

    def add(self, keys: Sequence[tuple[Owner, str, bytes]], now_us: int) -> None:
        """Keep new keys: owner, id and wrapped material. An owner that has a living key by now keeps that one."""
        # Each database has an insert of its own; who needs one does not import both.
        dialect: Any = import_module(f"sqlalchemy.dialects.{self._connection.dialect.name}")
        facts = [
            {**line._asdict(), "namespace": self._namespace, "key_id": key_id, "created_us": now_us}
            for line, key_id, _ in keys
        ]
        self._connection.execute(dialect.insert(FACTS).on_conflict_do_nothing(), facts)
        kept = self._held([key_id for _, key_id, _ in keys])
        new = [{"key_id": key_id, "material": material} for _, key_id, material in keys if key_id in kept]
        if new:
            self._connection.execute(insert(MATERIALS), new)

    def materials(self, key_ids: Sequence[str]) -> dict[str, bytes | None]:
        """Return the wrapped material of each key that was ever held; None where it was destroyed."""
        found: dict[str, bytes | None] = {}
        for some in _chunks(key_ids):
            query = select(FACTS.c.key_id, FACTS.c.destroyed_us, MATERIALS.c.material).select_from(
                FACTS.outerjoin(MATERIALS, FACTS.c.key_id == MATERIALS.c.key_id)
            )
            rows = self._connection.execute(query.where(self._ours(), FACTS.c.key_id.in_(some)))
            found |= {key_id: material if gone is None else None for key_id, gone, material in rows}
        return found

    def find(self, *filters: ColumnElement[bool]) -> list[KeyFacts]:
        """Return what is known of the keys that pass every one of *filters*."""
        query = self._facts().where(*filters).order_by(FACTS.c.key_id)
        return [KeyFacts(*row) for row in self._connection.execute(query)]

    def destroy(self, key_ids: Sequence[str], now_us: int) -> None:
        """Write over keys and note that they are gone; count it, if any was alive."""
        wait_for_turn(self._connection)  # first of all, as who makes keys does: two would else wait for each other
        any_gone = False
        for some in _chunks(key_ids):
            self._note_strangers(some, now_us)
            alive = self._facts().where(FACTS.c.key_id.in_(some), FACTS.c.destroyed_us.is_(None))
            gone = [row.key_id for row in self._connection.execute(alive)]
            self._write_over(gone)
            dead = update(FACTS).where(FACTS.c.key_id.in_(gone)).values(destroyed_us=now_us)
            self._connection.execute(dead)
            any_gone = any_gone or bool(gone)
        if any_gone:
            self._connection.execute(update(SEAL).values(changes=SEAL.c.changes + 1))

    def _write_over(self, key_ids: Sequence[str]) -> None:
        size = self._connection.execute(
            select(MATERIALS.c.material).where(MATERIALS.c.key_id.in_(key_ids)).limit(1)
        ).scalar()
        if size is not None:
            # As long as what stood there, so that the row stays in its place and nothing of it is left.
            zeros = bytes(len(size))
            self._connection.execute(update(MATERIALS).where(MATERIALS.c.key_id.in_(key_ids)).values(material=zeros))

    def _note_strangers(self, key_ids: Sequence[str], now_us: int) -> None:
        """Note ids that this vault never held, as after its restore from an old copy, so that they stay destroyed."""
        strangers = sorted(set(key_ids) - self._held(key_ids))
        if strangers:
            empty = Owner("", "")._asdict()
            rows = [
                {**empty, "namespace": self._namespace, "key_id": one, "created_us": now_us, "destroyed_us": now_us}
                for one in strangers
            ]
            self._connection.execute(insert(FACTS), rows)

    def _held(self, key_ids: Sequence[str]) -> set[str]:
        return {
            row.key_id
            for some in _chunks(key_ids)
            for row in self._connection.execute(self._facts().where(FACTS.c.key_id.in_(some)))
        }

    def _facts(self) -> Select[Any]:
        return select(*_FACTS).where(self._ours())

    def _ours(self) -> ColumnElement[bool]:
        return FACTS.c.namespace == self._namespace


def seal_row(connection: Connection) -> Row[Any] | None:
    """Return the vault's one row; None in a new vault."""
    return connection.execute(select(SEAL)).one_or_none()


def wait_for_turn(connection: Connection) -> None:
    """Let nobody else in who waits for a turn, until the transaction ends. On a file every transaction is one."""
    connection.execute(select(SEAL.c.number).with_for_update())


def hold_wrapping(connection: Connection, wrapping: Wrapping) -> None:
    """Let nobody wrap the keys anew until the transaction ends.

    Raises:
        VaultForeign: Somebody has, by another master key.
    """
    wrapping.check(connection.execute(select(SEAL.c.proof).with_for_update(read=True)).scalar_one())


def _chunks(values: Collection[Any]) -> Iterator[list[Any]]:
    whole = list(values)
    for at in range(0, len(whole), CHUNK):
        yield whole[at : at + CHUNK]
