"""A declaration has bounds, each named by its field, and what lasts of it does not change."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.externals import ExternalSignal, SignalInvalid, changed, check, declared


def signal(**changes: Any) -> ExternalSignal:
    return ExternalSignal(**{"name": "rate", "unit": "ms", "tolerance": 1.0, **changes})


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "Rate"}),
        ("name", {"name": "rate@prom"}),
        ("unit", {"unit": "parsec"}),
        ("direction", {"direction": "sideways"}),
        ("tolerance", {"tolerance": 0.0}),
        ("tolerance", {"tolerance": float("nan")}),
        ("tolerance", {"tolerance": float("inf")}),
        ("provider", {"provider": "a b"}),
        ("provider", {"provider": "x" * 64}),
        ("others", {"others": "merged"}),
        ("interval_seconds", {"interval_seconds": 0.5}),
        ("interval_seconds", {"interval_seconds": float("nan")}),
        ("interval_seconds", {"interval_seconds": -1.0}),
        ("silent_after", {"interval_seconds": 60.0, "silent_after": 1_001}),
        ("silent_after", {"silent_after": 1}),
    ],
)
def test_a_field_out_of_bounds_is_named(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(SignalInvalid) as caught:
        check([signal(name="good"), signal(**changes)])

    assert caught.value.field == f"signals[1].{field}"


def test_a_name_stands_once() -> None:
    with pytest.raises(SignalInvalid, match=r"signals\[1\].name: 'rate' stands twice"):
        check([signal(), signal(unit="s")])


def test_there_are_at_most_a_thousand() -> None:
    check([signal(name=f"s{i}") for i in range(1_000)])
    with pytest.raises(SignalInvalid, match="1001 signals"):
        check([signal(name=f"s{i}") for i in range(1_001)])


@pytest.mark.parametrize(
    "later", [{"unit": "s"}, {"direction": "lower_is_worse"}, {"tolerance": 2.0}, {"relative": True}]
)
def test_what_points_are_kept_and_judged_by_lasts(later: dict[str, Any]) -> None:
    assert next(iter(later)) in changed({"rate": signal()}, [signal(**later)])


def test_a_unit_may_be_spelled_otherwise() -> None:
    assert changed({"rate": signal(unit="{requests}/s")}, [signal(unit="1/s")]) == ""
    assert "unit" in changed({"rate": signal(unit="")}, [signal(unit="1")])


def test_who_measures_and_how_often_may_change() -> None:
    later = signal(provider="otel", others="apart", interval_seconds=60.0, silent_after=3)

    assert changed({"rate": signal()}, [later]) == ""


def test_silence_begins_when_somebody_first_waits_and_a_later_declaration_does_not_move_it() -> None:
    waited = signal(interval_seconds=60.0, silent_after=3)
    first = declared({}, [signal().told()], 5)
    second = declared(first, [waited.told()], 7)
    third = declared(second, [signal(interval_seconds=90.0, silent_after=2).told()], 9)

    assert [one["rate"].since_us for one in (first, second, third)] == [5, 7, 7]
    assert [one["rate"].limit_us for one in (first, second, third)] == [0, 180_000_000, 180_000_000]


def test_what_is_withdrawn_is_remembered_and_waited_for_no_more() -> None:
    before = declared({}, [signal(interval_seconds=60.0, silent_after=3).told()], 5)
    after = declared(before, [], 9)

    assert (after["rate"].withdrawn, after["rate"].limit_us, after["rate"].unit) == (True, 0, "ms")
