"""What is remembered of alarms, of why they were raised, and of what challengers showed."""

from __future__ import annotations

import dataclasses

import pytest
from msgspec.structs import replace

from statemachine import events as e
from statemachine.health import TRUTH, Alarm, ModelHealth
from statemachine.kinds import Event
from statemachine.words import DEGRADED, SUSPECT, Place
from tests.unit.statemachine.laws import EVIDENCE, born, folded

RAISED = e.AlarmRaised(
    signal="quality", detector="d", log_evidence=9.0, onset_row=3, at_row=5, subject="x", evidence=EVIDENCE
)
MOVED = e.LossNoted(
    subject="v1", detector="d", log_evidence=9.0, onset_row=8, at_row=9, before=0.3, after=0.6, evidence=EVIDENCE
)


def test_an_alarm_is_remembered_and_dates_the_incident_until_a_diagnosis_dates_it_better() -> None:
    alarmed = folded(born(), RAISED)
    told = e.DiagnosisMade(
        cause="serving", causes=[{"kind": "serving"}], onset_row=2, evidence=EVIDENCE, at_row=6, instead_of=""
    )
    diagnosed = folded(alarmed, told)

    assert alarmed.alarm == Alarm(
        signal="quality", subject="x", onset_row=3, at_row=5, log_evidence=9.0, evidence=EVIDENCE
    )
    assert (alarmed.onset_row, diagnosed.onset_row, diagnosed.diagnosed_row) == (3, 2, 6)
    assert (diagnosed.cause, diagnosed.causes) == ("serving", ({"kind": "serving"},))


@pytest.mark.parametrize(("place", "moved_row"), [(SUSPECT, 8), (DEGRADED, 8), (born().place, 0)])
def test_a_loss_that_moves_within_an_incident_dates_its_rows_anew(place: Place, moved_row: int) -> None:
    noted = folded(replace(born(), place=place), MOVED)

    assert (noted.loss_told_row, noted.moved_row) == (9, moved_row)


@pytest.mark.parametrize(
    "calm",
    [
        e.AlarmCleared(signal="loss", log_evidence=9.0, at_row=15, evidence=EVIDENCE),
        e.RecoveryShown(log_evidence=9.0, at_row=15, evidence=EVIDENCE),
    ],
)
@pytest.mark.parametrize(("before", "after"), [(10, 15), (20, 20)])
def test_no_row_that_was_judged_once_is_judged_anew_when_an_alarm_is_laid_to_rest(
    calm: Event, before: int, after: int
) -> None:
    rested = folded(replace(born(), judged_row=before), calm)

    assert (rested.calm_row, rested.judged_row) == (15, after)


def challenged(finding: str) -> ModelHealth:
    """Give a model whose challenge before was kept, and whose next came to *finding*."""
    return folded(
        born(),
        e.ChallengesKept(evidence="before"),
        e.ChallengeQueued(job="m-1", spec="s", at_row=5),
        e.ChallengeJudged(job="m-1", finding=finding, log_evidence=9.0, at_row=6, evidence="now"),
    )


@pytest.mark.parametrize(
    ("finding", "kept"),
    [
        ("none", "now"), ("regret", "now"), ("improvement", "now"),
        ("open", "before"), ("confirmed", "before"), ("cleared", "before"),
    ],
)  # fmt: skip
def test_challenges_of_a_champion_in_good_standing_are_kept_and_those_after_an_alarm_are_not_mixed_with_them(
    finding: str, kept: str
) -> None:
    health = challenged(finding)

    assert (health.challenge_evidence, health.judged_row, health.challenge) == (kept, 6, "")
    assert health.improvement is (finding == "improvement")


def test_an_improvement_is_forgotten_when_the_next_challenge_shows_none() -> None:
    later = e.ChallengeJudged(job="m-2", finding="none", log_evidence=0.0, at_row=7, evidence="later")

    assert not folded(challenged("improvement"), later).improvement


def test_a_challenge_that_failed_makes_room_for_another_and_is_counted_among_the_jobs() -> None:
    queued = folded(born(), e.ChallengeQueued(job="m-1", spec="s", at_row=5))
    failed = folded(queued, e.ChallengeFailed(job="m-1", failure="CRASHED"))

    assert (queued.challenge, queued.jobs_opened) == ("m-1", 1)
    assert (failed.challenge, failed.jobs_opened) == ("", 1)


@pytest.mark.parametrize(
    ("cause", "subject", "labels", "repair"),
    [
        ("label_quality", TRUTH, True, True),
        ("label_quality", "x", False, False),
        ("data_quality", TRUTH, False, True),
        ("data_quality", "x", False, True),
        ("serving", TRUTH, False, False),
    ],
)
def test_labels_are_awaited_where_they_stay_away_and_are_the_cause_and_a_repair_where_data_are_at_fault_too(
    cause: str, subject: str, *, labels: bool, repair: bool
) -> None:
    health = replace(folded(born(), dataclasses.replace(RAISED, subject=subject)), cause=cause)

    assert (health.awaits_labels, health.awaits_repair) == (labels, repair)
