"""Declarations of signals in a TOML file, as messages."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from remission.v1 import ingest_pb2, signals_pb2

_NUMBERS = [
    name
    for field in signals_pb2.ExternalSignal.DESCRIPTOR.fields
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE
    for name in dict.fromkeys((field.name, field.json_name))
]


class DeclarationsInvalid(ValueError):
    """The file of declarations cannot be read."""


def read(file: Path) -> list[signals_pb2.ExternalSignal]:
    """Read the signals of *file*; their bounds are the server's to check.

    Raises:
        DeclarationsInvalid: It is no such file; the message says where.
    """
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DeclarationsInvalid(f"{file}: cannot be read as TOML: {error}") from error
    if not told:
        raise DeclarationsInvalid(f"{file}: declares nothing; tables [[signal]] are accepted, or signal = [] for none")
    found = told.pop("signal", [])
    if told or not isinstance(found, list):
        strange = ", ".join(told) or "signal"
        raise DeclarationsInvalid(f"{file}: {strange}: is not accepted; tables [[signal]] are, and nothing else")
    return [_signal(one, f"{file}: signal[{i}]") for i, one in enumerate(found)]


def _signal(told: Any, where: str) -> signals_pb2.ExternalSignal:  # noqa: ANN401 - whatever stands in the file
    worded = {**told} if isinstance(told, dict) else told
    try:
        for name, enum in (("direction", ingest_pb2.Direction), ("other_providers", signals_pb2.OtherProviders)):
            if name in worded:
                worded[name] = _named(enum.keys(), worded[name], f"{where}.{name}")
        for name in _NUMBERS:
            if name in worded and not _is_finite(worded[name]):
                raise DeclarationsInvalid(f"{where}.{name}: {worded[name]!r} is not accepted; a finite number is")
        return ParseDict(worded, signals_pb2.ExternalSignal())
    except (ParseError, TypeError) as error:
        raise DeclarationsInvalid(f"{where}: {error}") from error


def _is_finite(told: Any) -> bool:  # noqa: ANN401 - as above
    try:
        return math.isfinite(float(told))
    except (TypeError, ValueError, OverflowError):
        return False


def _named(names: list[str], word: object, where: str) -> str:
    prefix = names[0].removesuffix("UNSPECIFIED")
    accepted = [name.removeprefix(prefix).lower() for name in names[1:]]
    if str(word).lower() not in accepted:
        raise DeclarationsInvalid(f"{where}: {word!r} is not accepted; one of {', '.join(accepted)} is")
    return f"{prefix}{word}".upper()
