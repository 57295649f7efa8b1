"""A bounded table of categories that the reference did not know: the same bits, whoever counted and in whatever order.

Of all words, those with the smallest hashes are kept, with exact counts (a bottom-k sample of distinct words: Cohen and
Kaplan, Summarizing Data using Bottom-k Sketches, 2007). A word that is among the smallest of a whole is so in each of
its parts, so nothing of it is ever lost, and merging is addition. A table of the most frequent has no such merge. What
is kept is chosen by hash and not by count: a fair sample of the words, and how many there are.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

KEPT = 64
HASHES = 1 << 64


@dataclass(frozen=True, slots=True)
class Newcomers:
    """How many values were new, and of at most `KEPT` words the count, in the order of their hashes."""

    values: int = 0
    words: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """Count *words*.

        >>> Newcomers.of(["teal", "plum", "teal"]).words["teal"]
        2
        """
        found = Counter(words)
        return cls(found.total(), _smallest(found))

    def __add__(self, other: Newcomers) -> Newcomers:
        """Return the table of both together."""
        return Newcomers(self.values + other.values, _smallest(Counter(self.words) + Counter(other.words)))

    def distinct(self) -> int:
        """Return how many words there were: exactly while all are kept, and beyond that about an eighth off."""
        if len(self.words) < KEPT:
            return len(self.words)
        return (KEPT - 1) * HASHES // max(map(hash_of, self.words))

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        return {"values": self.values, "words": dict(self.words)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Undo `to_json`."""
        return cls(int(data["values"]), _smallest(data["words"]))


def hash_of(word: str) -> int:
    """Return the first 64 bits of the word's SHA-256."""
    return int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")


def _smallest(found: Mapping[str, int]) -> dict[str, int]:
    """Keep the words whose hashes are smallest; of equal ones, the smaller word."""
    kept = sorted((hash_of(word), word) for word in found)[:KEPT]
    return {word: found[word] for _, word in kept}
