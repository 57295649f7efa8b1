"""Claims about what the server counts of a bake-off itself: no worker chooses the rows that it is compared on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from measures.segments import Segment
from retraining.bakeoff import Bench
from retraining.dataset import Dataset
from retraining.held import Held
from retraining.template import TEMPLATES
from server.errors import Invalid
from server.jobs import counted
from server.jobs.reports import checked
from server.service import Service
from tests.fixtures.bakeoffs import FIRST, MARK, a_spec, a_world
from tests.fixtures.jobs import a_report, blocks_of, events, hand_in, leased, place, rows_of

ROWS = 40
SPEC = replace(a_spec(), entrants=(), holdout=(MARK, MARK + ROWS), segments=(Segment(name="low", feature=0, high=0.0),))


@pytest.fixture
def data() -> Dataset:
    """Give rows of which two of the holdout have no truth, and a third no answer of the champion."""
    made = a_world("none", 0, MARK)
    labels, answers = made.labels.copy(), made.outputs["v1"].copy()
    labels[[MARK - FIRST + 3, MARK - FIRST + 9]] = np.nan
    answers[MARK - FIRST + 20] = np.nan
    return replace(made, labels=labels, outputs={"v1": answers})


def told(data: Dataset) -> dict[str, Any]:
    """Give what an honest worker tells of *data*."""
    report = Bench(SPEC, data, TEMPLATES[SPEC.template]).report()
    return checked(report, SPEC)


def refusal(report: dict[str, Any], data: Dataset) -> tuple[str, str]:
    """Give the field that is refused of a report that could be one of other rows, and why."""
    with pytest.raises(Invalid) as caught:
        counted.check(checked(report, SPEC), counted.of(SPEC, data.to_bytes()))
    [found] = caught.value.violations
    return found


def test_rows_without_a_truth_or_an_answer_of_the_champion_do_not_count(data: Dataset) -> None:
    assert counted.of(SPEC, data.to_bytes()).rows == told(data)["rows"] == ROWS - 3


def test_who_leaves_out_rows_that_do_not_suit_it_is_refused(data: Dataset) -> None:
    fewer = data.labels.copy()
    fewer[MARK - FIRST] = np.nan

    field, why = refusal(told(replace(data, labels=fewer)), data)

    assert (field, why.partition(";")[0]) == ("report_json.rows", "36 is not accepted")
    assert "37 is" in why


def test_who_tells_of_a_row_in_another_segment_is_refused(data: Dataset) -> None:
    held = Held.of(SPEC, data)
    moved = data.rows.copy()
    moved[held.rows[held.parts[0]][0], 0] = 5.0

    field, why = refusal(told(replace(data, rows=moved)), data)

    assert field.startswith("report_json.segments[0].champion[")
    assert field.endswith("][0]")
    assert "of the segment are" in why


def test_a_job_without_segments_is_counted_in_the_whole_alone(data: Dataset) -> None:
    assert counted.of(replace(SPEC, segments=()), data.to_bytes()).segments == ()


def test_a_holdout_of_which_nothing_is_known_has_no_rows(data: Dataset) -> None:
    nothing = replace(data, labels=np.full(len(data.labels), np.nan))

    found = counted.of(SPEC, nothing.to_bytes())

    assert found.rows == 0
    assert {*found.segments[0]} == {0}


def test_a_result_of_other_rows_than_the_jobs_changes_nothing_and_can_be_corrected(service: Service) -> None:
    job, before = leased(service), events(service)
    fewer = rows_of(job) - 1
    report = {**a_report(job), "rows": fewer, "champion": blocks_of(job, np.full(fewer, 0.1))}

    with pytest.raises(Invalid, match=f"report_json.rows: {fewer} is not accepted; {fewer + 1} is"):
        hand_in(service, job, report)

    assert (events(service), place(service)) == (before, "retraining.leased")
    assert hand_in(service, job, a_report(job)) is False
    assert hand_in(service, job, report) is True  # it was had before, and is not looked at again
