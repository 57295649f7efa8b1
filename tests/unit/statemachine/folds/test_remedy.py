"""What is remembered of a remedy under way, and that the work of challengers is none of it."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from statemachine import events as e
from statemachine.health import ModelHealth, Remediation
from statemachine.kinds import Event
from statemachine.words import DEGRADED
from tests.unit.statemachine.laws import EVIDENCE, born, folded

STARTED = e.RemediationStarted(number=1, returns_to="degraded", requested_by="ann", remedy="restore", version="v0")
PROPOSED = e.ScopeProposed(job="m-1", spec="s", entrants=["all"], at_row=10)
TRAINED = e.CandidateTrained(
    job="m-1", remedy="refit", entrant="all", semantic_sha256="s", at_row=11, version="remedy-1", manifest="of it"
)


def under_way() -> Remediation:
    """Give the remedy that `STARTED` and `PROPOSED` make."""
    return Remediation(
        number=1, returns_to=DEGRADED, requested_by="ann", remedy="restore", version="v0", job="m-1", started_us=1
    )


def remedied(*facts: Event) -> ModelHealth:
    return folded(born(), STARTED, PROPOSED, *facts)


def test_a_remedy_is_remembered_with_who_asked_for_it_since_when_and_its_job() -> None:
    health = folded(replace(born(), improvement=True, judged_row=4), STARTED, PROPOSED)

    assert health.remediation == under_way()
    assert (health.remediations, health.started_us, health.improvement) == (1, (1,), False)
    assert (health.jobs_opened, health.judged_row) == (1, 10)


def test_the_budget_counts_every_start() -> None:
    assert folded(folded(born(), STARTED), dataclasses.replace(STARTED, number=2), at_us=7).started_us == (1, 7)


@pytest.mark.parametrize(
    ("fact", "changes"),
    [
        (e.JobLeased(job="m-1", attempt=2, worker="w"), {"attempt": 2}),
        (e.LeaseExpired(job="m-1", attempt=1), {"attempts_failed": 1}),
        (e.AttemptFailed(job="m-1", attempt=1, failure="CRASHED", note=""), {"attempts_failed": 1}),
        (e.JobLeased(job="m-2", attempt=2, worker="w"), {}),
        (e.LeaseExpired(job="m-2", attempt=1), {}),
        (e.AttemptFailed(job="m-2", attempt=1, failure="CRASHED", note=""), {}),
    ],
)
def test_attempts_count_for_the_job_of_the_remedy_and_not_for_that_of_a_challenger(
    fact: Event, changes: dict[str, int]
) -> None:
    assert remedied(fact).remediation == replace(under_way(), **changes)
    assert folded(born(), fact) == replace(born(), version=born().version + 1)


def test_a_candidate_is_what_was_trained_with_the_manifest_of_its_bytes_where_they_are_kept() -> None:
    kept = remedied(e.ArtifactRegistered(version="v1", manifest="of v1"), TRAINED)
    unkept = remedied(dataclasses.replace(TRAINED, manifest=""))

    assert (kept.candidate, kept.manifests) == ("remedy-1", {"v1": "of v1", "remedy-1": "of it"})
    assert (unkept.candidate, unkept.manifests) == ("remedy-1", {})
    assert kept.remediation == replace(under_way(), remedy="refit")


@pytest.mark.parametrize("passed", [True, False])
def test_gates_have_passed_if_it_was_so_judged(*, passed: bool) -> None:
    verdict = e.GatesJudged(passed=passed, chosen="all", remedy="refit", gates=[], evidence=EVIDENCE)

    assert remedied(TRAINED, verdict).remediation == replace(under_way(), remedy="refit", gates_passed=passed)
