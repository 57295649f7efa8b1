"""Claims about what `remission drill` tells and refuses before anything begins."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from backtest.drills.scenarios import SCENARIOS
from backtest.stream import StreamInvalid
from cli.drill import drill, show_drills
from tests.fixtures.drills import recorded


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"target": "label"}, "--target: and --drop are accepted with --stream only"),
        ({"drop": "region"}, "--target: and --drop are accepted with --stream only"),
        ({"stream": "loans.csv"}, "--stream: --target is needed with it, the column of the truth"),
        ({"stream": "few.csv", "target": "label"}, "few.csv: 60 rows at --reference-share 0.2 are 12 to learn from"),
        ({"stream": "loans.csv", "target": "price"}, "--target: no column 'price' in loans.csv"),
        ({"policy": "none.json"}, "--policy: "),
        ({"json_file": "nowhere/out.json"}, "--json: nowhere/out.json cannot be written"),
        ({"every": "6h"}, "--every: is accepted with --out, a folder that exists"),
        ({"out": "."}, "--every: is accepted with --out, a folder that exists"),
        ({"every": "6h", "out": "nowhere"}, "--every: is accepted with --out, a folder that exists"),
        ({"every": "soon", "out": "."}, "--every: 'soon' is no duration"),
        (
            {"listed": True, "json_file": "-"},
            "--list: plays nothing and writes no report; it is accepted without other",
        ),
        ({"listed": True, "scenario": ["blip-1"]}, "--list: plays nothing"),
        ({"every": "6h", "out": ".", "keep": 0}, "--keep: 0 is not accepted; at least 1 is"),
    ],
)
def test_what_cannot_be_drilled_is_refused_by_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    recorded(Path("loans.csv"), 300)
    recorded(Path("few.csv"), 60)
    paths = {name: Path(value) for name, value in asked.items() if name in {"stream", "policy", "out"}}

    with pytest.raises(StreamInvalid) as refused:
        drill(**{**asked, **paths})
    assert str(refused.value).startswith(message)


def test_a_folder_of_reports_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # who runs as root is let into every folder

    with pytest.raises(StreamInvalid, match=r"--out: .* cannot be written; a folder that can be is accepted"):
        drill(every="6h", out=tmp_path)


def test_the_list_tells_every_scenario_with_what_happens_and_what_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    drill(listed=True)

    told = capsys.readouterr().out
    assert all(text in told for one in SCENARIOS for text in (one.name, one.happens, one.sound))


def a_report() -> dict[str, Any]:
    """Give a report of one scenario, as `remission drill --json` writes it."""
    run = {
        "seed": 0, "planted": True, "as_expected": True, "false_alarms": 0, "remedies": [], "promoted": 0,
        "expected": "quality fault named, no retraining", "road": ["healthy", "suspect", "degraded", "healthy"],
        "delays": {"suspect": 1, "confirm": 2, "restore": 7}, "cause": {"named": "data_quality"},
        "alarm": {"signal": "quality", "subject": "amount"}, "fault": {"named": ["missing"]}, "why": "",
    }  # fmt: skip
    one = {"scenario": "missing", "as_expected": True, "share_as_expected": 1.0, "sound": "", "runs": [run]}
    return {"stream": "world", "task": "binary", "template": "hgb-60", "scenarios": [one]}


@pytest.mark.parametrize("width", [60, 80, 120, 300])
def test_a_report_breaks_no_word_however_narrow_the_console_is(width: int) -> None:
    console = Console(width=width, file=io.StringIO())

    show_drills(console, a_report())

    assert isinstance(console.file, io.StringIO)
    told = set(re.split(r"[\s│┃]+", console.file.getvalue()))
    assert {"scenario", "missing", "degraded", "retraining", "data_quality", "(quality:", "missing)"} <= told
