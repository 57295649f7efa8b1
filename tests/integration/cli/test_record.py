"""The record in an auditor's hands, and a server that will not lie for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from remission import Client

from tests.fixtures.commands import Done, remission
from tests.fixtures.servers import PATIENCE_SECONDS, serving
from tests.integration.server.requests import create, model, reference

MODELS = 90  #: of three events each, so that a tile becomes full


def made(target: str, first: int = 0, count: int = 1) -> None:
    """Put models under watch, and let each be held and released."""
    with Client(target) as client:
        for number in range(first, first + count):
            name = f"m{number}"
            asked = create(model(name), reference())
            client.create_model(asked.model, asked.reference)
            client.operations.hold(name)
            client.operations.release(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let a server write a log, sign it, and hand everything out."""
    place = tmp_path_factory.mktemp("record")
    with serving(place) as target:
        made(target, count=MODELS)
        for command in (
            ("checkpoint", "--out", "old"),
            ("receipt", "257", "--out", "one.tlog-proof"),
            ("tiles", "tiles"),
            ("export", "m0", "--out", "m0.zip"),
        ):
            done = remission(*command, folder=place, REMISSION_SERVER=target)
            assert done.code == 0, done.err
        made(target, MODELS)
        assert remission("tiles", "later", folder=place, REMISSION_SERVER=target).code == 0
    return place


def verified(folder: Path, *arguments: str) -> Done:
    """Check with the auditor's command, and the public key that the owner gave."""
    key = remission("key", "show", "log.key", folder=folder).out.split()[0]
    verifier = [sys.executable, "-c", "from remission_verify.command import main; raise SystemExit(main())"]
    done = subprocess.run(
        [*verifier, *arguments, "--key", key],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_an_exported_log_is_whole_to_a_stranger(folder: Path) -> None:
    done = verified(folder, "log", "tiles")

    assert (done.code, done.err) == (0, "")


def test_a_later_export_continues_what_was_signed_before(folder: Path) -> None:
    assert verified(folder, "log", "later", "--older", "old").code == 0
    assert verified(folder, "log", "tiles", "--older", "later/checkpoint").code == 1


def test_an_export_of_the_whole_shows_that_the_log_of_a_bundle_begins_with_what_was_signed_before(
    folder: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(folder / "m0.zip") as archive:
        archive.extract("checkpoint", tmp_path)
    bundled = str(tmp_path / "checkpoint")

    assert verified(folder, "bundle", "m0.zip").code == 0
    assert verified(folder, "log", "later", "--older", "old", "--older", bundled).code == 0


def test_an_older_proof_is_never_written_over(folder: Path) -> None:
    names = ("old", "one.tlog-proof", "one.tlog-proof.entry")
    before = {name: (folder / name).read_bytes() for name in names}
    (folder / "two.entry").write_text("somebody's")
    with serving(folder) as target:
        for command in (("checkpoint", "--out", "old"), ("receipt", "1", "--out", "one.tlog-proof")):
            done = remission(*command, folder=folder, REMISSION_SERVER=target)
            assert (done.code, done.err) == (
                2,
                f"remission: {command[-1]}: exists; a path where nothing stands is accepted\n",
            )
        half = remission("receipt", "1", "--out", "two", folder=folder, REMISSION_SERVER=target)
        nowhere = remission("checkpoint", "--out", "none/such", folder=folder, REMISSION_SERVER=target)

    assert {name: (folder / name).read_bytes() for name in names} == before
    assert (half.code, (folder / "two").exists()) == (2, False)
    assert (nowhere.code, nowhere.err) == (2, "remission: none/such: cannot be written: No such file or directory\n")


def test_a_receipt_proves_its_event_with_no_log_at_hand(folder: Path) -> None:
    assert verified(folder, "receipt", "one.tlog-proof").code == 0


def test_a_receipt_proves_no_other_event(folder: Path, tmp_path: Path) -> None:
    entry = (folder / "one.tlog-proof.entry").read_bytes()
    (tmp_path / "other").write_bytes(entry.replace(b'"actor":"local"', b'"actor":"nobod"'))

    assert verified(folder, "receipt", "one.tlog-proof", "--entry", str(tmp_path / "other")).code == 1


def test_what_stands_at_the_place_of_an_export_is_left_alone(folder: Path) -> None:
    before = {path: path.read_bytes() for path in (folder / "tiles").rglob("*") if path.is_file()}
    with serving(folder) as target:
        done = remission("tiles", "tiles", folder=folder, REMISSION_SERVER=target)

    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert {path: path.read_bytes() for path in (folder / "tiles").rglob("*") if path.is_file()} == before


def refused(folder: Path, *options: str) -> str:
    """Start a server that must not come up, and give the one line that it says."""
    command = [sys.executable, "-m", "cli.main", "serve", "--db", "sqlite:///log.db", "--port", "0", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert done.returncode == 2, done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def backup(folder: Path, tmp_path: Path) -> Path:
    """Make a log, copy it, let it go on, and put the copy in its place."""
    shutil.copytree(folder, tmp_path / "log")
    place = tmp_path / "log"
    shutil.copy(place / "log.db", place / "backup.db")
    with serving(place) as target:
        made(target, MODELS + 10)
    shutil.copy(place / "backup.db", place / "log.db")
    for rest in ("log.db-wal", "log.db-shm"):
        (place / rest).unlink(missing_ok=True)
    return place


def test_a_restored_backup_is_not_served_under_the_old_name(backup: Path) -> None:
    said = refused(backup, "--signing-key", "log.key")

    assert "it was restored from a backup or cut off" in said


def test_a_restored_backup_is_served_under_a_new_name_once_that_was_declared(backup: Path) -> None:
    assert remission("restore", "--db", "sqlite:///log.db", folder=backup).code == 0
    for name in ("log.key", "log.key.checkpoint"):
        (backup / name).rename(backup / f"old-{name}")
    with serving(backup) as target, Client(target) as client:
        found = client.audit.verify()

    assert (found.tree_ok, found.chain_ok, found.first_failure) == (True, True, "")


def test_a_backup_that_is_not_there_is_not_declared_restored_and_not_made(tmp_path: Path) -> None:
    done = remission("restore", "--db", "sqlite:///log.db", folder=tmp_path)

    assert (done.code, list(tmp_path.iterdir())) == (2, [])
    assert "log.db is not there" in done.err


@pytest.mark.parametrize("made_anew", [False, True], ids=["the old key", "a new key of the old name"])
def test_a_restored_backup_is_not_served_under_the_old_name_though_its_checkpoint_file_is_gone(
    backup: Path, *, made_anew: bool
) -> None:
    name = remission("key", "show", "log.key", folder=backup).out.partition("+")[0]
    assert remission("restore", "--db", "sqlite:///log.db", folder=backup).code == 0
    (backup / "log.key.checkpoint").unlink()
    if made_anew:
        assert remission("key", "new", "new.key", "--name", name, folder=backup).code == 0

    said = refused(backup, "--signing-key", "new.key" if made_anew else "log.key")

    assert f"signing_key: {name} is the name that the log had before `remission restore`" in said


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.unlink(), "is missing"),
        (lambda file: file.chmod(0o644), "can be read by others"),
        (lambda file: file.write_text("garbage"), "line 1"),
    ],
)
def test_a_server_does_not_start_without_the_keys_of_its_log(
    folder: Path, tmp_path: Path, spoil: object, said: str
) -> None:
    place = tmp_path / "log"
    shutil.copytree(folder, place)
    spoil(place / "log.key")  # type: ignore[operator]  # one of the functions above

    assert said in refused(place, "--signing-key", "log.key")
