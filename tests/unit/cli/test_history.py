"""Claims about the report of a backtest, as people are shown it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cli.history import show_report

MOVES = [("healthy", "suspect", "raise_alarm", "ALARM"), ("canary.rung", "canary.promoting", "promote", "NON_INFERIOR")]


def shown(width: int) -> str:
    transitions = [
        {"row": 2189 + i, "from": old, "to": new, "trigger": trigger, "reason": reason}
        for i, (old, new, trigger, reason) in enumerate(MOVES)
    ]
    counts = dict.fromkeys(("promotions", "rollbacks", "retrainings", "rejected", "recalibrations", "restores"), 1)
    audit = {"events": 3, "chain_ok": True, "replay_equal": True, "rederived": 1, "decisions": 1, "log_sha256": "0f"}
    found = {
        **counts, "stream": "loans", "metric": "accuracy", "loss": {"served": 0.25, "static": 0.5},
        "transitions": transitions, "audit": audit, "seconds": 5, "training_seconds": 1,
    }  # fmt: skip
    console = Console(file=io.StringIO(), width=width)
    show_report(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_timeline_breaks_no_word_however_narrow_the_console_is(width: int) -> None:
    told = shown(width)

    assert all(word in told for move in MOVES for word in move)


def test_a_timeline_that_has_room_is_a_table_and_else_a_line_each() -> None:
    assert "│ 2190 │ canary.rung │ canary.promoting │ promote     │ NON_INFERIOR │" in shown(80)
    assert "\n2190: canary.rung → canary.promoting, promote (NON_INFERIOR)\n" in shown(60)


def test_a_report_for_people_says_whose_loss_stands_where() -> None:
    assert "left alone" in shown(80)
    assert "static" not in shown(80)
