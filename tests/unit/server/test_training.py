"""Claims about jobs: leased once, fenced by their attempt, taken in once, and refused by the name of the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from server import leasing
from server.act import Caller
from server.errors import Invalid, ThingMissing
from server.leasing import LEASE_US, MOST_ATTEMPTS
from server.service import Service
from server.views import JobView
from statemachine.errors import Refused, StaleLease
from tests.fixtures.jobs import WORKER, a_report, an_entry, hand_in, uploaded, won
from tests.fixtures.services import Feed, a_model, a_service

FAR_US = 1 << 60


@pytest.fixture
def service() -> Iterator[Service]:
    """Give a service with a model whose remedy waits for a worker."""
    with a_service() as made:
        made.create_model(a_model()).result()
        made.start_retraining("m", "", "try", [], WORKER).result()
        yield made


@pytest.fixture
def challenged() -> Iterator[Service]:
    """Give a service with a healthy model whose challenger waits for a worker."""
    with a_service() as made:
        made.create_model(a_model()).result()
        feed = Feed(made)
        feed.labels(feed.rows(20), [0.0, 1.0] * 10)
        yield made


def leased(service: Service, worker: str = "w") -> JobView:
    job = service.lease_job(worker).result()
    assert job is not None
    return job


def place(service: Service) -> str:
    state = service.state("m")
    return f"{state.state}.{state.phase}"


def events(service: Service) -> list[str]:
    return [event.type for event in service.events("m", 0, 1_000)]


def expire(service: Service, now_us: int = FAR_US) -> int:
    return service.do(lambda unit: leasing.expire_leases(service.desk, unit, now_us)).result()


# Leases.


def test_a_job_is_leased_once(service: Service) -> None:
    job = leased(service)

    assert (job.job, job.kind, job.model, job.attempt) == ("m-1", "remedy", "m", 1)
    assert place(service) == "retraining.leased"
    assert service.lease_job("another").result() is None


def test_a_worker_that_asks_again_gets_the_job_that_it_holds(service: Service) -> None:
    first, before = leased(service), events(service)

    assert leased(service) == first
    assert events(service) == before


def test_a_job_says_all_that_its_result_depends_on(service: Service) -> None:
    job = leased(service)

    assert job.spec["spec"]["dataset"] == job.datasets[0]
    assert service.desk.blobs.exists(job.datasets[0])
    assert job.spec["policy"]["bakeoff"]["least_lead"] == 1.0
    assert job.spec["base_manifest"] == ""


@pytest.mark.parametrize(("kinds", "given"), [(("challenge",), False), (("remedy",), True), ((), True)])
def test_a_worker_gets_only_the_kinds_that_it_asks_for(
    service: Service, kinds: tuple[str, ...], *, given: bool
) -> None:
    assert (service.lease_job("w", kinds).result() is not None) == given


def test_nothing_is_leased_before_a_person_has_agreed() -> None:
    with a_service() as service:
        new = a_model()
        new.policy["approvals"] = {"required": True}
        service.create_model(new).result()
        service.start_retraining("m", "", "", [], WORKER).result()
        waiting = service.lease_job("w").result()
        service.operate("approve", "m", "", "", Caller(actor="ann")).result()

        assert waiting is None
        assert leased(service).job == "m-1"


def test_the_job_of_a_stopped_remedy_is_never_leased(service: Service) -> None:
    service.operate("abort", "m", "", "").result()

    assert service.lease_job("w").result() is None
    assert service.store.read(lambda reader: [job.status for job in reader.jobs()]) == ["failed"]


# Heartbeats.


def test_a_heartbeat_keeps_the_lease(service: Service) -> None:
    job = leased(service)

    until_us, give_up = service.heartbeat(job.job, job.attempt, 5_000, "half").result()

    assert until_us >= job.lease_deadline_us
    assert not give_up
    assert expire(service, until_us - 1) == 0


@pytest.mark.parametrize(("job", "attempt"), [("ghost", 1), ("m-1", 0), ("m-1", 2)])
def test_who_does_not_hold_the_job_is_told_to_give_up(service: Service, job: str, attempt: int) -> None:
    leased(service)

    assert service.heartbeat(job, attempt, 0, "").result()[1]


def test_a_heartbeat_after_the_end_is_told_to_give_up(service: Service) -> None:
    job = leased(service)
    hand_in(service, job, a_report())

    assert service.heartbeat(job.job, job.attempt, 0, "").result()[1]


# Results.


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


@pytest.mark.parametrize("attempt", [0, 2])
def test_a_result_of_another_attempt_changes_nothing(service: Service, attempt: int) -> None:
    job, before = leased(service), events(service)

    with pytest.raises(StaleLease, match="attempt 1 does"):
        hand_in(service, replace(job, attempt=attempt), won(), uploaded(service))
    assert events(service) == before


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
    hand_in(service, job, report, uploaded(service, format="recalibration"))
    assert place(service) == "canary.shadow"


def test_bytes_that_were_never_uploaded_are_missing(service: Service) -> None:
    job = leased(service)
    lonely = service.desk.blobs.put(service.desk.blobs.get(uploaded(service)).replace(b'"seed":0', b'"seed":1'))
    alone = uploaded(service, b"never kept", artifact_sha256="f" * 64)

    for artifacts, kind in (((), Invalid), (("e" * 64,), ThingMissing), ((alone,), ThingMissing)):
        with pytest.raises(kind, match="artifact_sha256s"):
            hand_in(service, job, won(), *artifacts)
    assert hand_in(service, job, won(), lonely) is False


# Failures.


def test_a_failed_attempt_is_tried_again_under_a_higher_number(service: Service) -> None:
    job = leased(service)

    again = service.fail_job(job.job, job.attempt, "CRASHED", "boom").result()

    assert again
    assert (leased(service, "another").attempt, place(service)) == (2, "retraining.leased")
    with pytest.raises(StaleLease):
        hand_in(service, job, won(), uploaded(service))


def test_after_the_last_attempt_the_remedy_is_abandoned(service: Service) -> None:
    answers = []
    for _ in range(3):
        job = leased(service)
        answers.append(service.fail_job(job.job, job.attempt, "OUT_OF_MEMORY", "").result())

    assert answers == [True, True, False]
    assert (place(service), service.state("m").reason) == ("healthy.", "TRAIN_FAILED")
    assert service.lease_job("w").result() is None


def test_a_failure_of_a_job_that_was_handed_in_changes_nothing(service: Service) -> None:
    job = leased(service)
    hand_in(service, job, won(), uploaded(service))
    before = events(service)

    assert not service.fail_job(job.job, job.attempt, "CRASHED", "").result()
    assert events(service) == before


def test_the_job_of_a_silent_worker_goes_back_to_the_queue(service: Service) -> None:
    job = leased(service)

    early, late, again = (expire(service, at) for at in (job.lease_deadline_us - 1, job.lease_deadline_us, FAR_US))

    assert (early, late, again) == (0, 1, 0)
    assert place(service) == "retraining.queued"
    assert leased(service, "another").attempt == 2
    assert service.heartbeat(job.job, 1, 0, "").result()[1]


def test_a_worker_lost_three_times_ends_the_remedy(service: Service) -> None:
    for _ in range(3):
        leased(service)
        expire(service)

    assert (place(service), service.state("m").reason) == ("healthy.", "TRAIN_FAILED")
    assert events(service).count("lease_expired") == 3


def test_a_lease_lasts_a_minute_from_its_last_sign_of_life(service: Service) -> None:
    job = leased(service)

    until_us = service.heartbeat(job.job, job.attempt, 0, "").result()[0]

    assert until_us - job.lease_deadline_us < LEASE_US
    assert expire(service, until_us - 1) == 0


# Remedies that are stopped under a worker's hands.


def stop_abort(service: Service) -> None:
    service.operate("abort", "m", "", "").result()


def stop_freeze(service: Service) -> None:
    service.operate("freeze", "m", "", "").result()


def stop_overdue(service: Service) -> None:
    wait = service.state("m").wait
    assert wait is not None
    service.fire_timers(wait.due_us).result()


def stop_retire(service: Service) -> None:
    service.retire_model("m", "", "").result()


STOPS = pytest.mark.parametrize("stop", [stop_abort, stop_freeze, stop_overdue, stop_retire])


@STOPS
def test_a_worker_whose_remedy_was_stopped_is_told_to_give_up(
    service: Service, stop: Callable[[Service], None]
) -> None:
    job = leased(service)
    stop(service)

    assert service.heartbeat(job.job, job.attempt, 0, "").result()[1]


@STOPS
def test_what_a_stopped_remedy_still_hands_in_is_refused(service: Service, stop: Callable[[Service], None]) -> None:
    job = leased(service)
    stop(service)
    before = events(service)

    with pytest.raises(Refused):
        hand_in(service, job, won(), uploaded(service))
    with pytest.raises(Refused):
        service.fail_job(job.job, job.attempt, "CRASHED", "").result()
    assert events(service) == before


@STOPS
def test_the_job_of_a_stopped_remedy_keeps_no_other_from_its_worker(
    service: Service, stop: Callable[[Service], None]
) -> None:
    leased(service)
    stop(service)
    service.create_model(a_model("n")).result()
    service.start_retraining("n", "", "", [], WORKER).result()

    assert leased(service).model == "n"  # the same worker does not get the stopped job again
    expire(service)

    assert service.state("n").phase == "queued"
    assert service.store.read(lambda reader: {job.job_id: job.status for job in reader.jobs()}) == {
        "m-1": "failed", "n-1": "queued",
    }  # fmt: skip


# Challengers.


def test_a_challenge_that_finds_nothing_leaves_the_model_healthy(challenged: Service) -> None:
    job = leased(challenged)

    hand_in(challenged, job, a_report("nothing", an_entry("recent", "refit", 0.0), holdout=[70, 80]))

    assert (job.kind, place(challenged)) == ("challenge", "healthy.")
    assert events(challenged)[-1] == "challenge_judged"
    assert challenged.state("m").job == ""


def test_a_challenger_that_fails_three_times_is_forgotten(challenged: Service) -> None:
    answers = []
    for _ in range(MOST_ATTEMPTS):
        job = leased(challenged)
        answers.append(challenged.fail_job(job.job, job.attempt, "CRASHED", "").result())

    assert answers == [True, True, False]
    assert events(challenged)[-1] == "challenge_failed"
    assert challenged.state("m").job == ""


def test_a_challenger_that_comes_too_late_changes_nothing(challenged: Service) -> None:
    job = leased(challenged)
    challenged.start_retraining("m", "", "", [], WORKER).result()

    hand_in(challenged, job, a_report("nothing", an_entry("recent", "refit", 0.3), holdout=[70, 80]))

    assert place(challenged) == "retraining.queued"
    assert events(challenged)[-1] == "challenge_failed"


def test_a_challenger_whose_worker_falls_silent_is_leased_again(challenged: Service) -> None:
    leased(challenged)
    expire(challenged)

    assert (leased(challenged, "another").attempt, place(challenged)) == (2, "healthy.")


def test_the_challenger_of_a_retired_model_is_forgotten(challenged: Service) -> None:
    job = leased(challenged)
    challenged.retire_model("m", "", "").result()

    told = challenged.heartbeat(job.job, job.attempt, 0, "").result()[1]
    expired = expire(challenged)

    assert (told, expired) == (True, 1)
    assert challenged.lease_job("another").result() is None


def test_a_waiting_challenger_of_a_retired_model_is_never_leased(challenged: Service) -> None:
    challenged.retire_model("m", "", "").result()

    assert challenged.lease_job("w").result() is None
    assert challenged.store.read(lambda reader: [job.status for job in reader.jobs()]) == ["failed"]
