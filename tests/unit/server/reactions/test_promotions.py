"""What is normal for a champion that took another's place: what it cost while its promotion was watched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from measures.sums import span
from server.reactions import evidence
from server.watching.closings import LabelBlock
from server.watching.watch import Watch
from statemachine.health import ModelHealth
from tests.scenarios.lines import read
from tests.scenarios.service_stage import MODEL, ServiceStage, on_stage

PROMOTED = [
    "watch", "retrain", "hand_in recent",
    "ack", "rows 60 wrong=0.6 remedy-1=0.3",
    "ack", "rows 60 wrong=0.6 remedy-1=0.3", "rows 12 wrong=0.6",
    "ack", "rows 60 wrong=0.6 remedy-1=0.3",
    "ack", "rows 60 wrong=0.6 remedy-1=0.3", "rows 60 wrong=0.0",
]  # fmt: skip
ALONE = range(720, 732)  #: rows that the new version did not answer


@pytest.fixture
def stage() -> Iterator[ServiceStage]:
    with on_stage() as found:
        for line in PROMOTED:
            found.play(read(line))
        yield found


def known(stage: ServiceStage) -> tuple[Watch, ModelHealth, list[LabelBlock]]:
    """Give the watch, the health, and the blocks by which the promotion was watched."""
    desk = stage.service.desk
    watch, health = stage.service.store.read(lambda reader: (desk.watch(reader, MODEL), desk.health(reader, MODEL)))
    return watch, health, evidence.watched(watch, health)


def test_a_promotion_is_watched_by_blocks_that_the_new_champion_answered_up_to_its_first_row(
    stage: ServiceStage,
) -> None:
    watch, health, blocks = known(stage)
    first = health.epoch_row - (health.policy.canary.confirm_windows + 1) * watch.window_rows

    assert [one.first_row for one in blocks] == [row for row in range(first, health.epoch_row, 6) if row not in ALONE]


def test_a_champion_is_held_to_no_less_than_it_cost_then(stage: ServiceStage) -> None:
    watch, health, blocks = known(stage)

    assert (
        evidence.level(watch, health) == span(one.cost["remedy-1"] for one in blocks).mean > span(watch.baseline).mean
    )
