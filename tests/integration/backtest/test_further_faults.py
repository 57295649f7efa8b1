"""Faults that no count tells, through the whole service: their detector, what is derived again, and what is trained."""

from __future__ import annotations

import pytest

from tests.fixtures.faults import lived, planted

DETECTORS = [("code", "quality_sentinel@2")]


@pytest.mark.parametrize(("fault", "detector"), DETECTORS)
def test_a_fault_is_found_by_its_detector_starts_no_retraining_and_is_derived_again(fault: str, detector: str) -> None:
    events, audit = lived(planted(fault, 1))

    alarm = next(event["payload"] for event in events if event["type"] == "alarm_raised")
    assert (alarm["detector"], alarm["subject"]) == (detector, "a")
    assert not [event for event in events if event["type"] == "remediation_started"]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
    assert audit.decisions >= 3


@pytest.mark.parametrize(("fault", "detector"), DETECTORS)
def test_a_policy_that_does_not_look_for_a_fault_hears_nothing_of_it(fault: str, detector: str) -> None:
    events, audit = lived(planted(fault, 1), quality={"looks_for": []})

    detectors = [event["payload"]["detector"] for event in events if event["type"] == "alarm_raised"]
    assert detector not in detectors
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
