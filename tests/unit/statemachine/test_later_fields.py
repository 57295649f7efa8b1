"""A field that came later changes no fact that was written before it."""

from __future__ import annotations

import orjson

from statemachine.events import ModelRegistered, decode, encode
from statemachine.evolve import evolve
from statemachine.health import ModelHealth

OLD = {
    "model": "m", "owner": "risk", "purpose": "", "task": "binary", "metric": "accuracy", "outcomes": "exogenous",
    "template": "hgb-60", "champion": "v1", "features_sha256": "f", "reference_sha256": "r", "reference_rows": 60,
    "label_delay_rows": 0, "seconds_per_row": 1.0, "policy": {},
}  # fmt: skip


def registered(**later: int) -> ModelRegistered:
    fact = decode("model_registered", 1, {**OLD, **later})
    assert isinstance(fact, ModelRegistered)
    return fact


def test_a_fact_from_before_the_field_is_read_with_its_default_and_written_as_it_was() -> None:
    fact = registered()

    assert fact.seed == 0
    assert orjson.loads(encode(fact)) == OLD


def test_a_value_of_its_own_is_written_read_and_folded() -> None:
    fact = registered(seed=7)

    again = decode("model_registered", 1, orjson.loads(encode(fact)))

    assert again == fact
    assert evolve(ModelHealth(), again, 0).seed == 7
