"""Claims about drills on a schedule: what is kept, and what is told as new."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backtest.drills.report import FORMAT
from backtest.drills.schedule import keep, kept, repeated, seconds
from backtest.stream import StreamInvalid
from tests.fixtures.disks import a_small_disk

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def a_report(*, road: tuple[str, ...] = ("healthy",), share: float = 1.0, policy: str = "p") -> dict[str, Any]:
    one = {"scenario": "calm", "share_as_expected": share, "runs": [{"road": list(road)}]}
    return {"format": FORMAT, "policy_sha256": policy, "scenarios": [one]}


def test_the_first_report_says_that_it_is_the_first_and_an_equal_one_that_nothing_is_new(tmp_path: Path) -> None:
    path, first = keep(tmp_path, a_report(), NOON, 3)
    _, again = keep(tmp_path, a_report(), NOON + timedelta(hours=1), 3)

    assert path.name == "drill-20260131T120000000000Z.json"
    assert (first, again) == (["the first report"], [])


def test_what_is_new_is_told_and_stands_in_the_report(tmp_path: Path) -> None:
    keep(tmp_path, a_report(), NOON, 3)

    path, told = keep(tmp_path, a_report(share=0.5, policy="q"), NOON + timedelta(hours=1), 3)
    assert told == ["the policy is another one", "calm: as expected 100% → 50%"]
    assert json.loads(path.read_text())["new"] == told


def test_another_road_is_new_also_where_it_is_as_expected(tmp_path: Path) -> None:
    keep(tmp_path, a_report(), NOON, 3)

    _, told = keep(tmp_path, a_report(road=("healthy", "suspect", "healthy")), NOON + timedelta(hours=1), 3)
    assert told == ["calm: takes another road, healthy → suspect → healthy"]


def test_the_newest_reports_are_kept_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    paths = [keep(tmp_path, a_report(), NOON + timedelta(hours=hour), 2)[0] for hour in range(4)]

    assert kept(tmp_path) == paths[2:]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_torn_report_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "drill-20260101T000000000000Z.json").write_text('{"format": ')

    assert keep(tmp_path, a_report(), NOON, 3)[1] == ["the first report"]


def test_a_report_that_finds_no_room_leaves_nothing_and_those_before_it(tmp_path: Path) -> None:
    first, _ = keep(tmp_path, a_report(), NOON, 1)

    with pytest.raises(OSError, match="File too large"), a_small_disk(10):
        keep(tmp_path, a_report(), NOON + timedelta(hours=1), 1)

    assert list(tmp_path.iterdir()) == [first]


def test_it_drills_until_whoever_waits_is_interrupted(tmp_path: Path) -> None:
    waits = iter([None, KeyboardInterrupt()])
    hours = iter(range(9))

    def wait() -> None:
        if (stop := next(waits)) is not None:
            raise stop

    rounds = repeated(a_report, tmp_path, 9, wait, lambda: NOON + timedelta(hours=next(hours)))
    with pytest.raises(KeyboardInterrupt):
        list(rounds)

    assert len(kept(tmp_path)) == 2


@pytest.mark.parametrize(("text", "found"), [("90s", 90), ("15m", 900), ("6h", 21_600), ("7d", 604_800)])
def test_a_duration_is_a_number_and_a_unit(text: str, found: int) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["", "6", "h", "0h", "6 h", "-1h", "1.5h", "6w"])
def test_what_is_no_duration_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(StreamInvalid, match=r"--every: .* is no duration; a number with s, m, h or d is accepted"):
        seconds(text)
