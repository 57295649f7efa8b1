"""Scenarios of the whole service in memory, and the claim that each log replays and derives again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.script import script, scripts
from tests.scenarios.service_stage import MODEL, on_stage


@pytest.mark.parametrize("path", scripts("service"), ids=lambda path: path.stem)
def test_a_scenario_goes_as_it_is_written(path: Path) -> None:
    told = script(path)
    with on_stage() as stage:
        told.check(told.play(stage))

        found = stage.service.verify([MODEL])

    assert (found.chain_ok, found.replay_equal, found.failures) == (True, True, [])
    assert found.rederived == found.decisions
