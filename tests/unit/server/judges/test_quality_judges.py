"""Claims about what follows from faults of the data: suspicion, a decline, an alarm that is laid to rest, or repair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Column
from server.judges.rulings import Inputs
from server.judges.table import rule
from statemachine.policies.policy import Policy
from tests.fixtures.bakeoffs import a_spec
from tests.fixtures.jobs import a_report, an_entry

POLICY, FIRST, ROWS = Policy(), 2_000, 200
BAKE_OFF = a_spec()
CLEAR = POLICY.quality.clear_windows
CHANCE = np.random.default_rng(0)
PAST = CHANCE.normal(size=(FIRST, 2))
REFERENCE = learn([Column(name="a"), Column(name="b")], PAST, PAST[:, 0])


def windows(*missing: str) -> Inputs:
    """Give what is recorded of windows of rows, of which most miss the value of the feature that is named, or none."""
    told = []
    for number, name in enumerate(missing):
        rows = CHANCE.normal(size=(ROWS, 2))
        rows[:150, [column == name for column in ("a", "b")]] = np.nan
        one = profile(REFERENCE, rows, rows[:, 0] * 0).to_json()
        told.append({"start_row": FIRST + ROWS * number, "profile": one, "repeats": 0})
    return {
        "signal": "quality", "subject": "a", "at_row": FIRST + ROWS * len(missing), "not_before": 0, "state": None,
        "windows": told, "reference": REFERENCE.to_json(),
    }  # fmt: skip


def asked(judge: str, inputs: Inputs, **changes: Any) -> str:
    """Give the event that *judge* calls for, or nothing."""

    def no_evidence(sha256: str) -> bytes:
        raise LookupError(sha256)

    ruling, _ = rule(judge, {**inputs, **changes}, POLICY, no_evidence)
    return ruling.event if ruling else ""


def test_a_fault_raises_suspicion_from_the_row_on_that_was_laid_to_rest_last() -> None:
    inputs = windows("a")

    assert [asked("quality@1", inputs, not_before=row) for row in (FIRST, FIRST + 1)] == ["alarm_raised", ""]


def test_what_the_model_itself_puts_out_is_no_fault_of_the_data() -> None:
    assert asked("quality@1", windows("")) == ""


def test_the_same_fault_again_confirms_and_one_of_another_feature_does_not() -> None:
    assert asked("quality_resolve@1", windows("a")) == "decline_confirmed"
    assert asked("quality_resolve@1", windows("b")) == ""


@pytest.mark.parametrize(("judge", "event"), [("quality_resolve@1", "alarm_cleared"), ("repaired@1", "recovery_shown")])
def test_as_many_windows_without_a_fault_as_the_policy_asks_for_clear_and_repair(judge: str, event: str) -> None:
    assert asked(judge, windows(*[""] * CLEAR)) == event
    assert asked(judge, windows(*[""] * (CLEAR - 1))) == ""


def test_data_are_not_repaired_while_any_feature_is_faulty() -> None:
    assert asked("repaired@1", windows(*[""] * (CLEAR - 1), "b")) == ""


def test_a_fault_that_lasts_as_long_as_the_policy_says_is_the_world_as_it_is() -> None:
    last = POLICY.quality.accept_windows * ROWS

    found = [asked("accepted@1", {"since_row": 7, "at_row": 7 + lasted, "window": ROWS}) for lasted in (last - 1, last)]

    assert found == ["", "recovery_shown"]


def test_only_where_doing_nothing_wins_nothing_speaks_against_the_champion_any_more() -> None:
    beaten = a_report(BAKE_OFF, "all", an_entry(BAKE_OFF, "all", 0.2, churn=1.0))

    assert asked("unbeaten@1", {"report": a_report(BAKE_OFF), "at_row": 9}) == "recovery_shown"
    assert asked("unbeaten@1", {"report": beaten, "at_row": 9}) == ""
