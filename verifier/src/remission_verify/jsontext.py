"""JSON as documents hold it, fractions included. What is signed to the letter is read by `canonical.py` instead."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from remission_verify.errors import DocumentInvalid


def json_of(data: bytes | str) -> Any:  # noqa: ANN401 - whatever JSON can say
    """Read JSON.

    Raises:
        DocumentInvalid: It is none, says a name twice, holds NaN, or is nested too deeply.
    """
    try:
        return json.loads(data, object_pairs_hook=_object, parse_constant=_no_number)
    except RecursionError as error:
        raise DocumentInvalid("nested too deep") from error
    except ValueError as error:  # no JSON, no UTF-8, or a number with thousands of digits
        raise DocumentInvalid(f"no JSON: {error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DocumentInvalid("a name stands twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise DocumentInvalid(f"{text} is no number of JSON")
