"""Claims about what cannot be asked of a drill: each refusal names the option and says what is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from backtest.drills.ground import taken
from backtest.drills.options import Options, check
from backtest.drills.world import world
from backtest.stream import StreamInvalid


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"scenarios": ("calm", "flood")}, "--scenario: 'flood' is not accepted; one of calm, covariate,"),
        ({"task": "ranking"}, "--task: 'ranking' is not accepted; one of binary, multiclass, regression is"),
        ({"template": "oak"}, "--template: 'oak' is not accepted; one of hgb-60, linear is"),
        ({"metric": "mae"}, "--metric: 'mae' is not accepted; one of"),
        ({"runs": 0}, "--runs: 0 is not accepted; 1 to 1000 is"),
        ({"runs": 1_001}, "--runs: 1001 is not accepted"),
        ({"seed": -1}, "--seed: -1 is not accepted"),
        ({"policy": {"tier": 4}}, "--policy: tier"),
    ],
)
def test_an_option_that_is_not_accepted_is_refused_by_its_name(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(StreamInvalid) as refused:
        check(Options(**asked))

    assert str(refused.value).startswith(message)


def test_a_stream_with_too_few_labels_is_refused_with_how_many_are_needed() -> None:
    pool = world("binary", 0, 400)
    pool.labels[100:] = float("nan")

    with pytest.raises(StreamInvalid, match="--stream: 100 rows are too few to drill on; at least 150 are needed"):
        check(Options(stream=pool))


def test_a_stream_decides_which_metrics_there_are() -> None:
    pool = world("regression", 0, 400)

    check(Options(stream=taken(pool, pool.times_us.argsort(), 100), metric="mae"))
    with pytest.raises(StreamInvalid, match="--metric: 'accuracy' is not accepted; one of mae is"):
        check(Options(stream=pool, metric="accuracy"))
