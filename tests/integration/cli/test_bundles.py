"""The record of a model as auditors get it: written by the command, checked by it, and nothing half-written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from remission import Client

from tests.fixtures.commands import Done, remission
from tests.fixtures.servers import serving
from tests.integration.server.examples import a_model, a_reference, decline


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("audited") / "here"  # a way up from here leads nowhere where others write
    place.mkdir()
    return place


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[str]:
    """A server with a model that is ill by a metric, and is to be trained for that."""
    asked = a_model("approval")
    asked.policy_json = json.dumps({"budget": {"unexplained": "training"}})
    with serving(folder, clock="stream") as address, Client(address) as client:
        client.create_model(asked, a_reference())
        decline(client, "approval")
        yield address


@pytest.fixture(scope="module")
def key(folder: Path, target: str) -> str:
    """The public key, as its owner shows it."""
    assert target
    return remission("key", "show", "log.key", folder=folder).out.strip()


@pytest.fixture(scope="module")
def bundle(folder: Path, target: str) -> Path:
    done = remission("export", "approval", "--out", "approval.zip", folder=folder, REMISSION_SERVER=target)
    assert (done.code, done.err) == (0, "")
    return folder / "approval.zip"


def export(folder: Path, target: str, *arguments: str) -> Done:
    return remission("export", *arguments, folder=folder, REMISSION_SERVER=target)


def listing(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if "log.db" not in path.name}


def test_a_bundle_is_written_and_checked_offline(bundle: Path, key: str) -> None:
    done = remission("verify", str(bundle), "--key", key, folder=bundle.parent)

    assert (done.code, done.err) == (0, "")
    assert "the record is what was signed" in done.out
    assert "model       approval" in done.out


def test_one_flipped_bit_is_found(bundle: Path, key: str, tmp_path: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "altered.zip").write_bytes(data)
    done = remission("verify", "altered.zip", "--key", key, "--json", folder=tmp_path)

    assert (done.code, json.loads(done.out)["ok"]) == (1, False)


def test_a_key_of_another_log_does_not_open_it(bundle: Path, tmp_path: Path) -> None:
    other = remission("key", "new", "other.key", folder=tmp_path).out.strip()
    done = remission("verify", str(bundle), "--key", other, folder=tmp_path)

    assert done.code == 1
    assert "manifest.note: expected a note that a trusted key has signed" in done.out


def test_the_database_alone_gives_the_same_bytes(bundle: Path, folder: Path) -> None:
    asked = ("--db", f"sqlite:///{folder / 'log.db'}", "--artifacts", "artifacts", "--signing-key", "log.key")
    done = remission("export", "approval", "--out", "offline.zip", *asked, folder=folder)

    assert (done.code, done.err) == (0, "")
    assert (folder / "offline.zip").read_bytes() == bundle.read_bytes()


def test_a_period_is_given_as_people_write_it(folder: Path, target: str, bundle: Path) -> None:
    done = export(
        folder, target, "approval", "--out", "to.zip", "--from", "1970-01-01", "--until", "1970-01-01T00:01:45Z"
    )

    assert done.code == 0
    assert (folder / "to.zip").stat().st_size < bundle.stat().st_size


REFUSED = {
    "an unknown model": (("ghost", "--out", "x.zip"), "no model 'ghost' is under watch"),
    "a period that ends before it begins": (
        ("approval", "--out", "x.zip", "--from", "2021-01-01", "--until", "2020-01-01"),
        "--from: '2021-01-01' lies behind --until; an instant up",
    ),
    "a period before the first event": (
        ("approval", "--out", "x.zip", "--until", "1960-01-01"), "lies before the first event",
    ),
    "an instant that is none": (("approval", "--out", "x.zip", "--from", "soon"), "--from: 'soon' is no instant"),
    "a path where something stands": (("approval", "--out", "log.key"), "log.key: exists"),
    "a path in a folder that is not there": (("approval", "--out", "none/x.zip"), "none/x.zip: cannot be written"),
    "a path outside the root": (
        ("approval", "--out", "../x.zip", "--root", "."), "../x.zip: lies outside .; a path within it is accepted",
    ),
    "a folder": (("approval", "--out", "artifacts/.."), "artifacts/..: lies outside"),
    "a database that is none": (
        ("approval", "--out", "x.zip", "--db", "sqlite:///none.db"), "none.db is not there",
    ),
    "keys that are missing": (
        ("approval", "--out", "x.zip", "--db", "sqlite:///log.db", "--signing-key", "no.key"), "no.key is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_one_line_and_leaves_nothing_behind(
    folder: Path, target: str, bundle: Path, what: str
) -> None:
    arguments, said = REFUSED[what]
    before = listing(folder.parent)
    done = export(folder, target, *arguments)

    assert bundle.exists()
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done.err
    assert said in done.err
    assert listing(folder.parent) == before


ALTERED = {
    "a payload": (
        "UPDATE events SET payload = zeroblob(length(payload)) WHERE position = 1",
        "events.jsonl: line 1: expected the payload that was committed to",
    ),
    "an actor": (
        "UPDATE events SET actor = 'nobody' WHERE position = 3",
        "events.jsonl: line 3: expected the hash of its envelope",
    ),
    "the root that was signed": (
        "UPDATE checkpoints SET note = CAST(replace(CAST(note AS TEXT), 'remission', 'admission') AS BLOB)",
        "signing_key: the checkpoint of size",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_a_database_that_was_altered_gives_no_bundle(folder: Path, bundle: Path, tmp_path: Path, what: str) -> None:
    statement, said = ALTERED[what]
    with (
        closing(sqlite3.connect(folder / "log.db")) as source,
        closing(sqlite3.connect(tmp_path / "log.db", isolation_level=None)) as raw,
    ):
        source.backup(raw)
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f'DROP TRIGGER "{name}"')
        assert raw.execute(statement).rowcount > 0
    asked = ("--db", f"sqlite:///{tmp_path / 'log.db'}", "--vault", "sqlite:///log-vault.db")
    kept = ("--artifacts", "artifacts", "--signing-key", "log.key")
    done = remission("export", "approval", "--out", str(tmp_path / "x.zip"), *asked, *kept, folder=folder)

    assert bundle.exists()
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir() if "log.db" not in path.name] == []


def test_the_inventory_is_told_to_people_and_to_machines(folder: Path, target: str) -> None:
    people = remission("inventory", folder=folder, REMISSION_SERVER=target)
    (entry,) = json.loads(remission("inventory", "--json", folder=folder, REMISSION_SERVER=target).out)

    assert (entry["model"], entry["owner"], entry["state"]) == ("approval", "risk", "STATE_RETRAINING")
    assert entry["findings"][0]["what"] == "incident"
    assert "approval" in people.out
    assert "incident metric error_rate" in people.out
    assert "overdue" in people.out
