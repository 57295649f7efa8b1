"""What stands beside the events is held against them, and what they do not tell against itself; each fault by name."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from server.audit import auditing
from server.audit.checking import Verification
from server.service import Service
from server.settings import Settings
from server.wiring import build, open_log
from store import migrate, open_reader
from store.vault import Vault, read_vault
from tests.fixtures.histories import HISTORIES, History
from tests.fixtures.services import Feed, a_model
from tests.fixtures.tampering import flip, past_the_store

Change = Callable[[sqlite3.Connection], object]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of two models with rows, labels, a request and a signal that is awaited, and its vault beside it."""
    folder = tmp_path_factory.mktemp("beside")
    database = f"sqlite:///{folder / 'log.db'}"
    migrate.upgrade(database)
    service = build(Settings(database=database, artifacts=f"memory://{uuid4().hex}", clock="stream"))
    for name in ("m", "n"):
        service.create_model(a_model(name)).result()
    _feed(service)
    service.start_retraining("m", "", "try", []).result()
    service.close()
    return folder


def _feed(service: Service) -> None:
    feed = Feed(service, "m")
    for _ in range(3):
        feed.labels(feed.rows(20, subjects=["ann", "bob"]), 1.0)


@pytest.fixture
def folder(lived: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(lived, tmp_path / "copy"))


def verified(folder: Path, *, sealed: bool = False) -> Verification:
    log, vault = (f"sqlite:///{folder / name}" for name in ("log.db", "log-vault.db"))
    with contextlib.closing(open_reader(log, vault=read_vault(vault))) as store, _vault(vault, sealed=sealed) as keys:
        return auditing.verify(store, vault=keys)


@contextlib.contextmanager
def _vault(url: str, *, sealed: bool) -> Iterator[Vault | None]:
    if sealed:
        yield None
        return
    with contextlib.closing(read_vault(url)) as made:
        yield made


def faults(folder: Path, change: Change) -> list[str]:
    with past_the_store(folder / "log.db") as raw:
        change(raw)
    return [str(one) for one in verified(folder).failures]


def run(statement: str, *values: object) -> Change:
    return lambda raw: raw.execute(statement, values)


def test_a_log_as_the_service_has_written_it_is_whole(folder: Path) -> None:
    found = verified(folder)

    assert (found.failures, found.beside_ok, found.replay_equal) == ([], True, True)
    assert (found.feed_entries, found.unopened) == (10, 0)


def test_what_is_sealed_is_counted_where_there_is_no_vault(folder: Path) -> None:
    found = verified(folder, sealed=True)

    assert (found.failures, found.feed_entries, found.unopened) == ([], 10, 10)


@pytest.mark.parametrize("history", HISTORIES, ids=str)
def test_logs_of_earlier_releases_are_whole(history: History, tmp_path: Path) -> None:
    file = history.unpacked(tmp_path)
    migrate.upgrade(f"sqlite:///{file}")
    with contextlib.closing(open_log(Settings(database=f"sqlite:///{file}"))) as store:
        found = auditing.verify(store)

    assert found.failures == []
    assert found.without_feed == found.models > 0  # histories are kept without feeds


DERIVED = [
    ("UPDATE projections SET state = 'healthy' WHERE stream = 'm'", "m: stored state: state is 'healthy', the"),
    ("UPDATE projections SET version = 9 WHERE stream = 'n'", "n: stored state: version is 9, the log says"),
    ("UPDATE projections SET updated_us = 1 WHERE stream = 'n'", "n: stored state: updated_us is 1, the log says"),
    ("DELETE FROM timers WHERE stream = 'm'", "is missing, the log says that it runs"),
    ("UPDATE timers SET due_us = due_us + 1 WHERE stream = 'm'", "log and feed say"),
    ("UPDATE timers SET due_us = due_us - 1 WHERE stream = 'n'", "n: timer silence: is due at"),
    ("UPDATE timers SET due_us = 1 << 61 WHERE stream = 'n'", "n: timer silence: is due at"),
    ("UPDATE timers SET due_us = 'soon' WHERE stream = 'n'", "n: a timer or a route holds what the service does not"),
    ("UPDATE timers SET visit = 7 WHERE stream = 'n'", "n: timer silence: is of visit 7, the log says"),
    ("INSERT INTO timers VALUES ('default', 'n', 'queued', 1, 1)", "n: timer queued: is there, the log says that none"),
    ("UPDATE routes SET issued_us = 1 WHERE stream = 'n'", "n: route 1: is not what the log says was intended"),
    ("UPDATE routes SET generation = 5 WHERE stream = 'n'", "n: route 5: is there, the log says that none"),
    ("DELETE FROM routes WHERE stream = 'n'", "n: route 1: is missing, the log says that it was intended"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "told"), DERIVED)
def test_what_the_log_tells_is_held_against_it(folder: Path, statement: str, told: str) -> None:
    found = faults(folder, run(statement))

    assert any(told in one for one in found), found


OF_ITSELF = [
    ("DELETE FROM feed WHERE stream = 'm' AND seq = 4", "m: feed entry 5: comes behind entry 3"),
    ("UPDATE feed SET watermark_us = 0 WHERE stream = 'm' AND seq = 5", "m: feed entry 5: its watermark 0 lies before"),
    ("UPDATE feed SET first_row = 61 WHERE stream = 'm' AND seq = 3", "m: feed entry 3: begins with row 61, where"),
    ("UPDATE feed SET row_count = 19 WHERE stream = 'm' AND seq = 3", "m: feed entry 3: row_count is 19, what"),
    ("UPDATE feed SET row_count = 1 WHERE stream = 'm' AND seq = 4", "m: feed entry 4: row_count is 1, what it holds"),
    ("UPDATE feed SET seq = 'x' WHERE stream = 'm' AND seq = 8", "m: feed entry 'x': has no number"),
    ("UPDATE feed SET body = x'00' WHERE stream = 'm' AND seq = 7", "m: feed entry 7: "),
    ("UPDATE cursors SET seq = 9 WHERE stream = 'm'", "m: cursor follower: stands at entry 9, the feed ends with 8"),
    ("DELETE FROM feed WHERE stream = 'n'", "n: its feed is missing, which begins with its reference"),
    ("DELETE FROM cursors WHERE stream = 'm'", "m: cursor follower: is missing, and the feed has 8 entries"),
    ("UPDATE requests SET payload_sha256 = 'none'", "'none' is no hash of what was asked"),
    ("UPDATE requests SET response = x'7b7d'", "its answer is no receipt"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "told"), OF_ITSELF)
def test_what_the_log_does_not_tell_is_held_against_itself(folder: Path, statement: str, told: str) -> None:
    with past_the_store(folder / "log.db") as raw:
        raw.execute(statement)

    found = verified(folder)

    assert any(told in str(one) for one in found.failures), [str(one) for one in found.failures]
    assert (found.beside_ok, found.chain_ok, found.tree_ok) == (False, True, True)


def test_one_bit_of_a_sealed_entry_is_named_at_it(folder: Path) -> None:
    def change(raw: sqlite3.Connection) -> None:
        (body,) = raw.execute("SELECT body FROM feed WHERE stream = 'm' AND seq = 3").fetchone()
        raw.execute("UPDATE feed SET body = ? WHERE stream = 'm' AND seq = 3", (flip(body, len(body) - 1),))

    found = faults(folder, change)

    assert len(found) == 1
    assert found[0].startswith("m: feed entry 3: cannot be read: What is sealed does not open under its key")


def test_a_sealed_entry_at_the_place_of_another_is_named(folder: Path) -> None:
    found = faults(
        folder,
        run(
            "UPDATE feed SET body = (SELECT body FROM feed AS o WHERE o.stream = 'm' AND o.seq = 5) "
            "WHERE stream = 'm' AND seq = 3"
        ),
    )

    assert found[0].startswith("m: feed entry 3: cannot be read: What is sealed does not open under its key")
