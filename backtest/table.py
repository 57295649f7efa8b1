"""Reads a file as a table, by what it holds and not by what it is called: CSV, gzipped CSV, or Parquet."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from backtest.errors import StreamInvalid

PARQUET, GZIP = b"PAR1", b"\x1f\x8b"
INDEX = "__index_level_"  #: how pandas names an index that nobody named, in a Parquet file
#: What people hand over that is no table of ours, by how it begins.
OTHERS = {b"PK": "is a ZIP archive or a workbook", b"BZh": "is compressed by bzip2", b"\xfd7zX": "is compressed by xz"}
ACCEPTED = "a CSV file (plain or gzipped) or a Parquet file is accepted"
SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}
SHOWN = 20  #: columns that a message lists
MOST_NAME = 40  #: characters of each that it shows
WRONG = (ValueError, OSError, EOFError, zlib.error, pa.ArrowException)


def read_table(path: Path) -> pd.DataFrame:
    """Read *path*; its columns are named once each, and its rows are numbered from 0.

    Raises:
        StreamInvalid: It cannot be read, or holds no table.
    """
    head = _head(path)
    for begins, told in OTHERS.items():
        if head.startswith(begins):
            raise StreamInvalid(f"{path.name}: {told}; {ACCEPTED}")
    try:
        frame = _parquet(path) if head.startswith(PARQUET) else _csv(path, head)
    except StreamInvalid:
        raise
    except WRONG as error:
        raise StreamInvalid(f"{path.name}: cannot be read as a table: {_line(error)}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise StreamInvalid(f"{path.name}: rows hold more values than the first line has names; one name a value is")
    return frame


def listed(names: Iterable[Any]) -> str:
    """List names for a message: printable, and not too many."""
    told = [_shown(str(name)) for name in names]
    more = f", and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return ", ".join(told[:SHOWN]) + more


def _shown(name: str) -> str:
    short = name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}…"
    return short if short.isprintable() else repr(short)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise StreamInvalid(f"{path}: is a folder; {ACCEPTED}")
    try:
        with path.open("rb") as file:
            return file.read(len(PARQUET))
    except FileNotFoundError as error:
        raise StreamInvalid(f"{path}: no such file") from error
    except OSError as error:
        raise StreamInvalid(f"{path}: cannot be read: {error.strerror}") from error


def _parquet(path: Path) -> pd.DataFrame:
    table = pq.read_table(path)
    names = [name for name in table.column_names if not name.startswith(INDEX)]
    _refuse_twins(path, names)
    exact = {name for name in names if pa.types.is_decimal(table.schema.field(name).type)}
    fields = [pa.field(name, pa.float64() if name in exact else table.schema.field(name).type) for name in names]
    frame: pd.DataFrame = table.select(names).cast(pa.schema(fields)).to_pandas(ignore_metadata=True)
    return frame


def _csv(path: Path, head: bytes) -> pd.DataFrame:
    packed: Literal["gzip"] | None = "gzip" if head.startswith(GZIP) else None
    unpack = gzip.open if packed else open
    try:
        with unpack(path, "rt", encoding="utf-8-sig", newline="") as file:
            names = next((line for line in csv.reader(file) if line), [])
        _refuse_twins(path, names)
        _refuse_other_separators(path, names)
        # In one piece, so that a column has one type from its first row to its last.
        return pd.read_csv(path, compression=packed, low_memory=False)
    except UnicodeDecodeError as error:
        with unpack(path, "rb") as raw:
            byte = _first_strange_byte(raw)
        raise StreamInvalid(f"{path.name}: is no text in UTF-8 (byte {byte}), and no Parquet") from error


def _first_strange_byte(lines: Iterable[bytes]) -> int:
    # What reads tables decodes them piece by piece, and tells a place within the piece alone.
    before = 0
    for line in lines:
        try:
            line.decode()
        except UnicodeDecodeError as error:
            return before + error.start
        before += len(line)
    return before


def _refuse_twins(path: Path, names: list[str]) -> None:
    if not names:
        raise StreamInvalid(f"{path.name}: holds nothing; a first line of names, and rows, are needed")
    twins = sorted({name for name in names if name and names.count(name) > 1})
    if twins:
        raise StreamInvalid(f"{path.name}: the column {twins[0]!r} stands twice; each name once is accepted")


def _refuse_other_separators(path: Path, names: list[str]) -> None:
    if len(names) > 1 or not names[0].replace("\t", "").isprintable():
        return
    for mark, told in SEPARATORS.items():
        if mark in names[0]:
            raise StreamInvalid(f"{path.name}: names are separated by {told}; a CSV with commas is accepted")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
