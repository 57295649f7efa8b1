"""From which row on a candidate is judged, and by what.

Where only the served answer has an outcome, that is counts of bad units under known exposures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from server.reactions.canary import arms, counts_from
from server.service import Service
from server.watching.closings import LabelBlock
from statemachine.health import Alarm, ModelHealth
from tests.fixtures.blocks import a_block
from tests.fixtures.services import Feed

HEALTH = ModelHealth(champion="v1", candidate="v2", exposures=((2, 0), (3, 100), (4, 500), (5, 500)))


def served(*generations: int, old: tuple[int, int] = (9, 3), new: tuple[int, int] = (1, 1)) -> LabelBlock:
    """Give a block of rows under these routes, and of either version the rows that it served and the bad ones."""
    return a_block(generations=generations, arms={"v1": old, "v2": new})


def test_bad_outcomes_and_rows_are_counted_by_the_exposure_under_which_they_were_assigned() -> None:
    blocks = [served(4), served(3, old=(10, 2), new=(0, 0)), served(3), served(5, new=(2, 0))]

    assert arms(HEALTH, blocks) == [[100, 1, 5, 1, 19], [500, 1, 6, 3, 18]]


@pytest.mark.parametrize("generations", [(3, 4), (2, 3), (0, 4), (3, 4, 5)])
def test_a_block_of_two_exposures_counts_for_neither(generations: tuple[int, ...]) -> None:
    assert arms(HEALTH, [served(*generations)]) == []


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_rows_of_no_rung_of_this_canary_count_for_nothing(generation: int) -> None:
    assert arms(HEALTH, [served(generation)]) == []


def test_routes_of_one_exposure_count_together() -> None:
    assert arms(HEALTH, [served(4, 5)]) == [[500, 1, 3, 1, 9]]


def test_a_block_knows_the_routes_of_all_its_rows(challenged: Service) -> None:
    feed = Feed(challenged)
    feed.skip_to(80)
    for generation in (1, 0):
        batch = replace(feed.a_batch(5), generation=generation)
        challenged.ingest(batch).result()
        feed.labels(batch.ids, 1.0)
    blocks = challenged.store.read(lambda reader: challenged.desk.watch(reader, "m")).blocks

    assert [one.generations for one in blocks[-5:]] == [(1,), (1,), (0, 1), (0,), (0,)]


ALARM = Alarm(signal="pinned", subject="v1", onset_row=700, at_row=800, log_evidence=9.0, evidence="")
RESTORED = ModelHealth(
    outcomes="exogenous", champion="v2", candidate="v1", rollback_target="v1", canary_row=900, alarm=ALARM
)


def test_of_a_version_that_is_restored_rows_count_from_the_alarm_on() -> None:
    assert counts_from(RESTORED, window_rows=30) == 800


def test_they_count_from_where_a_loss_was_told_to_have_moved_within_the_incident() -> None:
    assert counts_from(structs.replace(RESTORED, loss_told_row=850), window_rows=30) == 850
    assert counts_from(structs.replace(RESTORED, loss_told_row=750), window_rows=30) == 800


@pytest.mark.parametrize(
    "other", [{"candidate": "v3"}, {"outcomes": "selective"}, {"alarm": None}], ids=["new", "selective", "no alarm"]
)
def test_of_any_other_candidate_rows_count_from_its_canary_on(other: dict[str, Any]) -> None:
    assert counts_from(structs.replace(RESTORED, **other), window_rows=30) == 900


def test_an_alarm_of_more_than_six_windows_ago_is_history() -> None:
    assert counts_from(structs.replace(RESTORED, canary_row=980), window_rows=30) == 800
    assert counts_from(structs.replace(RESTORED, canary_row=981), window_rows=30) == 981
