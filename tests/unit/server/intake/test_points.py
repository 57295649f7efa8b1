"""Points are reconciled with what is declared and what was heard: by name, unit, provider and time."""

from __future__ import annotations

from typing import Any

import pytest

from server.errors import Invalid
from server.intake.checks import FUTURE_US
from server.intake.points import REMEMBERED, Heard, heard, reconciled
from server.requests import MetricsBatch, Point
from statemachine.externals import ExternalSignal

SIGNALS = {
    "latency": ExternalSignal(name="latency", unit="s", tolerance=0.2, provider="prom"),
    "sales": ExternalSignal(
        name="sales",
        unit="EUR",
        tolerance=0.2,
        direction="lower_is_worse",
        relative=True,
        provider="erp",
        others="apart",
    ),
    "bare": ExternalSignal(name="bare", tolerance=1.0),
    "gone": ExternalSignal(name="gone", tolerance=1.0, withdrawn=True),
}


def point(name: str = "latency", time_us: int = 10, value: float = 1.0, **more: Any) -> Point:
    return Point(name=name, time_us=time_us, value=value, **more)


def taken(*points: Point, provider: str = "prom", series: dict[str, Heard] | None = None) -> list[dict[str, Any]]:
    batch = MetricsBatch(model="m", request_id="r", points=list(points), provider=provider)
    return reconciled(batch, SIGNALS, series or {}, 1_000)


def after(*points: dict[str, Any]) -> dict[str, Heard]:
    series: dict[str, Heard] = {}
    for one in points:
        heard(series, one)
    return series


def refused(*points: Point, provider: str = "prom", series: dict[str, Heard] | None = None) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        taken(*points, provider=provider, series=series)
    return caught.value.violations[0]


def test_a_point_has_direction_tolerance_and_unit_of_its_declaration_and_what_was_sent_is_kept() -> None:
    (kept,) = taken(point(value=12.5, unit="ms"))

    assert kept == {
        "name": "latency", "time_us": 10, "value": 0.0125, "higher_is_worse": True, "tolerance": 0.2, "relative": False,
        "sent": {"value": 12.5, "unit": "ms"},
    }  # fmt: skip


def test_a_point_without_a_unit_is_in_the_declared_one() -> None:
    (kept,) = taken(point(value=12.5))

    assert (kept["value"], "sent" in kept) == (12.5, False)


@pytest.mark.parametrize("unit", ["1", "{request}"])
def test_a_point_in_the_unit_one_is_a_bare_number(unit: str) -> None:
    (kept,) = taken(point("bare", value=0.5, unit=unit), provider="")

    assert kept["value"] == 0.5


def test_a_point_that_is_not_declared_is_kept_as_it_came() -> None:
    (kept,) = taken(point("other", higher_is_worse=True, tolerance=0.1), provider="")

    assert kept == {"name": "other", "time_us": 10, "value": 1.0, "higher_is_worse": True, "tolerance": 0.1}


def test_points_are_put_in_order_of_time() -> None:
    kept = taken(point(time_us=30, value=3.0), point(time_us=10, value=1.0), point(time_us=20, value=2.0))

    assert [one["value"] for one in kept] == [1.0, 2.0, 3.0]


def test_a_point_that_was_had_before_counts_once_within_a_batch_and_across() -> None:
    first = taken(point(), point(), point(time_us=20))
    again = taken(point(), point(time_us=20), point(time_us=30), series=after(*first))

    assert [one["time_us"] for one in first] == [10, 20]
    assert [one["time_us"] for one in again] == [30]


def test_the_same_value_in_another_unit_is_the_same_point() -> None:
    first = taken(point(value=0.0125))

    assert taken(point(value=12.5, unit="ms"), series=after(*first)) == []


def test_another_provider_is_kept_apart_where_that_is_declared() -> None:
    (own,), (other,) = taken(point("sales"), provider="erp"), taken(point("sales"), provider="crm")

    assert (own["name"], other["name"]) == ("sales", "sales@crm")
    assert (other["higher_is_worse"], other["relative"]) == (False, True)


@pytest.mark.parametrize(
    ("points", "provider", "field", "told"),
    [
        ([point()], "otel", "provider", "'otel' does not measure 'latency'; 'prom' does"),
        ([point()], "", "provider", "'' does not measure 'latency'"),
        ([point("bare")], "prom", "provider", "whoever names no provider does"),
        ([point(unit="By")], "prom", "points[0].unit", "'By' cannot be told in 's'"),
        ([point(unit="furlong")], "prom", "points[0].unit", "'furlong' is not accepted"),
        ([point(value=1e308, unit="d")], "prom", "points[0].unit", "declared in 's'"),
        ([point("bare", unit="s")], "", "points[0].unit", "declared as a bare number"),
        ([point("bare", unit="furlong")], "", "points[0].unit", "declared as a bare number"),
        ([point("bare", unit="%")], "", "points[0].unit", "declared as a bare number"),
        ([point("gone")], "prom", "points[0].name", "was withdrawn"),
        ([point(higher_is_worse=False)], "prom", "points[0].direction", "declared as higher_is_worse"),
        ([point(tolerance=0.3)], "prom", "points[0].tolerance", "0.3 is not 0.2"),
        ([point(), point(time_us=1_001 + FUTURE_US)], "prom", "points[1].time_us", "lies in the future"),
        ([point(), point(value=2.0)], "prom", "points[1].value", "was 1.0 at 10, not 2.0"),
        ([point("new")], "", "points[0].direction", "'new' is not declared"),
        ([point("new", higher_is_worse=True)], "", "points[0].tolerance", "'new' is not declared"),
        ([point("new", unit="s")], "", "points[0].unit", "'new' is not declared"),
        ([point("new")], "prom", "provider", "'new' is not declared"),
    ],
)
def test_what_cannot_be_reconciled_is_refused_by_field(
    points: list[Point], provider: str, field: str, told: str
) -> None:
    where, why = refused(*points, provider=provider)

    assert where == field
    assert told in why


def test_a_point_behind_what_its_series_has_reached_is_refused_with_both_times() -> None:
    series = after(*taken(point(time_us=10), point(time_us=20)))

    assert refused(point(time_us=30), point(time_us=15), series=series) == (
        "points[1].time_us", "15 comes too late: series 'latency' has reached 20; a later time is accepted",
    )  # fmt: skip


def test_a_series_does_not_turn_round() -> None:
    series = after({"name": "new", "time_us": 1, "value": 1.0, "higher_is_worse": True, "tolerance": 0.1})

    where, why = refused(point("new", higher_is_worse=False, tolerance=0.1), provider="", series=series)

    assert (where, "higher_is_worse is accepted" in why) == ("points[0].direction", True)


def test_so_many_points_are_remembered_and_no_more() -> None:
    kept = [one for at in range(REMEMBERED + 1) for one in taken(point(time_us=at))]
    series = after(*kept)

    assert taken(point(time_us=1), series=series) == []
    assert refused(point(time_us=0), series=series)[0] == "points[0].time_us"
