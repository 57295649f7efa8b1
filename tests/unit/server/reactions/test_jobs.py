"""What a remedy learns of rows in quarantine: nothing, unless a person has asked for it."""

from __future__ import annotations

import pytest

from server.reactions.jobs import overruled
from statemachine.health import TRUTH, Alarm, ModelHealth, Remediation
from statemachine.words import DEGRADED


def a_model(cause: str, about: str, requested_by: str) -> ModelHealth:
    """Give a model with a remedy under way, whose alarm is about this and explained by *cause*."""
    alarm = Alarm(signal="quality", subject=about, onset_row=0, at_row=9, log_evidence=9.0, evidence="")
    remedy = Remediation(number=1, returns_to=DEGRADED, requested_by=requested_by)
    return ModelHealth(cause=cause, alarm=alarm, remediation=remedy)


@pytest.mark.parametrize(
    ("cause", "about", "by", "says"),
    [
        ("data_quality", "x", "ann", True),
        ("data_quality", "x", "service", False),
        ("label_quality", TRUTH, "ann", True),
        ("label_quality", TRUTH, "service", False),
        ("label_quality", "x", "ann", False),
        ("concept_change", "x", "ann", False),
    ],
)
def test_a_person_overrules_a_diagnosis_of_broken_data_or_labels_and_the_service_never_does(
    cause: str, about: str, by: str, *, says: bool
) -> None:
    assert overruled(a_model(cause, about, by)) is says


def test_without_a_remedy_nobody_has_overruled_anything() -> None:
    assert not overruled(ModelHealth(cause="data_quality"))
