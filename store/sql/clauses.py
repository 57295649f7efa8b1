"""What statements are made of: columns of our tables, rows of our namespace, and keys that are asked for by name."""

from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, Insert, Select, Table, bindparam, exists, insert, select

from store.sql.tables import ENVELOPE, EVENTS

#: What a query asks for: a stretch of rows, from *after* on.
AFTER: BindParameter[int] = bindparam("after")
LIMIT: BindParameter[int] = bindparam("limit")


def rows(table: Table, *columns: str) -> Select[Any]:
    """Select rows of our namespace, by default whole."""
    picked = [table.c[name] for name in columns] or _of(table)
    return select(*picked).where(ours(table))


def events(*kept: ColumnElement[Any]) -> Select[Any]:
    """Select events: where each stands, what it tells as it is *kept*, and the rest of its envelope."""
    about = (EVENTS.c[name] for name in ENVELOPE if name not in ("namespace", "position"))
    return select(EVENTS.c.position, *kept, *about).where(ours(EVENTS))


def ours(table: Table) -> ColumnElement[bool]:
    """Ask for the rows of our namespace."""
    return asked(table, "namespace")


def asked(table: Table, name: str) -> ColumnElement[bool]:
    """Ask for the rows whose column *name* is the parameter of that name."""
    return table.c[name] == bindparam(name)


def parameters(table: Table) -> dict[str, Any]:
    """Give the values of a row, each a parameter by the name of its column."""
    return {column.name: bindparam(column.name, type_=column.type) for column in table.columns}


def insert_if_new(table: Table) -> Insert:
    """Write a row unless its key is taken. No ON CONFLICT: SQLite's guard on inserts fires before it."""
    key = [asked(table, column.name) for column in table.primary_key.columns]
    values = parameters(table)
    return insert(table).from_select(list(values), select(*values.values()).where(~exists(select(1).where(*key))))


def _of(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name != "namespace"]
