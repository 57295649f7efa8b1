"""Whatever is done to a model, in any order, the service stays true to itself; and one with a small bug does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from server.models import operating
from store import migrate
from tests.integration.server.lives import lives_in

FEW = settings(max_examples=25, stateful_step_count=40)
MUTANT = settings(max_examples=50, stateful_step_count=20, phases=[Phase.generate], report_multiple_bugs=False)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lives") / "empty"
    folder.mkdir()
    migrate.upgrade(f"sqlite:///{folder / 'log.db'}")
    return folder


def test_a_model_can_live_any_life(empty: Path) -> None:
    run_state_machine_as_test(lives_in(empty), settings=FEW)


def test_orders_that_are_foretold_wrongly_are_noticed(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operating, "taken", lambda *_: ["hold"])

    with pytest.raises(AssertionError, match="hold"):
        run_state_machine_as_test(lives_in(empty), settings=MUTANT)
