"""An answer is read with nothing taken on trust: whatever is not what was asked for is named at its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.answers import Range, read
from providers.errors import Unusable

ASKED = Range(start_us=60_000_000, end_us=300_000_000, step_us=60_000_000)


def body(*values: Any, **changes: Any) -> bytes:
    data = {"resultType": "matrix", "result": [{"metric": {"job": "x"}, "values": list(values)}]}
    return json.dumps({"status": "success", "data": data, **changes}).encode()


def of(*result: Any) -> bytes:
    return body(data={"resultType": "matrix", "result": list(result)})


def test_the_values_of_one_series_are_points() -> None:
    answer = read(body([60, "1"], [120.0, "2.5e-3"], [180, "-7."]), ASKED)

    assert answer.points == ((60_000_000, 1.0), (120_000_000, 0.0025), (180_000_000, -7.0))


def test_what_is_no_number_is_left_out_and_counted() -> None:
    answer = read(body([60, "NaN"], [120, "+Inf"], [180, "-Inf"], [240, "1e999"], [300, "4"]), ASKED)

    assert (answer.points, answer.left_out) == (((300_000_000, 4.0),), 4)


def test_no_series_is_no_point() -> None:
    assert read(of(), ASKED).points == ()


def test_warnings_are_told() -> None:
    assert read(body([60, "1"], warnings=["store x\nis away"]), ASKED).warnings == ("store x is away",)


def test_several_series_are_refused_with_their_labels() -> None:
    series = [{"metric": {"pod": name, "job": "x"}, "values": [[60, "1"]]} for name in "abcd"]

    with pytest.raises(Unusable) as caught:
        read(of(*series), ASKED)

    told = 'the query gives 4 series: {job="x", pod="a"}, {job="x", pod="b"}, {job="x", pod="c"} and 1 more; one is'
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", "the answer: []"),
        (b"{}", "the query failed"),
        (b'{"status": "error", "errorType": "bad_data", "error": "parse error\\nat 1"}', "bad_data: parse error at 1"),
        (b'{"status": "success"}', "data: None"),
        (body(data=[]), "data: []"),
        (body(data={"resultType": "vector", "result": []}), "data.resultType: 'vector'"),
        (body(data={"resultType": "matrix", "result": {}}), "data.result: {}"),
        (of(3), "data.result[0]: 3"),
        (of({"metric": {}}), "data.result[0].values: None"),
        (of({"metric": {}, "histograms": [[60, {}]]}), "native histograms"),
        (body(3), "values[0]: 3"),
        (body([60, "1", "2"]), "values[0]"),
        (body(["60", "1"]), "values[0][0]: '60'"),
        (body([True, "1"]), "values[0][0]: True"),
        (body([60, 1]), "values[0][1]: 1"),
        (body([60, "1_0"]), "values[0][1]: '1_0'"),
        (body([60, " 1"]), "values[0][1]"),
        (body([60, "nan"]), "values[0][1]"),
        (body([60, "0x1"]), "values[0][1]"),
        (body([60, "٣"]), "values[0][1]"),
        (body([60, None]), "values[0][1]: None"),
        (body([59, "1"]), "values[0]: 59000000 is no time after"),
        (body([301, "1"]), "values[0]: 301000000"),
        (body([1e300, "1"]), "is no time after"),
        (body([-60, "1"]), "is no time after"),
        (body([120, "1"], [120, "2"]), "values[1]: 120000000"),
        (body([120, "1"], [60, "2"]), "values[1]: 60000000"),
        (body(*[[60 + i, "1"] for i in range(6)]), "6 points; 5 were asked for"),
        (body([60, "1"], warnings="x"), "warnings: 'x'"),
    ],
)
def test_what_is_not_what_was_asked_for_is_named_at_its_place(answer: bytes, told: str) -> None:
    with pytest.raises(Unusable) as caught:
        read(answer, ASKED)

    assert told in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_whatever_stands_for_values_gives_points_within_what_was_asked_or_a_refusal(values: Any) -> None:
    try:
        answer = read(of({"metric": {}, "values": values}), ASKED)
    except Unusable:
        return
    assert all(ASKED.start_us <= at_us <= ASKED.end_us for at_us, _ in answer.points)
