from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtest.clock import paced
from backtest.errors import StreamInvalid
from backtest.options import MOST_SEED, Options, model_name, setup_of
from backtest.stream import Column, Stream
from server.models.registration import NAME

ROWS, REFERENCE = 500, 100


def a_stream(task: str = "binary") -> Stream:
    rows = np.arange(ROWS)
    return Stream(
        name="Rides", task=task, columns=(Column(name="x", values=rows.astype(float)),),
        labels=(rows % 2).astype(float), classes=("0", "1"), times_us=paced(ROWS, REFERENCE), reference_rows=REFERENCE,
    )  # fmt: skip


def test_nothing_asked_is_the_metric_of_the_task_and_a_delay_of_one_in_a_hundred() -> None:
    setup = setup_of(a_stream("regression"), Options())

    assert (setup.name, setup.metric, setup.label_delay_rows, setup.seed) == ("rides", "mae", 5, 0)
    assert setup.policy == {}


def test_a_window_stands_beside_the_rest_of_the_policy() -> None:
    options = Options(window=20, policy={"windows": {"blocks": 4}, "tier": 2})

    assert setup_of(a_stream(), options).policy == {"windows": {"blocks": 4, "rows": 20}, "tier": 2}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"metric": "mae"}, "--metric: 'mae' is not accepted for binary; one of accuracy, roc_auc is"),
        ({"template": "magic"}, "--template: 'magic' is not accepted; one of hgb-60, linear is"),
        ({"outcomes": "mixed"}, "--outcomes: 'mixed' is not accepted; one of exogenous, selective is"),
        ({"label_delay": -1}, "--label-delay: -1 is not accepted; 0 to 399 rows are"),
        ({"label_delay": 400}, "--label-delay: 400 is not accepted; 0 to 399 rows are"),
        ({"window": 4}, "--window: 4 is not accepted; 5 to 400 rows are"),
        ({"window": 401}, "--window: 401 is not accepted; 5 to 400 rows are"),
        ({"seed": -1}, f"--seed: -1 is not accepted; 0 to {MOST_SEED} is"),
        ({"seed": MOST_SEED + 1}, f"--seed: {MOST_SEED + 1} is not accepted; 0 to {MOST_SEED} is"),
        ({"policy": {"nope": 1}}, "--policy: nope: is unknown; accepted are tier, "),
        ({"policy": {"tier": 9}}, "--policy: tier: 9 is not accepted; a whole number from 1 to 3 is"),
        ({"policy": {"windows": 5}, "window": 20}, "--policy: windows"),
        ({"external_worker": True}, "--external-worker: is accepted with --server only"),
        ({"server": "h:1", "database": "memory://"}, "--db: is not accepted with --server"),
    ],
)
def test_an_option_that_does_not_fit_is_named_with_what_is_accepted(options: dict[str, Any], told: str) -> None:
    with pytest.raises(StreamInvalid) as refused:
        setup_of(a_stream(), Options(**options))

    assert str(refused.value).startswith(told)


@pytest.mark.parametrize("text", ["chicago", "My rides (2016)", "_private", "Ünïcode", "漢字", "", "x" * 300, "a.b"])
def test_any_file_gives_a_name_that_the_service_takes(text: str) -> None:
    assert NAME.fullmatch(model_name(text))


def test_a_name_that_is_fit_stays_as_it_is() -> None:
    assert model_name("uk_flights-daily2") == "uk_flights-daily2"
