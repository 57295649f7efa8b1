"""Claims about whose rows are whose, and about words that only a crowd may teach."""

from __future__ import annotations

import numpy as np
import pytest

from server.intake.row_keys import Crowd


def learned(subjects: list[str], words: list[int]) -> list[bool]:
    return list(Crowd(subjects).says(np.array(words, dtype=np.int32), max(words) + 1))


@pytest.mark.parametrize(
    ("subjects", "words", "said"),
    [
        (["a", "a", "a"], [0, 0, 0], [False]),  # one person, however often
        (["a", "b", "b"], [0, 0, 0], [False]),
        (["a", "b", "c"], [0, 0, 0], [True]),
        (["a", "b", "c"], [0, 0, 1], [False, False]),
        (["", "a", "b"], [0, 0, 1], [True, False]),  # a row about nobody teaches
        (["a", "b", "c"], [0, 0, -1], [False]),  # a missing word is none
        (["", "a"], [-1, 0], [False]),
        (["a", "b", "c"], [2, 2, 2], [False, False, True]),
    ],
)
def test_a_word_is_learned_when_several_subjects_use_it_or_nobody_does(
    subjects: list[str], words: list[int], said: list[bool]
) -> None:
    assert learned(subjects, words) == said
