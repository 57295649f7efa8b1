"""How alarms are held against sensor faults on record: which are found, named, and answered by a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backtest.stream import read_stream
from benchmarks.alarms import sensors
from benchmarks.alarms.sensors import Fault

ROWS, REFERENCE, WINDOW = 2_000, 400, 20
GLITCHES = (600, 605, 1_000)  #: rows in two windows: the first two share one
OF_WARMTH = "warmth = -9999 (sensor fault)"


def an_entry(data: Path, **more: Any) -> dict[str, Any]:
    """Write a stream whose sensor failed in some rows; give its line of the manifest."""
    chance = np.random.default_rng(3)
    warmth = chance.normal(20, 3, ROWS)
    warmth[list(GLITCHES)] = -9_999.0
    pd.DataFrame({"warmth": warmth, "calm": chance.normal(size=ROWS), "y": chance.normal(size=ROWS)}).to_csv(
        data / "toy.csv", index=False
    )
    points = [{"row": row, "what": OF_WARMTH} for row in GLITCHES]
    return {
        "name": "toy", "file": "toy.csv", "target": "y", "task": "regression", "drop_columns": [], "rows": ROWS,
        "fault_points": points, **more,
    }  # fmt: skip


def an_alarm(row: int, signal: str = "quality", subject: str = "warmth", *, retrained: bool = False) -> dict[str, Any]:
    return {"row": row, "signal": signal, "subject": subject, "retrained": retrained}


def held(data: Path, *alarms: dict[str, Any], noted: Sequence[dict[str, Any]] = (), **more: Any) -> list[Fault]:
    report = {"reference_rows": REFERENCE, "alarms": list(alarms), "noted": noted}
    return sensors.faults(data, an_entry(data, **more), report)


def test_a_reference_is_as_long_as_these_claims_take_it_to_be(tmp_path: Path) -> None:
    an_entry(tmp_path)

    assert read_stream(tmp_path / "toy.csv", "y", task="regression").reference_rows == REFERENCE


def test_rows_of_one_window_are_one_fault_and_the_column_begins_its_text(tmp_path: Path) -> None:
    found = held(tmp_path)

    assert [(one.feature, one.first_row, one.rows) for one in found] == [("warmth", 600, 2), ("warmth", 1_000, 1)]


def test_a_fault_is_found_as_what_the_judge_of_quality_calls_it(tmp_path: Path) -> None:
    assert [one.found for one in held(tmp_path)] == [("absurd",), ("absurd",)]


def test_a_fault_of_a_column_that_is_well_is_not_found(tmp_path: Path) -> None:
    (fault,) = held(tmp_path, fault_points=[{"row": 600, "what": "calm = 0 (on record by mistake)"}])

    assert (fault.feature, fault.found) == ("calm", ())


@pytest.mark.parametrize(
    ("alarm", "named"),
    [
        (an_alarm(620), True),
        (an_alarm(639), True),
        (an_alarm(640), False),
        (an_alarm(599), False),
        (an_alarm(620, subject="calm"), False),
        (an_alarm(620, signal="loss"), False),
    ],
)
def test_a_fault_is_named_by_an_alarm_of_quality_of_its_column_until_the_next_window_ends(
    tmp_path: Path, alarm: dict[str, Any], *, named: bool
) -> None:
    assert [one.named for one in held(tmp_path, alarm)] == [named, False]


@pytest.mark.parametrize(("subject", "named"), [("warmth", True), ("calm, warmth", True), ("calm", False)])
def test_a_fault_is_named_by_a_note_of_its_column_as_well(tmp_path: Path, subject: str, *, named: bool) -> None:
    found = held(tmp_path, noted=[{"row": 620, "subject": subject}])

    assert [one.named for one in found] == [named, False]


def test_any_alarm_of_that_time_that_began_a_remedy_speaks_against_the_service(tmp_path: Path) -> None:
    found = held(tmp_path, an_alarm(620), an_alarm(630, signal="loss", retrained=True))

    assert [one.retrained for one in found] == [True, False]


def test_streams_without_a_fault_on_record_are_not_asked(tmp_path: Path) -> None:
    broken, whole = an_entry(tmp_path), an_entry(tmp_path, fault_points=[])

    assert sensors.faulty([whole, broken, {"name": "silent"}]) == [broken]


def test_every_fault_must_be_named_and_none_may_begin_a_remedy(tmp_path: Path) -> None:
    missed = held(tmp_path, an_alarm(620), an_alarm(1_010, signal="loss", retrained=True))
    met = held(tmp_path, an_alarm(620), an_alarm(1_010))

    assert [line.met for line in sensors.lines(missed)] == [False, False]
    assert [line.met for line in sensors.lines(met)] == [True, True]
