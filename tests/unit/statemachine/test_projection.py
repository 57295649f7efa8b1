"""A projection is read back as it was written: where a model stands once its events tell nothing any more."""

from __future__ import annotations

from pathlib import Path

import pytest

from statemachine.health import ModelHealth
from statemachine.replay import projection, restored
from tests.fixtures.steps import of_scenario
from tests.scenarios.script import FOLDER

SCENARIOS = sorted(file.stem for file in Path(FOLDER / "machine").glob("*.txt"))


def test_a_model_that_was_never_registered_is_read_back() -> None:
    assert restored(projection(ModelHealth())) == ModelHealth()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_state_on_every_way_is_read_back_as_it_was(scenario: str) -> None:
    steps = of_scenario(scenario)

    assert steps
    assert [step.recorded.version for step in steps if restored(projection(step.after)) != step.after] == []


def test_the_scenarios_pass_every_field_that_a_health_has() -> None:
    healths = [step.after for scenario in SCENARIOS for step in of_scenario(scenario)]
    empty = ModelHealth()

    named = {
        name for name in ModelHealth.__struct_fields__ for one in healths if getattr(one, name) != getattr(empty, name)
    }
    assert set(ModelHealth.__struct_fields__) - named <= {"erasures", "legal_hold", "seed", "improvement", "purpose"}
