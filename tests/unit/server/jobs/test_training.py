"""Claims about results: taken in once, by the attempt that holds the job, and refused by the name of the field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from server.errors import Invalid, ThingMissing
from server.service import Service
from statemachine.errors import StaleLease
from tests.fixtures.jobs import (
    a_report,
    an_entry,
    events,
    hand_in,
    leased,
    place,
    uploaded,
    won,
)


def test_a_winner_becomes_a_candidate_in_shadow(service: Service) -> None:
    hand_in(service, leased(service), won(), uploaded(service))

    assert place(service) == "canary.shadow"
    assert service.state("m").candidate == "remedy-1"
    assert service.manifest("m", "remedy-1") == uploaded(service)


def test_a_result_is_taken_in_once(service: Service) -> None:
    job = leased(service)
    first = hand_in(service, job, won(), uploaded(service))
    after = events(service)

    assert (first, hand_in(service, job, won(), uploaded(service))) == (False, True)
    assert events(service) == after


def test_where_nobody_wins_the_champion_stays_and_the_gates_say_why(service: Service) -> None:
    hand_in(service, leased(service), a_report("nothing", an_entry("all", "refit", 0.0)))

    assert place(service) == "healthy."
    assert events(service)[-2:] == ["gates_judged", "state_changed"]
    assert "candidate_trained" not in events(service)


def test_what_the_job_does_not_offer_becomes_no_candidate(service: Service) -> None:
    job, before = leased(service), events(service)

    with pytest.raises(Invalid, match=r"entrants\[0\]\.remedy: 'restore' is not accepted; recalibrate, refit as"):
        hand_in(service, job, won("restore", "restore"))
    assert events(service) == before


@pytest.mark.parametrize("attempt", [0, 2])
def test_a_result_of_another_attempt_changes_nothing(service: Service, attempt: int) -> None:
    job, before = leased(service), events(service)

    with pytest.raises(StaleLease, match="attempt 1 does"):
        hand_in(service, replace(job, attempt=attempt), won(), uploaded(service))
    assert events(service) == before


def test_a_lost_lease_is_refused_by_the_name_of_what_was_asked_for(service: Service) -> None:
    job = leased(service)

    with pytest.raises(StaleLease, match="fail is refused in leased: attempt 2 of"):
        service.jobs.fail(job.job, 2, "CRASHED", "boom").result()
    with pytest.raises(StaleLease, match="complete is refused in leased: attempt 2 of"):
        hand_in(service, replace(job, attempt=2), won(), uploaded(service))
    with pytest.raises(StaleLease, match="upload is refused in leased: attempt 2 of"):
        service.jobs.held(job.job, 2, "upload")


def test_a_job_that_never_was_is_missing(service: Service) -> None:
    job = leased(service)

    with pytest.raises(ThingMissing, match="ghost"):
        hand_in(service, replace(job, job="ghost"), won())


WITHOUT_ENTRANTS = {name: value for name, value in won().items() if name != "entrants"}


@pytest.mark.parametrize(
    ("report", "field"),
    [
        ({}, "report_json"),
        (WITHOUT_ENTRANTS, "report_json"),
        ({**won(), "chosen": "recent"}, "report_json.chosen"),
        ({**won(), "chosen": "nothing"}, "report_json.chosen"),
        ({**won(), "chosen": None}, "report_json.chosen"),
        ({**won(), "rows": "many"}, "report_json.rows"),
        ({**won(), "holdout": [1]}, "report_json.holdout"),
        ({**won(), "skipped": []}, "report_json.skipped"),
        ({**won(), "champion": [[1, 2]]}, "report_json.champion[0]"),
        ({**won(), "champion": "best"}, "report_json.champion"),
        ({**won(), "entrants": {}}, "report_json.entrants"),
        (a_report("all", "all"), "report_json.entrants[0]"),  # type: ignore[arg-type]  # as a hostile worker might
        (a_report("all", {"name": "all"}), "report_json.entrants[0]"),
        (a_report("all", an_entry("all", "refit", 0.2, name=1)), "report_json.entrants[0].name"),
        (a_report("all", an_entry("all", "witchcraft", 0.2)), "report_json.entrants[0].remedy"),
        (a_report("all", an_entry("all", "refit", 0.2, rows=[[0]])), "report_json.entrants[0].rows[0]"),
        (a_report("all", an_entry("all", "refit", 0.2, lead=[])), "report_json.entrants[0].lead"),
        (a_report("all", an_entry("all", "refit", 0.2, lead=[[1, 0.5, 1]])), "report_json.entrants[0].lead[0][1]"),
        (a_report("all", an_entry("all", "refit", 0.2, lead=[[-1, 0, 0]])), "report_json.entrants[0].lead[0][0]"),
        (a_report("all", an_entry("all", "refit", 0.2, extreme=None)), "report_json.entrants[0].extreme"),
        (a_report("all", an_entry("all", "refit", 0.2, churn=float("nan"))), "report_json.entrants[0].churn"),
    ],
)
def test_a_report_that_nobody_can_judge_is_refused_by_its_field(
    service: Service, report: dict[str, Any], field: str
) -> None:
    job = leased(service)
    before = events(service)

    with pytest.raises(Invalid) as caught:
        hand_in(service, job, report, uploaded(service))

    assert caught.value.violations[0][0] == field
    assert events(service) == before
    assert hand_in(service, job, won(), uploaded(service)) is False  # the lease still stands


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"trusted_types": ["builtins.eval"]}, "builtins.eval"),
        ({"task": "regression"}, "task: 'regression'"),
        ({"format": "recalibration"}, "format: 'recalibration'"),
        ({"format": "pickle"}, "format 'pickle'"),
    ],
)
def test_an_artefact_that_the_template_does_not_allow_is_refused(
    service: Service, changes: dict[str, Any], named: str
) -> None:
    job = leased(service)

    with pytest.raises(Invalid, match="artifact_sha256s") as caught:
        hand_in(service, job, won(), uploaded(service, **changes))

    assert named in str(caught.value)
    assert place(service) == "retraining.leased"


def test_a_recalibration_comes_as_one(service: Service) -> None:
    job = leased(service)
    report = won("recalibrate", "recalibrate")

    with pytest.raises(Invalid, match="'recalibration' is"):
        hand_in(service, job, report, uploaded(service))
    hand_in(service, job, report, uploaded(service, format="recalibration", base_version="v1"))
    assert place(service) == "canary.shadow"


CORRECTED: dict[str, Any] = {"format": "recalibration", "base_version": "v1"}


@pytest.mark.parametrize(
    ("remedy", "changes", "named"),
    [
        ("recalibrate", {**CORRECTED, "base_version": "v0"}, "base_version: 'v0' is not accepted; 'v1' is"),
        ("recalibrate", {**CORRECTED, "base_version": ""}, "base_version: '' is not accepted; 'v1' is"),
        ("recalibrate", {**CORRECTED, "base_manifest_sha256": "b" * 64}, "base_manifest_sha256: 'bbb"),
        ("refit", {"base_version": "v1"}, "base_version: 'v1' is not accepted; none is"),
        ("refit", {"base_manifest_sha256": "b" * 64}, "base_manifest_sha256: 'bbb"),
    ],
)
def test_a_candidate_of_another_base_than_its_jobs_is_refused(
    service: Service, remedy: str, changes: dict[str, Any], named: str
) -> None:
    job = leased(service)

    with pytest.raises(Invalid, match="artifact_sha256s") as caught:
        hand_in(service, job, won("all", remedy), uploaded(service, **changes))

    assert named in str(caught.value)
    assert place(service) == "retraining.leased"


def test_a_recalibration_corrects_the_champion_by_its_own_manifest_or_none(service: Service) -> None:
    job, report = leased(service), won("all", "recalibrate")
    kept = uploaded(service, b"champion")
    service.register_artifact("m", "v1", kept).result()

    with pytest.raises(Invalid, match=f"that of 'v1', '{kept}', is"):
        hand_in(service, job, report, uploaded(service, **CORRECTED, base_manifest_sha256=uploaded(service)))
    hand_in(service, job, report, uploaded(service, **CORRECTED, base_manifest_sha256=kept))
    assert place(service) == "canary.shadow"


def test_bytes_that_were_never_uploaded_are_missing(service: Service) -> None:
    job = leased(service)
    lonely = service.desk.blobs.put(service.desk.blobs.get(uploaded(service)).replace(b'"seed":0', b'"seed":1'))
    alone = uploaded(service, b"never kept", artifact_sha256="f" * 64)

    for artifacts, kind in (((), Invalid), (("e" * 64,), ThingMissing), ((alone,), ThingMissing)):
        with pytest.raises(kind, match="artifact_sha256s"):
            hand_in(service, job, won(), *artifacts)
    assert hand_in(service, job, won(), lonely) is False
