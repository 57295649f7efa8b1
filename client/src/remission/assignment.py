"""Which version serves a unit.

The bucket of a unit is the first 8 bytes, read big-endian, of SHA-256(salt + "|" + unit id in UTF-8), modulo 10 000.
The candidate serves buckets below its exposure. A unit that was once in stays in while the exposure widens, and each
rollout has a salt of its own, so that it is not always the same units that try what is new. `assignment_vectors.json`,
beside this file, holds test vectors for other languages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BUCKETS = 10_000


def bucket(salt: str, unit_id: str) -> int:
    """Return a unit's bucket, 0 to 9 999.

    >>> bucket("salt", "unit-1")
    1144
    """
    digest = hashlib.sha256(f"{salt}|{unit_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def goes_to_candidate(salt: str, unit_id: str, exposure_bp: int) -> bool:
    """Tell whether the candidate serves a unit; one without an id goes to the champion."""
    return bool(unit_id) and bucket(salt, unit_id) < exposure_bp


def assign(salt: str, unit_ids: Sequence[str], exposure_bp: int) -> NDArray[np.bool_]:
    """Return for each unit whether the candidate serves it."""
    return np.array([goes_to_candidate(salt, unit_id, exposure_bp) for unit_id in unit_ids], dtype=np.bool_)
