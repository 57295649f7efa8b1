"""A value goes from one unit to another exactly, and what measures something else is refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.units import SCALES, Incommensurable, UnitUnknown, converted, read


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "found"),
    [
        (12.5, "ms", "s", 0.0125),
        (0.1, "ms", "s", 0.0001),  # by the decimal digits: 0.1 / 1000 as floats, but not 0.1 as a binary fraction
        (0.3, "%", "1", 0.003),
        (250.0, "us", "ms", 0.25),
        (90.0, "s", "min", 1.5),
        (3.0, "KiBy", "By", 3_072.0),
        (8.0, "bit", "By", 1.0),
        (7.0, "{requests}/min", "{requests}/h", 420.0),
        (5.0, "EUR/d", "EUR/d", 5.0),
        (5.0, "{request}/s", "1/s", 5.0),
        (5.0, "{request}/s", "{requests}/min", 300.0),
        (250.0, "ms{p99}", "s", 0.25),
        (3.0, "KiBy{sent}/s", "By/s{all}", 3_072.0),
        (9.0, "By/{request}", "By", 9.0),
        (0.25, "{hit}/{request}", "%", 25.0),
        (-0.0, "s", "s", -0.0),
    ],
)
def test_a_value_is_scaled_by_its_decimal_digits(value: float, unit: str, wanted: str, found: float) -> None:
    assert converted(value, unit, wanted).hex() == found.hex()


@pytest.mark.parametrize(
    ("unit", "wanted"),
    [("s", "By"), ("EUR", "USD"), ("{requests}", "s"), ("1/s", "{requests}"), ("By/s", "By"), ("s/By", "By/s")],
)
def test_units_that_measure_different_things_are_refused_by_both_names(unit: str, wanted: str) -> None:
    with pytest.raises(Incommensurable) as caught:
        converted(1.0, unit, wanted)

    assert repr(unit) in str(caught.value)
    assert repr(wanted) in str(caught.value)


@pytest.mark.parametrize(
    "unit",
    [
        "",
        "S",
        "sec",
        "m s",
        "s/",
        "/s",
        "s/s/s",
        "{}",
        "{a b}",
        "{a}s",
        "s{a}{b}",
        "s{a",
        "s}",
        "{a}/",
        "euro",
        "EURO",
        "s\n",
        "s" * 64,
    ],
)
def test_what_is_no_unit_is_refused_with_those_that_are(unit: str) -> None:
    with pytest.raises(UnitUnknown, match=r"accepted is one of s, ms"):
        read(unit)


@given(st.sampled_from(sorted(SCALES)), st.from_regex(r"\{[A-Za-z0-9_.-]{1,20}\}", fullmatch=True))
def test_an_annotation_changes_no_unit(unit: str, annotation: str) -> None:
    assert read(unit + annotation) == read(unit)
    assert read(f"{unit}/{annotation}") == read(unit)
    assert read(f"{annotation}/{unit}{annotation}") == read(f"1/{unit}")


def test_what_has_no_place_among_numbers_is_refused() -> None:
    with pytest.raises(OverflowError):
        converted(1e308, "d", "ns")


@given(st.floats(-1e12, 1e12), st.sampled_from(sorted(SCALES)), st.sampled_from(sorted(SCALES)))
def test_a_value_that_goes_and_comes_back_is_the_same_but_for_one_rounding_each_way(
    value: float, unit: str, wanted: str
) -> None:
    if SCALES[unit][0] == SCALES[wanted][0] and (value == 0 or abs(value) > 1e-9):
        assert converted(converted(value, unit, wanted), wanted, unit) == pytest.approx(value, rel=1e-15)
