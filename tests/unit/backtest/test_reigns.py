"""Claims about what promotions were worth."""

from __future__ import annotations

from typing import Any

import numpy as np

from backtest.reigns import reigns
from backtest.stream import Floats, Stream

STREAM = Stream(
    name="s", task="regression", columns=(), labels=np.zeros(100), classes=(), times_us=np.arange(100),
    reference_rows=20,
)  # fmt: skip
ERRORS = {"v1": 4.0, "remedy-1": 1.0, "remedy-2": 2.0}


def answers(version: str, first: int, end: int) -> Floats:
    return np.full(end - first, ERRORS[version])


def promoted(at: int, champion: str, replaced: str) -> dict[str, Any]:
    payload = {"champion": champion, "rollback_target": replaced}
    return {"type": "promotion_confirmed", "occurred_us": at, "payload": payload}


def test_without_a_promotion_there_is_no_reign() -> None:
    assert reigns(STREAM, "mae", [], answers) == []


def test_a_reign_lasts_until_the_next_and_is_measured_against_the_version_that_it_ended() -> None:
    events = [promoted(39, "remedy-1", "v1"), promoted(59, "remedy-2", "remedy-1")]

    first, second = reigns(STREAM, "mae", events, answers)

    assert (first["row"], first["until"], first["gain"]) == (40, 60, 0.75)
    assert (second["row"], second["until"], second["gain"]) == (60, 100, -1.0)


def test_a_reign_of_no_rows_cannot_be_measured() -> None:
    assert reigns(STREAM, "mae", [promoted(99, "remedy-1", "v1")], answers)[0]["gain"] is None
