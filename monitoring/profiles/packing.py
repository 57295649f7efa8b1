"""Counts as text: few characters for small numbers, and the same text for the same counts.

Each count is a base-128 number, seven bits a byte, lowest first, the highest bit set on all bytes but the last (LEB128,
as in Protocol Buffers); the bytes of all counts stand in base64. The shortest form is the only one that is read.
"""

from __future__ import annotations

import base64

import numpy as np

from monitoring.profiles.reference import Ints

SEVEN = 0x7F  #: the bits of a byte that are the number's
MOST = 9  #: bytes of a count below 2^63


class NotPacked(ValueError):
    """The text does not hold packed counts."""


def packed(counts: Ints) -> str:
    """Return *counts* (n,), none of them negative, as text.

    >>> packed(np.array([0, 127, 128]))
    'AH+AAQ=='
    """
    shifts = 7 * np.arange(MOST)
    sevens = (counts[:, None] >> shifts) & SEVEN
    longer = (counts[:, None] >> shifts) > SEVEN
    kept = np.concatenate([np.ones((len(counts), 1), np.bool_), longer[:, :-1]], axis=1)
    return base64.b64encode((sevens | (longer << 7))[kept].astype(np.uint8).tobytes()).decode("ascii")


def unpacked(text: str) -> Ints:
    """Undo `packed`.

    Raises:
        NotPacked: The text is no base64, ends within a count, or is not the shortest form of counts below 2^63.
    """
    try:
        held = np.frombuffer(base64.b64decode(text, validate=True), np.uint8).astype(np.int64)
    except ValueError as error:
        raise NotPacked(f"packed counts are base64, not {text[:20]!r}") from error
    last = np.flatnonzero(held <= SEVEN)
    first = np.concatenate([[0], last[:-1] + 1]).astype(np.int64) if len(last) else last
    lengths = last - first + 1
    if len(held) and (not len(last) or last[-1] != len(held) - 1 or lengths.max() > MOST):
        raise NotPacked(f"packed counts end within a count, or one has more than {MOST} bytes: {text[-20:]!r}")
    shifts = 7 * (np.arange(len(held)) - np.repeat(first, lengths))
    counts = np.add.reduceat((held & SEVEN) << shifts, first) if len(held) else np.zeros(0, np.int64)
    if packed(counts) != text:
        raise NotPacked(f"packed counts are not in their shortest form: {text[:20]!r}")
    return counts
