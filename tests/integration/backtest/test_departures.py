"""Features that move while labels come, through the whole service: noted, dated, and held against no model."""

from __future__ import annotations

from statemachine.policies.policy import Policy
from tests.fixtures.faults import PLANTED, REFERENCE, lived, planted

SEED = 3
STILL = {"regret": {"every": 0}}
WINDOW = Policy().windows.rows_for(REFERENCE)


def test_a_feature_that_moves_is_noted_dated_and_derived_again_and_raises_no_suspicion_of_drift() -> None:
    events, audit = lived(planted("covariate", SEED), **STILL)

    (noted,) = [event["payload"] for event in events if event["type"] == "drift_noted"]
    assert (noted["subject"], noted["detector"]) == ("c", "departures@2")
    assert abs(noted["onset_row"] - PLANTED) <= WINDOW
    assert not [e for e in events if e["type"] == "alarm_raised" and e["payload"]["signal"] == "drift"]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_where_drift_raises_suspicion_it_is_not_noted_too() -> None:
    events, audit = lived(planted("covariate", SEED), drift={"alarms": "always"}, **STILL)

    told = [event["payload"] for event in events if event["type"] in {"alarm_raised", "drift_noted"}]
    assert [(one.get("signal"), one["subject"]) for one in told if one["at_row"] <= PLANTED + 2 * WINDOW] == [
        ("drift", "c")
    ]  # fmt: skip
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_what_leaves_rows_of_one_label_alone_is_noted_where_the_policy_asks_and_derived_again() -> None:
    """The labels turn round and all rows look as they did: only rows of one label show that they are others."""
    asked, silent = (
        lived(planted("concept", SEED), drift={"by_label": when}, **STILL) for when in ("always", "after_drift")
    )

    noted = [[e["payload"] for e in events if e["type"] == "drift_noted"] for events, _ in (asked, silent)]
    first, audit = noted[0][0], asked[1]
    assert noted[1] == []
    assert (first["detector"], "a in label=" in first["subject"]) == ("label_departures@1", True)
    assert abs(first["onset_row"] - PLANTED) <= WINDOW
    assert [e["payload"] for e in asked[0] if e["type"] == "state_changed"] == [
        e["payload"] for e in silent[0] if e["type"] == "state_changed"
    ]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])


def test_rows_of_all_labels_that_move_together_are_noted_where_the_policy_asks_and_derived_again() -> None:
    asked, silent = (lived(planted("concept", SEED), drift={"together": when}, **STILL) for when in ("always", "never"))

    noted = [[e["payload"] for e in events if e["type"] == "drift_noted"] for events, _ in (asked, silent)]
    first, audit = noted[0][0], asked[1]
    assert noted[1] == []
    assert (first["detector"], " in label=" in first["subject"]) == ("labels_moved_t@1", True)
    assert abs(first["onset_row"] - PLANTED) <= WINDOW
    assert [e["payload"] for e in asked[0] if e["type"] == "state_changed"] == [
        e["payload"] for e in silent[0] if e["type"] == "state_changed"
    ]
    assert (audit.rederived, audit.failures) == (audit.decisions, [])
