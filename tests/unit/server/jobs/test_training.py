"""Claims about results: taken in once, by the attempt that holds the job, and refused by the name of the field."""

from __future__ import annotations

from collections.abc import Callable
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
    trained,
    uploaded,
    won,
)


def test_a_winner_becomes_a_candidate_in_shadow(service: Service) -> None:
    job = leased(service)
    hand_in(service, job, won(job), trained(service, job))

    assert place(service) == "canary.shadow"
    assert service.state("m").candidate == "remedy-1"
    assert service.manifest("m", "remedy-1") == trained(service, job)


def test_a_result_is_taken_in_once(service: Service) -> None:
    job = leased(service)
    first = hand_in(service, job, won(job), trained(service, job))
    after = events(service)

    assert (first, hand_in(service, job, won(job), trained(service, job))) == (False, True)
    assert events(service) == after


def test_where_nobody_wins_the_champion_stays_and_the_gates_say_why(service: Service) -> None:
    job = leased(service)
    hand_in(service, job, a_report(job, "nothing", an_entry(job, "recent", 0.0)))

    assert place(service) == "healthy."
    assert events(service)[-2:] == ["gates_judged", "state_changed"]
    assert "candidate_trained" not in events(service)


def test_what_the_job_does_not_offer_becomes_no_candidate(service: Service) -> None:
    job, before = leased(service), events(service)

    with pytest.raises(Invalid, match=r"entrants\[0\]\.remedy: 'restore' is not accepted; 'refit' as in the job"):
        hand_in(service, job, a_report(job, "recent", an_entry(job, "recent", 0.2, remedy="restore")))
    assert events(service) == before


@pytest.mark.parametrize("attempt", [0, 2])
def test_a_result_of_another_attempt_changes_nothing(service: Service, attempt: int) -> None:
    job, before = leased(service), events(service)

    with pytest.raises(StaleLease, match="attempt 1 does"):
        hand_in(service, replace(job, attempt=attempt), won(job), trained(service, job))
    assert events(service) == before


def test_a_job_that_never_was_is_missing(service: Service) -> None:
    job = leased(service)

    with pytest.raises(ThingMissing, match="ghost"):
        hand_in(service, replace(job, job="ghost"), won(job))


def of_it(**changes: Any) -> Callable[[dict[str, Any]], object]:
    """Change its one entrant."""
    return lambda told: told["entrants"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda told: told.clear(), "report_json"),
        (lambda told: told.pop("entrants"), "report_json"),
        (lambda told: told.update(chosen="recalibrate"), "report_json.chosen"),
        (lambda told: told.update(chosen="nothing"), "report_json.chosen"),
        (lambda told: told.update(chosen=None), "report_json.chosen"),
        (lambda told: told.update(rows="many"), "report_json.rows"),
        (lambda told: told.update(holdout=[1]), "report_json.holdout"),
        (lambda told: told.update(skipped=[]), "report_json.skipped"),
        (lambda told: told.update(champion=[[1, 2]]), "report_json.champion[0]"),
        (lambda told: told.update(champion="best"), "report_json.champion"),
        (lambda told: told.update(entrants={}), "report_json.entrants"),
        (lambda told: told.update(entrants=["recent"]), "report_json.entrants[0]"),
        (lambda told: told.update(entrants=[{"name": "recent"}]), "report_json.entrants[0]"),
        (of_it(name=1), "report_json.entrants[0].name"),
        (of_it(remedy="witchcraft"), "report_json.entrants[0].remedy"),
        (of_it(rows=[[0]]), "report_json.entrants[0].rows[0]"),
        (of_it(lead=[]), "report_json.entrants[0].lead"),
        (of_it(lead=[[1, 0.5, 1]]), "report_json.entrants[0].lead[0][1]"),
        (of_it(lead=[[-1, 0, 0]]), "report_json.entrants[0].lead[0][0]"),
        (of_it(extreme=None), "report_json.entrants[0].extreme"),
        (of_it(churn=float("nan")), "report_json.entrants[0].churn"),
    ],
)
def test_a_report_that_nobody_can_judge_is_refused_by_its_field(
    service: Service, change: Callable[[dict[str, Any]], object], field: str
) -> None:
    job = leased(service)
    report, before = won(job), events(service)
    change(report)

    with pytest.raises(Invalid) as caught:
        hand_in(service, job, report, trained(service, job))

    assert caught.value.violations[0][0] == field
    assert events(service) == before
    assert hand_in(service, job, won(job), trained(service, job)) is False  # the lease still stands


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
        hand_in(service, job, won(job), trained(service, job, **changes))

    assert named in str(caught.value)
    assert place(service) == "retraining.leased"


def test_a_recalibration_comes_as_one(service: Service) -> None:
    job = leased(service)
    report = won(job, "recalibrate")

    with pytest.raises(Invalid, match="'recalibration' is"):
        hand_in(service, job, report, trained(service, job, "recalibrate", format="skops"))
    hand_in(service, job, report, trained(service, job, "recalibrate"))
    assert place(service) == "canary.shadow"


@pytest.mark.parametrize(
    ("winner", "changes", "named"),
    [
        ("recalibrate", {"base_version": "v0"}, "base_version: 'v0' is not accepted; 'v1' is"),
        ("recalibrate", {"base_version": ""}, "base_version: '' is not accepted; 'v1' is"),
        ("recalibrate", {"base_manifest_sha256": "b" * 64}, "base_manifest_sha256: 'bbb"),
        ("recent", {"base_version": "v1"}, "base_version: 'v1' is not accepted; none is"),
        ("recent", {"base_manifest_sha256": "b" * 64}, "base_manifest_sha256: 'bbb"),
    ],
)
def test_a_candidate_of_another_base_than_its_jobs_is_refused(
    service: Service, winner: str, changes: dict[str, Any], named: str
) -> None:
    job = leased(service)

    with pytest.raises(Invalid, match="artifact_sha256s") as caught:
        hand_in(service, job, won(job, winner), trained(service, job, winner, **changes))

    assert named in str(caught.value)
    assert place(service) == "retraining.leased"


def test_a_recalibration_corrects_the_champion_by_its_own_manifest_or_none(service: Service) -> None:
    job = leased(service)
    report = won(job, "recalibrate")
    kept = uploaded(service, b"champion")
    service.register_artifact("m", "v1", kept).result()

    other = trained(service, job, "recalibrate", base_manifest_sha256=uploaded(service))
    with pytest.raises(Invalid, match=f"that of 'v1', '{kept}', is"):
        hand_in(service, job, report, other)
    hand_in(service, job, report, trained(service, job, "recalibrate", base_manifest_sha256=kept))
    assert place(service) == "canary.shadow"


def test_bytes_that_were_never_uploaded_are_missing(service: Service) -> None:
    job = leased(service)
    alone = trained(service, job, artifact_sha256="f" * 64)

    for artifacts, kind in (((), Invalid), (("e" * 64,), ThingMissing), ((alone,), ThingMissing)):
        with pytest.raises(kind, match="artifact_sha256s"):
            hand_in(service, job, won(job), *artifacts)
    assert hand_in(service, job, won(job), trained(service, job)) is False
