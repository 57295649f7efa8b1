"""What people and programs are told."""

from __future__ import annotations

import io
import json
import sys

import pytest
from remission_verify.findings import Fault, Findings
from remission_verify.limits import MOST_FAULTS
from remission_verify.telling import as_json, as_table, progress_for


class Terminal(io.StringIO):
    """A standard error that somebody looks at."""

    def isatty(self) -> bool:
        return True


def many_faults() -> Findings:
    found = Findings(origin="log", size=9)
    for number in range(MOST_FAULTS + 7):
        found.add(Fault("tile/0/000", "is wrong", number + 1))
    return found


def test_faults_beyond_the_limit_are_counted() -> None:
    found = many_faults()

    assert as_table(found, "right").splitlines()[-1].strip() == "and 7 more"
    assert (len(found.faults), json.loads(as_json(found))["untold"]) == (MOST_FAULTS, 7)


def test_a_time_that_no_calendar_has_is_told_in_seconds() -> None:
    found = Findings(origin="log", size=9, witnesses=(("w", 2**62),))

    assert f"seen by     w at {2**62} s" in as_table(found, "right")


def test_a_long_check_says_on_a_terminal_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    show = progress_for(100)
    for done, size in ((50, 100), (150, 200), (200, 200)):
        show(done, size)

    assert terminal.getvalue() == "\r150 of 200 entries\r200 of 200 entries\n"


def test_nobody_is_told_of_progress_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    progress_for(0)(1, 2)

    assert file.getvalue() == ""
