"""Where only the served answer has an outcome, a canary is judged by counts of bad units under known exposures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.reactions.canary import arms
from server.service import Service
from server.watching.closings import LabelBlock
from statemachine.health import ModelHealth
from tests.fixtures.blocks import a_block
from tests.fixtures.services import Feed

HEALTH = ModelHealth(champion="v1", candidate="v2", exposures=((2, 0), (3, 100), (4, 500), (5, 500)))


def served(*generations: int, old: tuple[int, int] = (9, 3), new: tuple[int, int] = (1, 1)) -> LabelBlock:
    """Give a block of rows under these routes, and of either version the rows that it served and the bad ones."""
    return a_block(generations=generations, arms={"v1": old, "v2": new})


def test_bad_units_are_counted_by_the_exposure_under_which_they_were_assigned() -> None:
    blocks = [served(4), served(3, old=(10, 2), new=(0, 0)), served(3), served(5, new=(2, 0))]

    assert arms(HEALTH, blocks) == [[100, 1, 5, 20], [500, 1, 6, 21]]


@pytest.mark.parametrize("generations", [(3, 4), (2, 3), (0, 4), (3, 4, 5)])
def test_a_block_of_two_exposures_counts_for_neither(generations: tuple[int, ...]) -> None:
    assert arms(HEALTH, [served(*generations)]) == []


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_rows_of_no_rung_of_this_canary_count_for_nothing(generation: int) -> None:
    assert arms(HEALTH, [served(generation)]) == []


def test_routes_of_one_exposure_count_together() -> None:
    assert arms(HEALTH, [served(4, 5)]) == [[500, 1, 3, 10]]


def test_a_block_knows_the_routes_of_all_its_rows(challenged: Service) -> None:
    feed = Feed(challenged)
    feed.skip_to(80)
    for generation in (1, 0):
        batch = replace(feed.a_batch(5), generation=generation)
        challenged.ingest(batch).result()
        feed.labels(batch.ids, 1.0)
    blocks = challenged.store.read(lambda reader: challenged.desk.watch(reader, "m")).blocks

    assert [one.generations for one in blocks[-5:]] == [(1,), (1,), (0, 1), (0,), (0,)]
