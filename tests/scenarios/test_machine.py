"""Scenarios of the pure machine, and the claim that each row of the table of moves has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from statemachine.moves import MOVES
from tests.scenarios.machine_stage import VERBS, MachineStage
from tests.scenarios.script import script, scripts

PATHS = scripts("machine")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_scenario_goes_as_it_is_written(path: Path) -> None:
    told, stage = script(path), MachineStage()

    told.check(told.play(stage))

    assert stage.replays()


@pytest.fixture(scope="module")
def moves() -> set[tuple[str, str, str]]:
    """Give every move that some scenario makes."""
    found: set[tuple[str, str, str]] = set()
    for path in PATHS:
        stage = MachineStage()
        script(path).play(stage)
        found |= stage.moves()
    return found


@pytest.mark.parametrize("row", MOVES, ids=lambda row: f"{row.trigger}-{row.dest}")
def test_each_row_of_the_table_has_a_scenario(row: object, moves: set[tuple[str, str, str]]) -> None:
    move = next(move for move in MOVES if move is row)

    assert moves & {(str(source), move.trigger, str(move.dest)) for source in move.sources}


def test_each_verb_is_spoken_in_some_scenario() -> None:
    spoken = {line.verb for path in PATHS for line in script(path).lines}

    assert spoken == set(VERBS)
