"""Decisions on conditions are made again, bit for bit, from the signals that are on record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest

from server.audit.deriving import Derivation
from server.service import Service
from tests.scenarios.lines import Line
from tests.scenarios.service_stage import MODEL, on_stage

POLICY = {
    "conditions": [
        {"name": "fine", "when": 'metric["p99"].ratio < 1.2 && loss.rows >= 30', "then": "accept"},
        {"name": "slow", "when": 'metric["p99"].value > 250.0', "persistence": {"of": 3, "at_least": 2}},
        {"name": "unheard", "when": 'metric["other"].value > 0'},
    ],
    "metrics": {"alarm": 1e9},
}
LIFE = (
    Line("", "watch", options={"policy": json.dumps(POLICY)}),
    Line("", "metrics", ("p99", "100"), {"times": "12"}),
    Line("", "rows", ("240",)),
    Line("", "rows", ("120",), {"wrong": "0.4"}),
    Line("", "metrics", ("p99", "300")),
    Line("", "rows", ("60",)),
    Line("", "rows", ("60",)),
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a service with a model whose loss rose and was accepted, and which then became slow for good."""
    with on_stage() as stage:
        for line in LIFE:
            stage.play(line)
        yield stage.service


def derived(service: Service, judge: str) -> list[Derivation]:
    """Make again what *judge* decided."""
    positions = [step.recorded.position for step in service.steps(MODEL) if getattr(step.fact, "evidence", "")]
    return [found for found in (service.explain(MODEL, position) for position in positions) if found.judge == judge]


def looks(found: Derivation) -> list[dict[str, Any]]:
    """Give the signals of the windows that a decision rests on."""
    return [one["signals"] for one in found.inputs["looks"]]


@pytest.mark.parametrize(
    ("judge", "event"),
    [
        ("conditions_accept@1", "alarm_cleared"),
        ("conditions@1", "alarm_raised"),
        ("conditions_resolve@1", "decline_confirmed"),
    ],
)
def test_what_conditions_decided_is_derived_again_bit_for_bit(service: Service, judge: str, event: str) -> None:
    [found] = derived(service, judge)

    assert (found.equal, found.recorded.type) == (True, event)


def test_the_evidence_names_the_library_and_what_is_not_known(service: Service) -> None:
    [found] = derived(service, "conditions@1")

    assert found.inputs["engine"] == f"common-expression-language {version('common-expression-language')}"
    assert [signals['metric["p99"].value'] for signals in looks(found)][-2:] == [300.0, 300.0]
    assert {signals['metric["other"].value'] for signals in looks(found)} == {None}


def test_an_accepted_alarm_stands_on_record_beside_its_acceptance(service: Service) -> None:
    [found] = derived(service, "conditions_accept@1")
    types = [step.recorded.type for step in service.steps(MODEL)]

    assert found.inputs["subject"] == "fine"
    assert types.index("alarm_raised") < types.index("alarm_cleared")


def test_the_whole_log_is_made_again(service: Service) -> None:
    found = service.verify()

    assert (found.failed, found.rederived) == (0, found.decisions)


def test_what_is_no_number_is_not_known_and_keeps_no_row_from_being_looked_at() -> None:
    policy = {
        "windows": {"rows": 20},
        "metrics": {"baseline_points": 2},
        "conditions": [
            {"name": "higher", "when": 'metric["p99"].ratio > 2.0'},
            {"name": "high", "when": 'metric["p99"].value > 2.0'},
        ],
    }
    life = (
        Line("", "watch", options={"policy": json.dumps(policy)}),
        Line("", "metrics", ("p99", "1e-300"), {"times": "2"}),
        Line("", "metrics", ("p99", "1e300")),
        Line("", "rows", ("60",)),
    )
    with on_stage() as stage:
        for line in life:
            stage.play(line)
        [found] = derived(stage.service, "conditions@1")

    assert (found.equal, found.recorded.type) == (True, "alarm_raised")
    assert looks(found)[-1] == {'metric["p99"].ratio': None, 'metric["p99"].value': 1e300}
