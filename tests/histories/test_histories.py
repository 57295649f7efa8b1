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
from tests.fixtures.histories import HISTORIES, History

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


def test_there_is_a_history_of_a_release() -> None:
    assert {"0.1.0-recorded", "0.1.0-lived"} <= {str(one) for one in HISTORIES}


def test_the_chain_is_whole_and_every_decision_is_made_again(service: Service, history: History) -> None:
    found, told = service.verify(), history.told

    assert (found.failed, found.chain_ok, found.replay_equal) == (0, True, True)
    assert found.rederived == found.decisions == told["decisions"]
    assert (found.events, found.log_sha256) == (told["events"], told["log_sha256"])
    assert found.events == service.store.read(lambda reader: reader.head()).position == told["position"]


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


def test_the_histories_take_every_row_of_the_table(tmp_path: Path) -> None:
    moves = kept(  # with the tables of their release
        tmp_path, "SELECT body FROM payloads JOIN events USING (namespace, position) WHERE type = 'state_changed'"
    )
    taken = {(move["trigger"], move["dest"]) for move in map(json.loads, moves)}

    assert taken == {(move.trigger, str(move.dest)) for move in MOVES}


def test_every_judge_and_machine_that_a_release_has_asked_is_still_here(tmp_path: Path) -> None:
    judges = {kind for kind in kept(tmp_path, "SELECT kind FROM evidence") if "@" in kind}

    assert len(judges) > sum(name.endswith("@1") for name in JUDGES) / 2
    assert judges <= JUDGES.keys()
    assert kept(tmp_path, "SELECT machine_version FROM events") <= TABLES.keys()
