"""Statements compiled for one database: as a whole, or by the table and the key that they are about."""

from collections.abc import Iterable
from dataclasses import replace
from importlib import import_module
from typing import Any

from sqlalchemy import JSON, BindParameter, Select, Table, Text, bindparam, cast, delete, func, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from store.sql.clauses import asked, ours, parameters, rows
from store.sql.statement import Copy, Statement


class Compiler:
    """Makes statements for one database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    @property
    def for_postgresql(self) -> bool:
        """Whether it is for PostgreSQL, which several servers may share."""
        return self._dialect.name == "postgresql"

    def listed(self, name: str) -> Select[tuple[str]]:
        """Give the texts of the parameter *name*, a JSON list."""
        listed: BindParameter[str] = bindparam(name, type_=Text())
        each = func.json_array_elements_text(cast(listed, JSON)) if self.for_postgresql else func.json_each(listed)
        return select(each.table_valued("value").c.value)

    def compiled(self, statement: ClauseElement, table: Table) -> Statement:
        """Give *statement*, which reads or writes *table* alone."""
        compiled = statement.compile(dialect=self._dialect)
        constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
        return Statement(str(compiled), table.name, constants)

    def to_take(self, query: Select[Any], table: Table) -> tuple[Statement, Statement]:
        """Give *query* for those who look, and for those who take: what another transaction has taken, they pass by."""
        return self.compiled(query, table), self.compiled(query.with_for_update(skip_locked=True), table)

    def one(self, table: Table, *key: str, columns: Iterable[str] = ()) -> Statement:
        """Give the query of the row under *key*."""
        return self.compiled(rows(table, *columns).where(*(asked(table, name) for name in key)), table)

    def forget(self, table: Table, *key: str) -> Statement:
        """Give the statement that removes the row under *key*."""
        return self.compiled(delete(table).where(ours(table), *(asked(table, name) for name in key)), table)

    def let_go(self, function: str, table: Table, *key: str) -> Statement:
        """Give the statement that removes an old row under *key*; on PostgreSQL, the owner's *function* that does."""
        if not self.for_postgresql:
            return self.forget(table, *key)
        typed = (bindparam(name, type_=table.c[name].type) for name in ("namespace", *key))
        return self.compiled(select(getattr(func, function)(*typed)), table)

    def insert(self, table: Table) -> Statement:
        """Give the statement that writes a new row, and its faster forms for many."""
        one = self.compiled(insert(table).values(parameters(table)), table)
        columns = tuple(column.name for column in table.columns)
        if not self.for_postgresql:
            text_in_order = insert(table).values(parameters(table)).compile(dialect=sqlite.dialect(paramstyle="qmark"))
            return replace(one, ordered=str(text_in_order), columns=columns)
        quote = self._dialect.identifier_preparer.quote
        return replace(one, copy=Copy.into(table, quote), columns=columns)

    def upsert(self, table: Table) -> Statement:
        """Give the statement that writes a row in the place of the one under its key, if there is one."""
        # The two inserts are one in everything used here, but share no type; who needs one does not import both.
        new: Any = import_module(f"sqlalchemy.dialects.{self._dialect.name}").insert(table).values(parameters(table))
        key = [column.name for column in table.primary_key.columns]
        changed = {column.name: new.excluded[column.name] for column in table.columns if column.name not in key}
        return self.compiled(new.on_conflict_do_update(index_elements=key, set_=changed), table)
