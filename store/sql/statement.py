"""A statement: compiled once, and kept as text; what is written to it, and how many rows at once are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import BigInteger, Boolean, Integer, LargeBinary, Table, Text

#: What PostgreSQL calls the types of our columns.
_TYPES = {Text: "text", BigInteger: "int8", Integer: "int4", Boolean: "bool", LargeBinary: "bytea"}
_BITS = {"int8": 64, "int4": 32}

#: What is written: values by column, or in the order of the statement's columns.
Values = Mapping[str, Any] | tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """How PostgreSQL takes a stream of rows: as text, and in its own binary form, whose columns have *types*."""

    text: str
    binary: str
    types: tuple[str, ...]
    #: Which columns hold whole numbers, and how many bits.
    bits: tuple[tuple[int, int], ...]

    # Measured on batches of 256: a third of what an insert from one array for each column costs, since psycopg writes
    # rows in C and arrays in Python.
    @classmethod
    def into(cls, table: Table, quote: Callable[[str], str]) -> Self:
        """Say how rows are streamed into *table*, each with values in the order of its columns."""
        columns = ", ".join(quote(column.name) for column in table.columns)
        text = f"COPY {quote(table.name)} ({columns}) FROM STDIN"
        types = tuple(_TYPES[type(column.type)] for column in table.columns)
        bits = tuple((place, _BITS[name]) for place, name in enumerate(types) if name in _BITS)
        return cls(text, f"{text} (FORMAT BINARY)", types, bits)


@dataclass(frozen=True, slots=True)
class Statement:
    """A compiled statement: its text, the one table that it reads or writes, and the values that it brings along."""

    text: str
    table: str
    constants: Mapping[str, object]
    #: The same for values in the order of *columns*; empty where *copy* is faster.
    ordered: str = ""
    #: The same for a stream of many rows.
    copy: Copy | None = None
    columns: tuple[str, ...] = ()
