"""RFC 8785, the one way to write a value as JSON, without fractions: what Remission signs holds none.

What comes from others is read strictly: names that stand twice, fractions, NaN, numbers beyond 2**53, lone surrogates
and deep nesting are refused, and so is every text but the one that its value has.
"""

from __future__ import annotations

import json
from typing import NoReturn, TypeAlias

from remission_verify.errors import NotCanonical
from remission_verify.limits import MOST_DEPTH, MOST_INTEGER

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"


def encode(value: Json) -> bytes:
    """Write *value*: names sorted by their UTF-16 form, no spaces, the shortest escapes.

    Raises:
        NotCanonical: It holds a number that others would read inexactly, half a character, or is nested too deep.

    >>> encode({"b": 1, "a": [True, None, "é"]}).decode()
    '{"a":[true,null,"é"],"b":1}'
    """
    text = json.dumps(_sorted(value, 0), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical(f"character {error.start} is half of a surrogate pair") from error


def decode(data: bytes) -> Json:
    """Read *data*, and accept it only as `encode` would have written it.

    Raises:
        NotCanonical: It is no JSON, holds what is refused, or is written in another way.
    """
    value = _parsed(data)
    written = encode(value)
    if written != data:
        raise NotCanonical(f"byte {_first_difference(written, data)} differs from the canonical form (RFC 8785)")
    return value


def _parsed(data: bytes) -> Json:
    try:
        value: Json = json.loads(
            data.decode(), object_pairs_hook=_object, parse_float=_no_fraction, parse_constant=_no_fraction
        )
    except UnicodeDecodeError as error:
        raise NotCanonical(f"byte {error.start} is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise NotCanonical(f"no JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise NotCanonical(f"nested too deep; up to {MOST_DEPTH} levels are accepted") from error
    except ValueError as error:  # a number with thousands of digits
        raise NotCanonical(f"a number is too long: {error}") from error
    return value


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotCanonical(f"the name {twice[:100]!r} stands twice in one object")
    return found


def _no_fraction(text: str) -> NoReturn:
    raise NotCanonical(f"{text[:100]} is no integer; only integers are accepted")


def _sorted(value: Json, depth: int) -> Json:
    """Give *value* with its names in order, and refuse what has no exact form."""
    if depth > MOST_DEPTH:
        raise NotCanonical(f"nested too deep; up to {MOST_DEPTH} levels are accepted")
    if isinstance(value, dict):
        return {name: _sorted(value[name], depth + 1) for name in sorted(value, key=_utf16)}
    if isinstance(value, list):
        return [_sorted(item, depth + 1) for item in value]
    if isinstance(value, int) and abs(value) > MOST_INTEGER:
        raise NotCanonical(f"a number of {value.bit_length()} bits; up to {MOST_INTEGER} is accepted")
    return value


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _first_difference(one: bytes, other: bytes) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (left, right) in pairs if left != right), min(len(one), len(other)))
