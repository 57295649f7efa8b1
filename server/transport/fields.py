"""Reads fields of messages: raw little-endian columns, ids and enums, each refused by name when it is wrong."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from remission.v1 import columns_pb2

from server.errors import Invalid, TooLarge
from server.requests import Categories, Column

PRINTABLE = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,63}")
MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
ERASURE = re.compile(r"[0-9a-f]{32}")
SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_ROWS = 100_000
MOST_BATCH_BYTES = 16 << 20
MOST_TEXT = 2_000  #: characters of what people write
MOST_SUBJECT = 128  #: characters of an opaque id of a person
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
MOST_WORD = 256  #: characters of a name or of a category
DEFAULT_PAGE, MOST_PAGE = 100, 1_000


def array(data: bytes, kind: str, count: int, field: str) -> npt.NDArray[Any]:
    """Read *count* values of numpy *kind* from raw bytes."""
    size = np.dtype(kind).itemsize
    if len(data) != size * count:
        raise Invalid(
            field, f"{len(data)} bytes are not {count} values of {size} bytes each; {size * count} are accepted"
        )
    return np.frombuffer(data, dtype=kind)


def columns(messages: Sequence[columns_pb2.Column], count: int, field: str) -> dict[str, Column]:
    """Read named columns of *count* values."""
    found: dict[str, Column] = {}
    for i, message in enumerate(messages):
        where = f"{field}[{message.name or i}]"
        if message.name in found:
            raise Invalid(where, "stands twice; each feature once is accepted")
        if message.HasField("numeric"):
            found[message.name] = array(message.numeric.values, "<f8", count, where)
        elif message.HasField("categorical"):
            codes = array(message.categorical.codes, "<i4", count, where)
            found[message.name] = Categories(dictionary=words(message.categorical.dictionary, where), codes=codes)
        else:
            raise Invalid(where, "holds no values; numeric or categorical is accepted")
    return found


def identifier(value: str, field: str) -> str:
    """Check an id that a caller made up."""
    if not PRINTABLE.fullmatch(value):
        raise Invalid(field, f"{value!r} is not accepted; 1 to 64 printable ASCII characters are")
    return value


def identifiers(values: Sequence[str], field: str) -> list[str]:
    """Check a list of ids."""
    found = list(values)
    for i, value in enumerate(found):
        if not PRINTABLE.fullmatch(value):
            raise Invalid(f"{field}[{i}]", f"{value!r} is not accepted; 1 to 64 printable ASCII characters are")
    return found


def model_name(value: str, field: str = "model") -> str:
    """Check the name of a model."""
    if not MODEL_NAME.fullmatch(value):
        raise Invalid(field, f"{value!r} is not accepted; [a-z0-9][a-z0-9_-]{{0,62}} is")
    return value


def sha256(value: str, field: str = "sha256") -> str:
    """Check a hash."""
    if not SHA256.fullmatch(value):
        raise Invalid(field, "is not accepted; 64 lower-case hexadecimal digits are")
    return value


def rows_within(count: int, field: str, most: int = MOST_ROWS) -> int:
    """Check the number of rows of a batch."""
    if count < 1:
        raise Invalid(field, f"{count} is not accepted; 1 to {most} rows are")
    if count > most:
        raise TooLarge(field, count, most)
    return count


def word(enum: Any, number: int, field: str, accepted: Sequence[str]) -> str:  # noqa: ANN401 - a protobuf enum
    """Give the short lower-case word of an enum's value; the unspecified one is refused."""
    name = enum.Name(number) if number in enum.values() else ""
    prefix = _prefix(enum)
    short = name.removeprefix(prefix).lower()
    if short not in accepted:
        raise Invalid(
            field, f"{name or number} is not accepted; one of {', '.join(prefix + one.upper() for one in accepted)} is"
        )
    return short


def number(enum: Any, short: str) -> Any:  # noqa: ANN401 - a protobuf enum's value
    """Give the enum's value for a short word; 0 where there is none."""
    return _numbers(enum).get(short.upper(), 0)


@cache
def _numbers(enum: Any) -> dict[str, int]:  # noqa: ANN401 - a protobuf enum
    """Give its values by their short words."""
    prefix = _prefix(enum)
    return {name.removeprefix(prefix): value for name, value in enum.items()}


def _prefix(enum: Any) -> str:  # noqa: ANN401 - a protobuf enum
    first: str = enum.keys()[0]
    return first.removesuffix("UNSPECIFIED")


def words(values: Sequence[str], field: str) -> list[str]:
    """Check the words of a category list: each once, none too long."""
    seen: set[str] = set()
    for one in values:
        if text(one, field, MOST_WORD) in seen:
            raise Invalid(field, f"{one!r} stands twice among the words; each once is accepted")
        seen.add(one)
    return list(values)


def text(value: str, field: str, most: int = MOST_TEXT) -> str:
    """Check the length of what people write."""
    if len(value) > most:
        raise Invalid(field, f"{len(value)} characters; at most {most} are accepted")
    return value


def owner(value: str, field: str) -> str:
    """Check who answers for a model."""
    if not value.strip():
        raise Invalid(field, f"is empty; 1 to {MOST_WORD} characters are accepted")
    return _plain(text(value, field, MOST_WORD), field)


def subject(value: str, field: str) -> str:
    """Check the opaque id of whom a row is about; an empty one is about nobody."""
    return _plain(text(value, field, MOST_SUBJECT), field)


def _plain(value: str, field: str) -> str:
    if CONTROL.search(value):
        raise Invalid(field, "holds a control character; others are accepted")
    return value


def between(value: int, low: int, high: int, field: str) -> int:
    """Check that a number lies within its bounds, both accepted."""
    if not low <= value <= high:
        raise Invalid(field, f"{value} is not accepted; {low} to {high} is")
    return value


def page(size: int) -> int:
    """Give the size of a page: what is asked for, within bounds; 0 leaves it to the server."""
    if size < 0:
        raise Invalid("page_size", f"{size} is negative; 0 (the server's choice) or more is accepted")
    return min(size or DEFAULT_PAGE, MOST_PAGE)


def page_token(after: str, *asked: object) -> str:
    """Write a token that continues behind *after*, for those who ask the same again."""
    return base64.urlsafe_b64encode(f"{asked!r}\n{after}".encode()).decode()


def continued(token: str, *asked: object) -> str:
    """Read back where a token continues; empty where there is none.

    Raises:
        Invalid: It is none of ours, or was given for another question.
    """
    if not token:
        return ""
    try:
        question, _, after = base64.b64decode(token, altchars=b"-_", validate=True).decode().rpartition("\n")
    except (binascii.Error, ValueError) as error:
        raise Invalid("page_token", "is not one that this server gave") from error
    if question != f"{asked!r}":
        raise Invalid("page_token", "was given for another question; the other fields must be as they were")
    return after
