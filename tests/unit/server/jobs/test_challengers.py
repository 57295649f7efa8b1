"""Claims about the jobs of challengers."""

from __future__ import annotations

import json

import orjson

from server.jobs.leasing import MOST_ATTEMPTS
from server.requests import MetricsBatch, Point
from server.service import Service
from server.views import etag_of
from tests.fixtures.jobs import (
    WORKER,
    a_report,
    an_entry,
    compete,
    events,
    expire,
    hand_in,
    leased,
    place,
)
from tests.fixtures.services import Feed


def test_a_challenge_that_finds_nothing_leaves_the_model_healthy(challenged: Service) -> None:
    job = leased(challenged)

    hand_in(challenged, job, a_report(job, "nothing", an_entry(job, "recent", 0.0)))

    assert (job.kind, place(challenged)) == ("challenge", "healthy.")
    assert events(challenged)[-1] == "challenge_judged"
    assert challenged.state("m").job == ""


def test_a_challenger_that_fails_three_times_is_forgotten(challenged: Service) -> None:
    answers = []
    for _ in range(MOST_ATTEMPTS):
        job = leased(challenged)
        answers.append(challenged.jobs.fail(job.job, job.attempt, "CRASHED", "").result())

    assert answers == [True, True, False]
    assert events(challenged)[-1] == "challenge_failed"
    assert challenged.state("m").job == ""


def test_a_challenger_that_comes_too_late_changes_nothing(challenged: Service) -> None:
    job = leased(challenged)
    challenged.start_retraining("m", "", "", [], WORKER).result()

    hand_in(challenged, job, a_report(job, "nothing", an_entry(job, "recent", 0.5)))

    assert place(challenged) == "retraining.queued"
    assert events(challenged)[-1] == "challenge_failed"


def measure(service: Service, start: int, values: list[float]) -> None:
    """Send points of a rate, of which more is worse."""
    points = [
        Point(name="rate", time_us=1_000_000 * (start + i), value=value, higher_is_worse=True, tolerance=0.2)
        for i, value in enumerate(values)
    ]
    service.ingest_metrics(MetricsBatch(model="m", request_id=f"at-{start}", points=points)).result()


def rounds(service: Service) -> list[int]:
    """Say of how many rounds each challenge was judged that was."""
    judged = [one.payload for one in service.events("m", 0, 1_000) if one.type == "challenge_judged"]
    hashes = [orjson.loads(payload)["evidence"] for payload in judged if payload is not None]
    bodies = service.store.read(lambda reader: [reader.evidence(sha256) for sha256 in hashes])
    return [len(orjson.loads(body)["inputs"]["challenges"]) for body in bodies]


def test_a_challenge_that_a_suspicion_of_something_else_overtakes_is_judged_and_counts_on(challenged: Service) -> None:
    job = leased(challenged)
    measure(challenged, 10_000, [0.1] * 12 + [0.5] * 2)
    suspected = place(challenged)

    hand_in(challenged, job, a_report(job, "nothing", an_entry(job, "recent", 0.0)))
    measure(challenged, 20_000, [0.1] * 12)
    feed = Feed(challenged)
    feed.skip_to(80)
    feed.labels(feed.rows(20), [0.0, 1.0] * 10)
    compete(challenged, 0.0)

    assert (suspected, place(challenged)) == ("suspect.", "healthy.")
    assert "challenge_failed" not in events(challenged)
    assert events(challenged).count("challenges_kept") == 1
    assert rounds(challenged) == [1, 2]


def test_a_lead_that_shows_during_a_suspicion_of_something_else_raises_no_alarm_before_that_has_passed(
    challenged: Service,
) -> None:
    job = leased(challenged)
    measure(challenged, 10_000, [0.1] * 12 + [0.5] * 2)

    hand_in(challenged, job, a_report(job, "nothing", an_entry(job, "recent", 0.5)))
    alone = events(challenged).count("alarm_raised")
    measure(challenged, 20_000, [0.1] * 12)
    feed = Feed(challenged)
    feed.skip_to(80)
    feed.labels(feed.rows(20), [0.0, 1.0] * 10)
    compete(challenged, 0.5)

    assert (alone, events(challenged).count("alarm_raised")) == (1, 2)
    assert rounds(challenged) == [1, 2]


def test_a_challenger_whose_worker_falls_silent_is_leased_again(challenged: Service) -> None:
    leased(challenged)
    expire(challenged)

    assert (leased(challenged, "another").attempt, place(challenged)) == (2, "healthy.")


def test_the_challenger_of_a_retired_model_is_forgotten(challenged: Service) -> None:
    job = leased(challenged)
    challenged.retire_model("m", "", "").result()

    told = challenged.jobs.heartbeat(job.job, job.attempt, 0, "").result()[1]
    expired = expire(challenged)

    assert (told, expired) == (True, 1)
    assert challenged.jobs.lease("another").result() is None


def test_a_waiting_challenger_of_a_retired_model_is_never_leased(challenged: Service) -> None:
    waited = challenged.state("m").job
    challenged.retire_model("m", "", "").result()

    assert (waited, challenged.state("m").job) == ("m-1", "")
    assert challenged.jobs.lease("w").result() is None
    assert challenged.store.read(lambda reader: [job.status for job in reader.jobs()]) == ["failed"]


def without_challengers(service: Service) -> None:
    """Change the policy so that no challenger is asked for."""
    policy = json.dumps({"regret": {"every": 0}})
    service.update_model("m", etag_of(service.state("m").version), None, None, policy).result()


def test_a_challenger_that_the_policy_asks_for_no_more_is_forgotten(challenged: Service) -> None:
    job = leased(challenged)
    without_challengers(challenged)

    hand_in(challenged, job, a_report(job, "nothing", an_entry(job, "recent", 0.5)))

    assert (place(challenged), events(challenged)[-1]) == ("healthy.", "challenge_failed")


def test_a_lead_that_is_looked_into_is_looked_into_to_its_end(challenged: Service) -> None:
    compete(challenged, 0.5)
    suspected = place(challenged)
    without_challengers(challenged)
    feed = Feed(challenged)
    feed.skip_to(80)
    feed.labels(feed.rows(20), [0.0, 1.0] * 10)

    compete(challenged, -0.3)

    assert (suspected, place(challenged)) == ("suspect.", "healthy.")
