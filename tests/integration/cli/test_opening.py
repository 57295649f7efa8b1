"""Rows of a bundle in the hands of who has the vault: opened beside the server, and whole or not at all."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from remission import Client

from store.vault import open_vault
from tests.fixtures.commands import Done, remission
from tests.fixtures.servers import serving
from tests.integration.server import marked
from tests.integration.server.marked import BATCH, MARKED, REFERENCE_ROWS, SUBJECT

VAULT = "sqlite:///log-vault.db"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("opened") / "here"  # a way up from here leads nowhere where others write
    place.mkdir()
    return place


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[str]:
    """A server that has seen a subject."""
    with serving(folder, clock="stream") as address, Client(address) as client:
        client.create_model(marked.a_model(), marked.a_past())
        client.ingest_batch("m", marked.batch(0))
        yield address


@pytest.fixture(scope="module")
def key(folder: Path, target: str) -> str:
    """The public key, as its owner shows it."""
    assert target
    return remission("key", "show", "log.key", folder=folder).out.strip()


@pytest.fixture(scope="module")
def bundle(folder: Path, target: str, key: str) -> str:
    """A bundle with rows, from before the subject was erased; beside it one without, and a vault of another log."""
    assert key
    for name, options in (("m.zip", ["--rows"]), ("bare.zip", [])):
        done = remission("export", "m", "--out", name, *options, folder=folder, REMISSION_SERVER=target)
        assert (done.code, done.err) == (0, "")
    (folder / "full" / "of").mkdir(parents=True)
    open_vault(f"sqlite:///{folder / 'foreign.db'}", clock_us=lambda: 0).close()
    return "m.zip"


def opening(folder: Path, key: str, *arguments: str, vault: str = VAULT) -> Done:
    return remission("open", *arguments, "--vault", vault, "--key", key, folder=folder)


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def listing(folder: Path) -> set[str]:
    """Name all files but those that SQLite keeps beside a database while it is read."""
    return {str(path) for path in folder.rglob("*") if not path.name.startswith(("log", "foreign.db-"))}


def test_the_database_alone_gives_the_same_rows(folder: Path, bundle: str) -> None:
    asked = ("--db", "sqlite:///log.db", "--artifacts", "artifacts", "--signing-key", "log.key", "--vault", VAULT)
    done = remission("export", "m", "--out", "offline.zip", "--rows", *asked, folder=folder)

    assert (done.code, done.err) == (0, "")
    assert (folder / "offline.zip").read_bytes() == (folder / bundle).read_bytes()


def test_rows_are_opened_beside_the_server_into_files_of_lines_for_nobody_else(
    folder: Path, bundle: str, key: str
) -> None:
    done = opening(folder, key, bundle, "--out", "opened")
    rows = lines(folder / "opened" / "rows.jsonl")

    assert (done.code, done.err) == (0, "")
    assert done.out == f"opened: {REFERENCE_ROWS + BATCH} rows, {REFERENCE_ROWS} labels, 0 datasets; 0 withheld\n"
    assert [one["row"] for one in rows] == list(range(REFERENCE_ROWS + BATCH))
    assert rows[REFERENCE_ROWS]["features"]["x"] == marked.VALUE
    assert rows[0]["features"]["word"] == "a"
    assert stat.S_IMODE((folder / "opened").stat().st_mode) == 0o700


def test_what_is_erased_is_named_and_the_rest_is_opened(folder: Path, target: str, bundle: str, key: str) -> None:
    with Client(target) as client:
        client.privacy.erase_subject(SUBJECT, request_id="e-1")
    people = opening(folder, key, bundle, "--out", "later")
    machines = opening(folder, key, bundle, "--out", "again", "--json")

    assert people.code == 0
    assert f"rows 3: EVIDENCE_ERASED: {MARKED} of its rows" in people.out
    assert json.loads(machines.out)["erased"] == {"rows 3": MARKED}
    assert len(lines(folder / "later" / "rows.jsonl")) == REFERENCE_ROWS + BATCH - MARKED
    (lost,) = lines(folder / "later" / "lost.jsonl")
    assert (lost["entry"], lost["reason"], len(lost["rows"])) == ("rows 3", "EVIDENCE_ERASED", MARKED)


REFUSED = {
    "a bundle without rows": (("bare.zip", "--out", "x"), VAULT, "bare.zip: holds no kept rows; what `remission"),
    "a file that is not there": (("no.zip", "--out", "x"), VAULT, "no.zip: cannot be read"),
    "a vault that is not there": (("m.zip", "--out", "x"), "sqlite:///no.db", "vault: "),
    "the database of the log": (("m.zip", "--out", "x"), "sqlite:///log.db", "vault: "),
    "a vault of another log": (("m.zip", "--out", "x"), "sqlite:///foreign.db", "never held this key"),
    "a folder where something stands": (("m.zip", "--out", "full"), VAULT, "full: exists"),
    "a file": (("m.zip", "--out", "m.zip"), VAULT, "m.zip: exists"),
    "a folder outside the root": (("m.zip", "--out", "../x", "--root", "."), VAULT, "../x: lies outside ."),
    "a master key that is none": (
        ("m.zip", "--out", "x", "--vault-master", "m.zip"), VAULT, "vault_master: 'm.zip' is no file of 64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_is_one_line_and_leaves_nothing_behind(folder: Path, bundle: str, key: str, what: str) -> None:
    arguments, vault, said = REFUSED[what]
    before = listing(folder.parent)
    done = opening(folder, key, *arguments, vault=vault)

    assert (folder / bundle).exists()
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done.err
    assert said in done.err
    assert listing(folder.parent) == before


def test_a_bundle_that_does_not_verify_is_not_opened(folder: Path, bundle: str, key: str, tmp_path: Path) -> None:
    data = bytearray((folder / bundle).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "altered.zip").write_bytes(data)
    done = opening(folder, key, str(tmp_path / "altered.zip"), "--out", str(tmp_path / "x"))

    assert done.code == 1
    assert "wrong" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["altered.zip"]
