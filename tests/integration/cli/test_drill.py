"""`remission drill`: what it prints, what it refuses, and that it touches nothing."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.fixtures.commands import MOST_SECONDS, remission, started

CALM = ("drill", "--scenario", "calm", "--template", "linear")


def test_a_drill_touches_no_database_and_leaves_no_file(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'live.db'}"
    assert remission("migrate", "--db", database, folder=tmp_path).code == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    done = remission(*CALM, "--json", "-", folder=tmp_path, REMISSION_DATABASE=database)
    assert done.code == 0, done.err
    assert json.loads(done.out)["as_expected"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_is_not_as_expected_is_exit_code_1_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "strict.json").write_text('{"canary": {"most_windows": 1}}')

    asked = ("drill", "--scenario", "concept", "--template", "linear", "--policy", "strict.json", "--json", "out.json")
    done = remission(*asked, folder=tmp_path)
    assert done.code == 1
    assert "It does not hold that a candidate is promoted, and that what is served in the end costs less" in " ".join(
        done.err.split()
    )
    assert not json.loads((tmp_path / "out.json").read_text())["as_expected"]


def test_what_could_not_be_planted_is_counted_apart(tmp_path: Path) -> None:
    done = remission(*CALM, "--scenario", "segment", folder=tmp_path)

    assert done.code == 0, done.err
    assert "1 of 1 as expected, 1 could not be planted; 0 false alarms" in " ".join(done.err.split())


def test_what_cannot_be_drilled_is_refused_in_a_line(tmp_path: Path) -> None:
    done = remission("drill", "--scenario", "flood", folder=tmp_path)

    assert done.code == 2
    assert "--scenario: 'flood' is not accepted; one of calm, covariate," in done.err
    assert done.err.count("\n") == 1


def test_on_a_schedule_it_writes_a_report_and_stops_when_it_is_interrupted(tmp_path: Path) -> None:
    drilling = started(*CALM, "--every", "1h", "--out", ".", folder=tmp_path)
    told = drilling.stdout.readline() if drilling.stdout else ""
    drilling.send_signal(signal.SIGINT)
    rest, _ = drilling.communicate(timeout=MOST_SECONDS)

    (report,) = tmp_path.glob("drill-*.json")
    assert told == f"{report.name}: the first report\n"
    assert json.loads(report.read_text())["new"] == ["the first report"]
    assert (drilling.returncode, rest) == (0, "stopped\n")
