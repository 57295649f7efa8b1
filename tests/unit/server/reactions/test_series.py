"""Metric series in the service: an alarm is resolved by the rule that raised it, also across a release."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from monitoring.signals.series import SeriesWatch
from server.requests import MetricsBatch, Point
from server.service import Service
from server.watching import watch
from tests.fixtures.services import a_model, a_service

CALM, ILL = [0.1] * 12, [0.5] * 12


def sent(service: Service, start: int, values: list[float]) -> None:
    points = [
        Point(name="rate", time_us=1_000_000 * (start + i), value=value, higher_is_worse=True, tolerance=0.2)
        for i, value in enumerate(values, 1)
    ]
    service.ingest_metrics(MetricsBatch(model="m", request_id=f"from-{start}", points=points)).result()


def judged(service: Service) -> list[tuple[str, str]]:
    """Give the alarm and its confirmation, and the judge of each, which decides so again."""
    facts = [
        step.recorded for step in service.steps("m") if step.recorded.type in {"alarm_raised", "decline_confirmed"}
    ]
    found = [service.explain("m", fact.position) for fact in facts]
    assert all(one.equal for one in found)
    return [(fact.type, one.judge) for fact, one in zip(facts, found, strict=True)]


def test_a_series_is_judged_by_its_course() -> None:
    with a_service() as service:
        service.create_model(a_model()).result()
        sent(service, 0, [*CALM, *ILL])

        assert judged(service) == [("alarm_raised", "series@3"), ("decline_confirmed", "series_resolve@3")]


@pytest.mark.parametrize(("rule", "lacks"), [(1, {"course": None, "trial": None}), (2, {"trial": None})])
def test_an_alarm_is_confirmed_by_the_rule_that_raised_it(
    monkeypatch: pytest.MonkeyPatch, rule: int, lacks: dict[str, Any]
) -> None:
    with a_service() as service:
        service.create_model(a_model()).result()
        with monkeypatch.context() as before:
            before.setattr(watch, "SeriesWatch", partial(SeriesWatch, **lacks))
            sent(service, 0, [*CALM, *ILL[:2]])
        sent(service, 100, ILL)

        assert judged(service) == [("alarm_raised", f"series@{rule}"), ("decline_confirmed", f"series_resolve@{rule}")]
