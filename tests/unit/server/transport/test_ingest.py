from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from remission.v1 import ingest_pb2 as pb
from remission.v1.columns_pb2 import Output

from server.errors import Invalid, TooLarge
from server.requests import Categories
from server.service import Service
from server.transport.ingest import column_batch, message_batch, metrics_batch, same_model
from tests.fixtures.services import a_model, a_service


def batch(**changes: Any) -> pb.Batch:
    fields: dict[str, Any] = {
        "batch_id": "b", "row_count": 2, "prediction_ids": ["p", "q"], "times_us": struct.pack("<2q", 1, 2),
        "outputs": [Output(version="v1", values=struct.pack("<2d", 0.1, 0.2))],
    }  # fmt: skip
    return pb.Batch(**{**fields, **changes})


def point(**changes: Any) -> pb.MetricPoint:
    fields: dict[str, Any] = {"name": "rate", "value": 1.0, "direction": pb.DIRECTION_HIGHER_IS_WORSE, "tolerance": 1.0}
    return pb.MetricPoint(**{**fields, **changes})


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with a_service() as made:
        made.create_model(a_model()).result()
        yield made


def test_without_a_word_the_first_output_served_every_row() -> None:
    assert list(column_batch("m", batch()).served) == [0, 0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"unit_ids": ["u"]}, "batch.unit_ids"),
        ({"unit_ids": ["u", "u" * 129]}, "batch.unit_ids[1]"),
        ({"latency_us": struct.pack("<2i", 1, -1)}, "batch.latency_us[1]"),
        ({"latency_us": b"\0"}, "batch.latency_us"),
        ({"served_by": b"\0"}, "batch.served_by"),
        ({"outputs": [Output(version="v1", values=struct.pack("<2d", 1, 1))] * 2}, "batch.outputs"),
        ({"outputs": [Output(version=f"v{i}", values=struct.pack("<2d", 1, 1)) for i in range(17)]}, "batch.outputs"),
    ],
)
def test_a_part_of_a_batch_that_cannot_be_read_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        column_batch("m", batch(**changes))

    assert caught.value.violations[0][0] == field


def test_a_batch_is_weighed_before_it_is_read() -> None:
    with pytest.raises(TooLarge) as caught:
        column_batch("m", batch(latency_us=bytes(17 << 20), row_count=0))

    assert caught.value.field == "batch"


def test_a_value_that_is_absent_or_not_set_is_missing(service: Service) -> None:
    rows = [
        pb.Row(prediction_id="a", features={"x": pb.Value(number=2.0), "colour": pb.Value(category="red")}),
        pb.Row(prediction_id="b", features={"x": pb.Value(), "colour": pb.Value()}),
        pb.Row(prediction_id="c"),
    ]
    for row in rows:
        row.served_by = "v1"
        row.outputs["v1"] = 0.5

    found = message_batch(service, "m", pb.Rows(batch_id="b", rows=rows))

    x, colour = found.columns["x"], found.columns["colour"]
    assert isinstance(x, np.ndarray)
    assert isinstance(colour, Categories)
    assert x[0] == 2.0
    assert all(math.isnan(value) for value in x[1:])
    assert (colour.dictionary, list(colour.codes)) == (["red"], [0, -1, -1])


@pytest.mark.parametrize(
    ("features", "served_by", "field"),
    [
        ({"z": pb.Value(number=1.0)}, "v1", "rows.rows[0].features[z]"),
        ({"x": pb.Value(category="red")}, "v1", "rows.rows[0].features[x]"),
        ({"colour": pb.Value(number=1.0)}, "v1", "rows.rows[0].features[colour]"),
        ({}, "v2", "rows.rows[0].served_by"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(
    service: Service, features: dict[str, pb.Value], served_by: str, field: str
) -> None:
    row = pb.Row(prediction_id="a", features=features, outputs={"v1": 0.5}, served_by=served_by)

    with pytest.raises(Invalid) as caught:
        message_batch(service, "m", pb.Rows(batch_id="b", rows=[row]))

    assert caught.value.violations[0][0] == field


@pytest.mark.parametrize(
    ("points", "field"),
    [
        ([point(name="Rate")], "points[0].name"),
        ([point(), point(value=math.inf)], "points[1].value"),
        ([point(tolerance=-1.0)], "points[0].tolerance"),
        ([point(unit="x" * 257)], "points[0].unit"),
        ([point(tolerance=math.nan)], "points[0].tolerance"),
        ([point(), point(direction=pb.DIRECTION_LOWER_IS_WORSE)], "points[1].direction"),
        ([], "points"),
    ],
)
def test_a_point_that_cannot_be_read_is_named(points: list[pb.MetricPoint], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        metrics_batch(pb.IngestMetricsRequest(model="m", request_id="r", points=points))

    assert caught.value.violations[0][0] == field


def test_a_stream_has_one_model() -> None:
    assert same_model("m", "") == same_model("", "m") == same_model("m", "m") == "m"
    with pytest.raises(Invalid):
        same_model("other", "m")
    with pytest.raises(Invalid):
        same_model("", "")
