"""Splits: which rows each segment holds, and how many segments and words there may be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from measures.segments import Segment
from server.errors import Invalid
from server.intake.schema import CATEGORICAL, NUMERIC, Feature, Schema
from server.watching.splits import MOST_NAMED, segments
from statemachine.policies.policy import Policy
from statemachine.policies.sections import MOST_SEGMENTS

AGE = Feature(name="age", kind=NUMERIC)


def divided(split: dict[str, Any], *features: Feature) -> tuple[Segment, ...]:
    schema = Schema(task="regression", metric="mae", features=features)
    return segments(Policy.from_json({"segments": {"splits": [{"name": "s", **split}]}}), schema)


def words(count: int) -> tuple[str, ...]:
    return tuple(f"w{k}" for k in range(count))


def test_a_value_on_an_edge_is_of_the_bin_above_it_and_no_number_is_of_none() -> None:
    values = np.array([-1e9, 30, 49.9, 50, 1e9, math.nan, math.inf, -math.inf])

    held = [one.holds(values).nonzero()[0].tolist() for one in divided({"column": "age", "edges": [30, 50]}, AGE)]

    assert held == [[0], [1, 2], [3, 4]]


def test_values_that_are_named_are_segments_of_their_own_codes() -> None:
    region = Feature(name="region", kind=CATEGORICAL, categories=words(5))

    found = divided({"column": "region", "values": ["w3", "w1"]}, AGE, region)

    assert [(one.name, one.feature, one.code) for one in found] == [("s=w3", 1, 3), ("s=w1", 1, 1)]
    assert found[0].holds(np.array([3.0, 1.0, math.nan])).tolist() == [True, False, False]


def test_as_many_segments_are_accepted_as_are_watched() -> None:
    region = Feature(name="region", kind=CATEGORICAL, categories=words(MOST_SEGMENTS))

    assert len(divided({"column": "region"}, region)) == MOST_SEGMENTS


@pytest.mark.parametrize(("count", "more"), [(MOST_NAMED, ""), (MOST_NAMED + 1, ", …")])
def test_a_refusal_names_so_many_words_and_says_when_there_are_more(count: int, more: str) -> None:
    region = Feature(name="region", kind=CATEGORICAL, categories=words(count))
    others = [Feature(name=word, kind=NUMERIC) for word in words(count)]
    told = f"accepted are {', '.join(words(MOST_NAMED))}{more}$"

    with pytest.raises(Invalid, match=told):
        divided({"column": "region", "values": ["x"]}, region)
    with pytest.raises(Invalid, match=told):
        divided({"column": "x"}, *others)
