"""The one way in which values become bytes, so that equal values have equal hashes."""

import hashlib
import math
from typing import Any

import orjson

# What only looks like JSON is refused, not guessed at.
_STRICT = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class NotCanonical(ValueError):
    """The value has no canonical form: it holds NaN, an infinity, or something that JSON lacks."""

    def __init__(self, path: str, found: object) -> None:
        """Name the place, as `$.a[3]`, and what stands there."""
        self.path = path
        self.found = found
        super().__init__(f"{path} has no canonical form: {found!r}")


# `Any`: the function takes whatever JSON can say, and refuses the rest by name.
def canonical(value: Any) -> bytes:  # noqa: ANN401
    """Return the bytes of *value*: JSON, keys sorted, no spaces.

    Raises:
        NotCanonical: A number is not finite, or a type is not JSON's. orjson alone would write NaN as null.

    >>> canonical({"b": 1, "a": [1.5, None]})
    b'{"a":[1.5,null],"b":1}'
    """
    try:
        data = orjson.dumps(value, option=_STRICT)
    except TypeError as error:  # orjson's only error
        raise NotCanonical("$", str(error)) from error
    # Only where a null stands can a NaN hide; the walk costs far more than the search.
    if b"null" in data:
        _refuse_infinite(value, "$")
    return data


def digest(data: bytes) -> str:
    """Return the SHA-256 of *data* as lower-case hexadecimal.

    >>> digest(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def _refuse_infinite(value: object, path: str) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotCanonical(path, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_infinite(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse_infinite(item, f"{path}[{index}]")
