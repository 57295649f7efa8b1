"""Claims about results: taken in once, by the attempt that holds the job, and refused by the name of the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from server.errors import Invalid, ThingMissing, TooLarge
from server.jobs.manifests import MOST_MANIFEST_BYTES
from server.requests import Completion
from server.service import Service
from server.views import JobView
from statemachine.errors import StaleLease
from tests.fixtures.jobs import (
    a_report,
    an_entry,
    events,
    hand_in,
    leased,
    manifest_of,
    place,
    trained,
    uploaded,
    won,
)
from tests.fixtures.services import Feed, a_model, a_service


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


def test_a_lost_lease_is_refused_by_the_name_of_what_was_asked_for(service: Service) -> None:
    job = leased(service)

    with pytest.raises(StaleLease, match="fail is refused in leased: attempt 2 of"):
        service.jobs.fail(job.job, 2, "CRASHED", "boom").result()
    with pytest.raises(StaleLease, match="complete is refused in leased: attempt 2 of"):
        hand_in(service, replace(job, attempt=2), won(job), trained(service, job))
    with pytest.raises(StaleLease, match="upload is refused in leased: attempt 2 of"):
        service.jobs.held(job.job, 2, "upload")


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


def assert_refused(service: Service, named: str, winner: str = "recent", **changes: Any) -> None:
    """Hand in a winner whose manifest is changed so: that is refused by what is *named*, and the lease stands."""
    job = leased(service)

    with pytest.raises(Invalid, match="artifact_sha256s") as caught:
        hand_in(service, job, won(job, winner), trained(service, job, winner, **changes))

    assert named in str(caught.value)
    assert place(service) == "retraining.leased"
    assert hand_in(service, job, won(job, winner), trained(service, job, winner)) is False


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
    assert_refused(service, named, **changes)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rows": []}, "rows: [] is not accepted; [[0, 60]] is"),
        ({"rows": [[0, 50]]}, "rows: [[0, 50]] is not accepted; [[0, 60]] is"),
        ({"rows": [[0, 60], [70, 80]]}, "is not accepted; [[0, 60]] is"),
        ({"entrant": "all"}, "entrant: 'all' is not accepted; 'recent' as in the job is"),
        ({"dataset_sha256": "d" * 64}, "dataset_sha256: 'ddd"),
        ({"seed": 7}, "seed: 7 is not accepted; 0 as in the job is"),
        ({"features": []}, "features: [] is not accepted; [{'"),
        ({"classes": ["a"]}, "classes: ['a'] is not accepted; [] as in the job is"),
        ({"template": "hgb-60"}, "template: 'hgb-60' is not accepted; 'hgb-60@1:"),
        ({"params": {"max_iter": 1}}, "params: {'max_iter': 1} is not accepted; {'max_iter': 60} as in the job is"),
    ],
)
def test_a_manifest_of_another_training_than_the_winners_is_refused_by_its_field(
    service: Service, changes: dict[str, Any], named: str
) -> None:
    assert_refused(service, named, **changes)


def changed_of_late(service: Service) -> JobView:
    """Let the loss rise for good, and a worker take the job of the remedy; give the job."""
    service.create_model(replace(a_model(), policy={"regret": {"every": 0}})).result()
    feed = Feed(service)
    feed.labels(feed.rows(40), [0.0, 1.0] * 20)
    for _ in range(2):
        feed.labels(feed.rows(20, output=0.99), [0.0] * 20)
    return leased(service)


@pytest.mark.parametrize("share", [0, 1], ids=["this release", "release 0.1.0"])
def test_rows_since_a_change_are_those_that_a_worker_of_its_release_has_learned(share: int) -> None:
    with a_service() as service:
        job = changed_of_late(service)
        first, end = job.spec["spec"]["holdout"]
        [[begin, stop]] = manifest_of(job, "since_change").rows
        rows = [[begin + share * (end - first), stop]]

        assert (
            hand_in(service, job, won(job, "since_change"), trained(service, job, "since_change", rows=rows)) is False
        )
        assert (stop, place(service)) == (end, "canary.shadow")


def test_the_answers_that_a_report_names_are_those_of_its_manifest(service: Service) -> None:
    job = leased(service)

    for answers in ("6" * 64, ""):
        with pytest.raises(Invalid, match=r"report_json\.semantic_sha256: .*that of the manifest, '555"):
            hand_in(service, job, {**won(job), "semantic_sha256": answers}, trained(service, job))
    with pytest.raises(Invalid, match=r"report_json\.semantic_sha256: .*nothing was trained"):
        hand_in(service, job, a_report(job, semantic_sha256="6" * 64))
    assert place(service) == "retraining.leased"


def test_bytes_that_are_too_many_for_a_manifest_are_read_by_nobody(service: Service) -> None:
    job = leased(service)
    large = service.desk.blobs.put(bytes(MOST_MANIFEST_BYTES + 1))

    with pytest.raises(TooLarge, match="artifact_sha256s"):
        hand_in(service, job, won(job), large)
    assert place(service) == "retraining.leased"


def test_what_was_trained_with_less_isolation_than_the_job_asks_for_is_refused(service: Service) -> None:
    job = leased(service)
    kept = [trained(service, job)]
    done = Completion(job=job.job, attempt=job.attempt, report=won(job), artifacts=kept, isolation="none")

    with pytest.raises(Invalid, match="isolation: 'none' is not accepted; limits, offline, sealed is, as in the job"):
        service.jobs.complete(done).result()
    assert service.jobs.complete(replace(done, isolation="limits")).result() is False


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
    assert_refused(service, named, winner, **changes)


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
