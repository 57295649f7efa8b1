"""What every release has written is read by this one: the same chain, states and digest, and each decision again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.history.moments import By, Moment, Stand
from server.judges.table import JUDGES
from server.service import Service
from server.settings import Settings
from server.wiring import build
from statemachine.moves import MOVES, TABLES
from store import migrate
from store.schema import EXPECTED
from tests.fixtures.histories import HISTORIES, History
from tests.histories.write import lived, told

#: Where each value of a version stands in what the release told.
POSITION, OCCURRED_US = 0, 1


@pytest.fixture(scope="module", params=HISTORIES, ids=str)
def history(request: pytest.FixtureRequest) -> History:
    found: History = request.param
    return found


@pytest.fixture(scope="module")
def service(history: History, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service on a copy that was migrated to the schema of today."""
    folder = tmp_path_factory.mktemp(str(history))
    database = f"sqlite:///{history.unpacked(folder)}"
    migrate.upgrade(database)
    made = build(Settings(database=database, artifacts=str(folder / "artifacts"), clock="stream"))
    yield made
    made.store.close()


def stand(found: Stand) -> list[Any]:
    """Write what is told of a version as the release wrote it."""
    state, event = found.state, found.recorded
    return [
        event.position, event.occurred_us, event.type, str(found.health.place), state.automation, state.reason,
        state.champion, state.candidate, state.rollback_target, state.routing_generation, state.exposure_bp,
        found.health.policy_version,
    ]  # fmt: skip


def stands(service: Service, history: History, by: By, index: int) -> Iterator[tuple[list[Any], list[Any]]]:
    """Give, for each version that is the last at its moment, what is told now and what was told then."""
    for name, model in history.told["models"].items():
        last = {(number + 1 if by == "version" else then[index]): then for number, then in enumerate(model["versions"])}
        for value, then in last.items():
            yield stand(service.as_of(name, Moment(by, value))), then


def test_there_are_histories_of_the_release_and_of_the_schemas_that_run_on_after_it() -> None:
    kept = {str(one) for one in HISTORIES}

    assert {"0.1.0-recorded", "0.1.0-lived", "schema-0005-lived", "schema-0006-recorded", "schema-0006-lived"} <= kept


def test_a_history_could_be_written_today(tmp_path: Path) -> None:
    lived(tmp_path / "history.db", tmp_path)

    found = told(tmp_path / "history.db", tmp_path)

    assert (found["failures"], found["schema"]) == ([], EXPECTED)
    assert found["decisions"] == found["rederived"] > 0


def test_there_is_a_history_of_the_schema_of_today() -> None:
    assert EXPECTED in {one.told["schema"] for one in HISTORIES}


def test_the_chain_is_whole_and_every_decision_is_made_again(service: Service, history: History) -> None:
    found, told = service.verify(), history.told

    assert (found.failed, found.chain_ok, found.replay_equal) == (0, True, True)
    assert found.rederived == found.decisions == told["decisions"]
    assert (found.events, found.log_sha256) == (told["events"], told["log_sha256"])
    assert found.events == service.store.read(lambda reader: reader.head()).position == told["position"]
    assert found.root == told.get("root", found.root)  # the first release had no tree


def test_every_model_stands_where_its_release_left_it(service: Service, history: History) -> None:
    stored = service.store.read(lambda reader: reader.projections())

    assert {one.stream: hashlib.sha256(one.body).hexdigest() for one in stored} == {
        name: model["projection_sha256"] for name, model in history.told["models"].items()
    }


@pytest.mark.parametrize(("by", "index"), [("version", 0), ("position", POSITION), ("at_us", OCCURRED_US)])
def test_as_of_each_moment_is_what_the_release_saw_there(
    service: Service, history: History, by: By, index: int
) -> None:
    found = list(stands(service, history, by, index))

    assert [now for now, _ in found] == [then for _, then in found]
    assert len(found) > len(history.told["models"])


def test_a_service_goes_on_where_the_release_stopped(service: Service, history: History) -> None:
    names = list(history.told["models"])
    service.operate("freeze", names[0], "", "a drill").result()

    found = service.verify(names)

    assert (found.failed, found.chain_ok, found.replay_equal) == (0, True, True)
    assert found.events > history.told["events"]


def kept(folder: Path, question: str) -> set[Any]:
    """Ask all histories, past the store."""
    found: set[Any] = set()
    for history in HISTORIES:
        with contextlib.closing(sqlite3.connect(history.unpacked(folder))) as raw:
            found |= {row[0] for row in raw.execute(question)}
    return found


@pytest.mark.parametrize(
    "history", [one for one in HISTORIES if one.name == "lived"], ids=str, indirect=True, scope="module"
)
def test_what_lived_takes_every_row_of_the_table(service: Service, history: History) -> None:
    events = [step.recorded for name in history.told["models"] for step in service.steps(name)]
    moves = [json.loads(event.payload or b"") for event in events if event.type == "state_changed"]
    taken = {(move["trigger"], move["dest"]) for move in moves}

    assert taken == {(move.trigger, str(move.dest)) for move in MOVES}


def test_every_judge_and_machine_that_a_release_has_asked_is_still_here(tmp_path: Path) -> None:
    judges = {kind for kind in kept(tmp_path, "SELECT kind FROM evidence") if "@" in kind}

    assert len(judges) > sum(name.endswith("@1") for name in JUDGES) / 2
    assert judges <= JUDGES.keys()
    assert kept(tmp_path, "SELECT machine_version FROM events") <= TABLES.keys()
