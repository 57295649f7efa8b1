"""Whose rows are whose: the key of each row, and words that only a crowd may teach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from server.intake import feed

LEAST_CROWD = 3  #: subjects that must use a word in one batch before it is learned: fewer might be one
_FIRST_ROOM = 1_024
_NONE = -1


class RowKeys:
    """The key that each row of a model is sealed under, by row number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []  #: by number
        self._of = np.full(_FIRST_ROOM, _NONE, dtype=np.int32)

    def __eq__(self, other: object) -> bool:
        """Say whether both know the same keys of the same rows."""
        return isinstance(other, RowKeys) and self._names == other._names and np.array_equal(self._of, other._of)

    __hash__ = None  # type: ignore[assignment]  # it grows

    def take(self, entry: feed.Rows) -> None:
        """Note the keys of rows that were accepted."""
        end = entry.first_row + entry.count
        if end > len(self._of):
            more = max(end, 2 * len(self._of)) - len(self._of)
            self._of = np.pad(self._of, (0, more), constant_values=_NONE)
        if entry.keys is not None:
            numbers = [self._number(key_id) for key_id in entry.keys.ids]
            self._of[entry.first_row : end] = np.array(numbers, dtype=np.int32)[entry.keys.of]

    def of(self, rows: feed.Ints, otherwise: str) -> feed.Keys:
        """Give the keys of *rows*; *otherwise* is that of rows that an earlier release has written in clear."""
        numbers, of = np.unique(self._of[rows], return_inverse=True)
        return feed.Keys([self._names[number] if number != _NONE else otherwise for number in numbers], of)

    def _number(self, key_id: str) -> int:
        if key_id not in self._numbers:
            self._numbers[key_id] = len(self._names)
            self._names.append(key_id)
        return self._numbers[key_id]


class Crowd:
    """The subjects of a batch: whether enough of them use a word, so that it tells of nobody."""

    def __init__(self, subjects: Sequence[str]) -> None:
        names, self._who = np.unique(np.array(subjects), return_inverse=True)
        self._count = len(names)
        self._nobody = names[0] == ""

    def says(self, codes: npt.NDArray[np.int32], size: int) -> npt.NDArray[np.bool_]:
        """Say of each of *size* words whether it may be learned: a row of nobody has it, or rows of several subjects.

        *codes* are one a row, -1 for none.
        """
        held = codes >= 0
        words, who = codes[held].astype(np.int64), self._who[held]
        crowd = np.bincount(np.unique(words * self._count + who) // self._count, minlength=size) >= LEAST_CROWD
        if self._nobody:  # its name sorts first
            crowd |= np.bincount(words[who == 0], minlength=size) > 0
        return np.asarray(crowd, dtype=np.bool_)
