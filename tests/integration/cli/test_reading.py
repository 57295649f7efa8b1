"""What the command tells of a server's models, as tables for people and as JSON for machines; and of a log altered."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.commands import Done, remission
from tests.fixtures.servers import serving
from tests.fixtures.streams import changed_concept

ROWS = 900  #: enough for the change to be noticed and remedied


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("told")


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    """Serve a stream through a server, and give the report that the command printed."""
    changed_concept(folder / "turned.csv", rows=ROWS)
    with serving(folder, clock="stream") as target:
        asked = ("backtest", "turned.csv", "--target", "label", "--server", target, "--json", "-")
        done = remission(*asked, folder=folder)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.fixture(scope="module")
def target(folder: Path, report: dict[str, Any]) -> Iterator[str]:
    assert report["transitions"]
    with serving(folder, clock="stream") as address:
        yield address


def told(target: str, *arguments: str) -> Any:
    done = remission(*arguments, "--json", folder=Path.cwd(), REMISSION_SERVER=target)
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


def shown(target: str, *arguments: str) -> str:
    done = remission(*arguments, folder=Path.cwd(), REMISSION_SERVER=target)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_a_pipe_gets_every_word_of_a_table_whole(target: str) -> None:
    types = {event["type"] for event in told(target, "history", "turned")}
    done = remission("history", "turned", folder=Path.cwd(), REMISSION_SERVER=target, COLUMNS="")

    assert {kind for kind in types if f" {kind} " not in done.out} == set()


def test_models_are_listed_with_what_they_predict(target: str, report: dict[str, Any]) -> None:
    (model,) = told(target, "models")

    assert (model["name"], model["owner"], model["task"]) == ("turned", "backtest", "TASK_BINARY")
    assert int(model["reference_rows"]) == report["reference_rows"]
    assert (model["seed"], model["retired"]) == (0, False)
    assert "BINARY" in shown(target, "models")


def test_the_state_is_told_whole_though_much_of_it_is_nought(target: str, report: dict[str, Any]) -> None:
    (state,) = told(target, "state", "turned")
    last = report["transitions"][-1]["to"]

    assert f"{state['state'].removeprefix('STATE_').lower()}.{state['phase']}".rstrip(".") == last
    assert {"exposure_bp", "candidate", "rollback_target", "entered", "wait"} <= set(state)
    assert told(target, "state") == [state]
    assert state["reason"] in shown(target, "state")


def test_the_state_of_a_moment_is_told_by_version_position_and_instant(target: str) -> None:
    events = told(target, "history", "turned")
    some = next(event for event in events if event["type"] == "decline_confirmed")
    last = [event for event in events if event["occurred_us"] == some["occurred_us"]][-1]
    instant = datetime.fromtimestamp(int(last["occurred_us"]) / 1_000_000, UTC).isoformat()

    (by_version,) = told(target, "state", "turned", "--version", last["version"])

    assert (by_version["event"], by_version["version"]) == (last["type"], last["version"])
    assert by_version["policy"]["tier"] == 1
    assert told(target, "state", "turned", "--position", last["position"]) == [by_version]
    assert told(target, "state", "turned", "--at", instant) == [by_version]
    assert "decline_confirmed" in shown(target, "state", "turned", "--version", some["version"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("turned", "--at", "yesterday"), "--at: 'yesterday' is no instant"),
        (("turned", "--at", "2026-01-01", "--version", "1"), "--at and --version: one moment is accepted"),
        (("--version", "1"), "--version: a model is needed beside it"),
        (("turned", "--version", "99999"), "version: 99999 is not reached yet; 1 to "),
        (("turned", "--version", "0"), "version: 0 lies before the first event of the model; 1 to "),
        (("turned", "--at", "1900-01-01"), "--at: '1900-01-01' lies before the first event of the model; 20"),
        (("turned", "--position", "-1"), "position: -1 lies before the first event of the model; 1 to "),
        (("nobody", "--version", "1"), "no model 'nobody' is under watch"),
    ],
)
def test_a_moment_that_is_none_is_one_line_and_exit_code_two(
    target: str, arguments: tuple[str, ...], said: str
) -> None:
    done = remission("state", *arguments, folder=Path.cwd(), REMISSION_SERVER=target)

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_the_history_is_told_in_order_and_from_a_position_on(target: str, report: dict[str, Any]) -> None:
    events = told(target, "history", "turned")
    after = told(target, "history", "turned", "--after", "10")

    assert [int(event["position"]) for event in events] == list(range(1, report["audit"]["events"] + 1))
    assert after == events[10:]
    assert json.loads(events[0]["payload_json"])["model"] == "turned"
    assert "model_registered" in shown(target, "history")


def test_a_replay_agrees_with_the_report_and_derives_every_decision(target: str, report: dict[str, Any]) -> None:
    audit = report["audit"]
    found = told(target, "replay", "turned", "--derive")

    assert found == {
        "events": audit["events"], "equal": True, "difference": "", "decisions": audit["decisions"],
        "rederived": audit["decisions"], "erased": 0, "log_sha256": audit["log_sha256"], "first_failure": "",
    }  # fmt: skip
    assert "equal True" in shown(target, "replay", "turned")


def test_a_decision_is_made_again_and_shown(target: str) -> None:
    some = next(event for event in told(target, "history", "turned") if event["type"] == "gates_judged")
    found = told(target, "explain", "turned", some["position"])

    assert (found["status"], found["equal"], found["differences"]) == ("DERIVATION_STATUS_EQUAL", True, [])
    assert json.loads(found["rederived_verdict_json"]) == json.loads(found["decision"]["verdict_json"])
    lines = shown(target, "explain", "turned", some["position"]).splitlines()
    assert lines[0].startswith("turned: ")
    assert " gates were passed, so " in lines[0]
    assert lines[1:] == [
        f"{found['decision']['judge']} decided that at position {some['position']}, under version 1 of the policy.",
        "EQUAL: made again from its evidence, every number agrees to the bit.",
    ]


@pytest.mark.parametrize("command", ["state", "history", "replay"])
def test_a_model_that_nobody_registered_is_one_line_and_exit_code_two(target: str, command: str) -> None:
    done = remission(command, "nobody", folder=Path.cwd(), REMISSION_SERVER=target)

    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.count("no model 'nobody' is under watch") == 1


def altered(folder: Path, report: dict[str, Any], statement: str, *arguments: str) -> Done:
    """Copy the database, change it past the store with *statement*, and replay it with *arguments*."""
    assert report["audit"]["events"] > 0
    copy = folder.parent / f"{folder.name}-altered-{abs(hash(statement))}"
    copy.mkdir()
    for file in folder.glob("*.key*"):
        shutil.copy2(file, copy)
    (copy / "log-vault.db").touch(0o600)
    with (
        closing(sqlite3.connect(folder / "log-vault.db")) as keys,
        closing(sqlite3.connect(copy / "log-vault.db")) as vault,
    ):
        keys.backup(vault)
    with (
        closing(sqlite3.connect(folder / "log.db")) as source,
        closing(sqlite3.connect(copy / "log.db", isolation_level=None)) as raw,
    ):
        source.backup(raw)
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f'DROP TRIGGER "{name}"')
        assert raw.execute(statement).rowcount == 1
    with serving(copy, clock="stream") as target:
        return remission("replay", "turned", "--json", *arguments, folder=copy, REMISSION_SERVER=target)


FIRST_MOVE = "(SELECT min(position) FROM events WHERE type = 'state_changed')"


def other(word: str, instead: str) -> str:
    return f"body = CAST(replace(CAST(body AS TEXT), '{word}', '{instead}') AS BLOB)"


ALTERED = {
    "an actor": "UPDATE events SET actor = 'another' WHERE position = 2",
    "a sealed reason": f"UPDATE events SET payload = zeroblob(length(payload)) WHERE position = {FIRST_MOVE}",  # noqa: S608
    "the stored state": f"UPDATE projections SET {other('backtest', 'somebody')}",  # noqa: S608 - our own
}


@pytest.mark.parametrize("what", sorted(ALTERED))
def test_a_replay_of_an_altered_log_exits_with_one_and_says_what_differs(
    folder: Path, report: dict[str, Any], what: str
) -> None:
    done = altered(folder, report, ALTERED[what])

    assert (done.code, done.err) == (1, "")
    found = json.loads(done.out)
    assert found["equal"] is False
    assert found["difference"]


def test_altered_evidence_is_found_by_derivation(folder: Path, report: dict[str, Any]) -> None:
    one = "SELECT min(sha256) FROM evidence WHERE kind = 'canary@1'"
    # It is sealed, so it holds any byte, or lacks it, by chance: what is replaced is all of it.
    statement = f"UPDATE evidence SET body = zeroblob(length(body)) WHERE sha256 = ({one})"  # noqa: S608 - our own

    done = altered(folder, report, statement, "--derive")

    found = json.loads(done.out)
    assert done.code == 1
    assert found["rederived"] < found["decisions"]
    assert found["first_failure"]


def test_the_latest_windows_are_told_feature_by_feature(target: str) -> None:
    windows = told(target, "windows", "turned", "--last", "2")
    table = shown(target, "windows", "turned")

    assert [window["end_row"] for window in windows] == sorted(window["end_row"] for window in windows)
    assert all(feature["name"] in table for feature in windows[-1]["features"])
    assert f"rows {windows[-1]['first_row']} to {int(windows[-1]['end_row']) - 1}: " in table
    assert "wasserstein" in table
