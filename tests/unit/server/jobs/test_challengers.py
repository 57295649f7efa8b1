"""Claims about the jobs of challengers."""

from __future__ import annotations

from server.jobs.leasing import MOST_ATTEMPTS
from server.service import Service
from tests.fixtures.jobs import (
    WORKER,
    a_report,
    an_entry,
    events,
    expire,
    hand_in,
    leased,
    place,
)


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
