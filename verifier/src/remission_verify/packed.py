"""Envelopes of format 1, of the first release: one field after the other, each `length:value`, or `-` for none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remission_verify.errors import EnvelopeInvalid

#: The fields before the last, which counts the names that follow it.
FIELDS = (
    "namespace",
    "stream",
    "version",
    "position",
    "recorded_us",
    "commitment",
    "previous_hash",
    "event_id",
    "type",
    "schema",
    "occurred_us",
    "actor",
    "authentication",
    "causation_id",
    "correlation_id",
    "request_id",
    "policy_version",
    "machine_version",
    "volatile",
    "volatile_fields",
)
OPTIONAL = {"causation_id", "correlation_id", "request_id"}
NUMBERS = {"version", "position", "recorded_us", "schema", "occurred_us", "policy_version", "volatile_fields"}
_LENGTH = re.compile(rb"(0|[1-9][0-9]{0,4}):")
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,15}")


def unpack(leaf: bytes) -> dict[str, str | None]:
    """Give the fields of an envelope by name, numbers as they are written.

    Raises:
        EnvelopeInvalid: A field is missing, torn, or not what stands in its place.
    """
    values = list(_values(leaf))
    if len(values) < len(FIELDS):
        raise EnvelopeInvalid(f"field {FIELDS[len(values)]}: is missing")
    found = dict(zip(FIELDS, values, strict=False))
    for name, value in found.items():
        _check(name, value)
    names = values[len(FIELDS) :]
    if str(len(names)) != found["volatile_fields"] or None in names:
        raise EnvelopeInvalid(f"field volatile_fields: {found['volatile_fields']} names belong here, {len(names)} do")
    return found


def _values(leaf: bytes) -> Iterator[str | None]:
    at = 0
    while at < len(leaf):
        if leaf[at : at + 1] == b"-":
            yield None
            at += 1
            continue
        length = _LENGTH.match(leaf, at)
        end = length.end() + int(length[1]) if length else 0
        if length is None or end > len(leaf):
            raise EnvelopeInvalid(f"byte {at}: no `length:value` that ends within the entry stands here")
        yield _text(leaf[length.end() : end], at)
        at = end


def _text(value: bytes, at: int) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise EnvelopeInvalid(f"byte {at}: the value is not UTF-8") from error


def _check(name: str, value: str | None) -> None:
    if value is None:
        if name not in OPTIONAL:
            raise EnvelopeInvalid(f"field {name}: is empty")
    elif name in NUMBERS and not _NUMBER.fullmatch(value):
        raise EnvelopeInvalid(f"field {name}: {value[:100]!r} is no number")
    elif name == "volatile" and value not in ("0", "1"):
        raise EnvelopeInvalid(f"field volatile: {value[:100]!r} is neither 0 nor 1")
