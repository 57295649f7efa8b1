"""A database is replayed with no server: by one process or many, beside a server, and until somebody stops it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from benchmarks.life import a_life, lay
from store import migrate, open_store
from tests.fixtures.commands import Done, remission, started
from tests.fixtures.histories import HISTORIES
from tests.fixtures.servers import PATIENCE_SECONDS, serving
from tests.fixtures.tampering import past_the_store

LIVED = next(one for one in HISTORIES if one.name == "lived")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = LIVED.unpacked(tmp_path)
    migrate.upgrade(f"sqlite:///{found}")
    return found


def replay(file: Path, *arguments: str) -> Done:
    return remission("replay", *arguments, "--db", f"sqlite:///{file}", folder=file.parent)


def told(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_whole_database_is_derived_and_reported(file: Path, jobs: str) -> None:
    done = replay(file, "--derive", "--jobs", jobs, "--json")

    then = LIVED.told
    assert done.code == 0, done.err
    assert told(done) == {
        "models": len(then["models"]), "events": then["events"], "equal": True, "chain_ok": True,
        "log_sha256": then["log_sha256"], "decisions": then["decisions"], "rederived": then["decisions"],
        "tree_ok": True, "root": "aa669a70aa19c26b9e87b0a8d5a2029e04f86b6d4b6e6421037241cbcbf71183",
        "beside_ok": True, "feed_entries": 0, "without_feed": len(then["models"]), "unopened": 0,
        "erased": 0, "failed": 0, "failures": [],
    }  # fmt: skip
    assert f"{then['events']}/{then['events']}" in done.err


def test_one_model_is_folded_alone_and_nothing_is_derived_unless_asked(file: Path) -> None:
    done = replay(file, "people", "--json")

    assert (done.code, told(done)["events"], told(done)["models"]) == (
        0,
        len(LIVED.told["models"]["people"]["versions"]),
        1,
    )
    assert "decisions" not in told(done)


def test_people_are_told_in_a_line(file: Path) -> None:
    done = replay(file, "people", "--derive")

    assert (done.code, done.out.count("\n")) == (0, 1)
    assert "equal True, chain_ok True" in done.out


def test_what_differs_is_named_and_ends_with_exit_code_one(file: Path) -> None:
    with past_the_store(file) as raw:
        raw.execute("UPDATE events SET machine_version = '3' WHERE stream = 'people' AND version = 8")

    done, shown = replay(file, "--derive", "--json"), replay(file, "--derive")

    first = told(done)["failures"][0]
    assert (done.code, shown.code) == (1, 1)
    assert (first["model"], first["version"], first["position"], first["type"]) == ("people", 8, 8, "policy_changed")
    assert first["what"] == "machine version '3' is unknown here; known: 1"
    assert "policy_changed" in shown.out


def test_a_database_is_replayed_beside_its_server(tmp_path: Path) -> None:
    with serving(tmp_path, clock="stream"):
        done = replay(tmp_path / "log.db", "--derive", "--json")

    assert (done.code, told(done)["events"]) == (0, 0)


def test_a_replay_that_is_interrupted_says_how_far_it_came_and_leaves_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/log.db"
    migrate.upgrade(url)
    with contextlib.closing(open_store(url, clock_us=lambda: 0)) as store:
        events = sum(lay(store, a_life(100), 200))
    before = sorted(file.name for file in tmp_path.iterdir())
    asked = ("replay", "--db", url, "--derive", "--jobs", "2", "--json")
    process = started(*asked, folder=tmp_path, FORCE_COLOR="1")
    assert process.stderr is not None
    process.stderr.read(1)  # the bar has begun

    os.killpg(process.pid, signal.SIGINT)

    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (130, "")
    assert f" of {events} events folded, " in err
    assert err.rstrip().endswith("nothing was written")
    assert "Traceback" not in err
    assert {file.name for file in tmp_path.iterdir()} - set(before) <= {"log.db-wal", "log.db-shm"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("replay",), "a model is needed where a server is asked"),
        (("replay", "m", "--jobs", "2"), "--db takes jobs"),
        (("replay", "m", "--db", "sqlite:///none.db"), "none.db is not there"),
        (("replay", "m", "--db", "memory://"), "what is in memory is its server's alone. (reason='memory://')"),
        (("replay", "--db", "sqlite:///lived.db", "ghost"), "the log holds no model 'ghost'"),
        (("replay", "--db", "sqlite:///lived.db", "--jobs", "-1"), "should be greater than or equal to 0"),
    ],
)
def test_what_cannot_be_replayed_is_refused(file: Path, arguments: tuple[str, ...], said: str) -> None:
    done = remission(*arguments, folder=file.parent)

    assert (done.code, done.out) == (2, "")
    assert said in " ".join(done.err.replace("│", " ").split())


def test_a_replay_leaves_the_file_as_it_was(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.read_bytes()

    replay(file, "--derive", "--jobs", "2")

    assert file.read_bytes() == before


def test_a_timer_that_was_altered_is_named_and_ends_with_exit_code_one(file: Path) -> None:
    with past_the_store(file) as raw:
        raw.execute("UPDATE timers SET visit = 99")

    done = replay(file, "--json")

    assert done.code == 1
    assert all("is of visit 99, the log says" in one["what"] for one in told(done)["failures"])
