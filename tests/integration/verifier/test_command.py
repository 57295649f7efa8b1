"""The command of an auditor: what it prints, and how it ends."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from remission_verify.command import main
from remission_verify.cosignature import Witness, message
from remission_verify.folder import TileFolder
from remission_verify.merkle import hash_leaf, inclusion_proof, root_of
from remission_verify.note import Signature, Signer, parse_note
from remission_verify.receipt import Receipt

from tests.fixtures.logs import SIGNER, exported, signed, some_log

LOG = some_log(300)
KEY = SIGNER.verifier.text
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
WITNESS = Witness("witness.example/w1", PRIVATE.public_key().public_bytes_raw())
RIGHT = "right       every entry is what was signed, and stands in its place"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return exported(tmp_path / "log", LOG)


@pytest.fixture
def receipt(folder: Path) -> Path:
    """Write the receipt of the entry at position 10, and the entry beside it."""
    path = inclusion_proof(300, 9, TileFolder(folder).nodes(300))
    file = folder.parent / "receipt"
    file.write_text(Receipt(9, tuple(path), signed(LOG)).text)
    file.with_name("receipt.entry").write_bytes(LOG[9])
    return file


def cosigned(folder: Path, time_s: int = 1679315147) -> None:
    """Let a witness put its line below the checkpoint."""
    note = (folder / "checkpoint").read_text()
    value = struct.pack(">Q", time_s) + PRIVATE.sign(message(parse_note(note).text, time_s))
    (folder / "checkpoint").write_text(note + Signature(WITNESS.name, WITNESS.key_id, value).line)


def test_a_whole_log_is_right(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["log", str(folder), "--key", KEY])

    assert (code, capsys.readouterr().out.splitlines()) == (
        0,
        [
            "log         log.example/test",
            "entries     300 in 2 streams",
            f"root        {root_of([hash_leaf(leaf) for leaf in LOG]).hex()}",
            f"signed by   log.example/test+{SIGNER.verifier.key_id.hex()}",
            RIGHT,
        ],
    )


def test_a_program_is_told_in_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tile/0/001.p/44").unlink()

    code = main(["log", str(folder), "--key", KEY, "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (code, told["ok"], told["size"], told["streams"], told["untold"]) == (1, False, 300, 2, 0)
    assert told["faults"] == [
        {"file": "tile/0/001.p/44", "position": None, "said": "is missing (positions 257 to 300)"}
    ]


def said(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Give the lines of a table by their names."""
    return {line[:12].strip(): line[12:] for line in capsys.readouterr().out.splitlines()}


def test_what_was_checked_up_to_the_fault_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tile/0/001.p/44").unlink()

    code = main(["log", str(folder), "--key", KEY])

    told = said(capsys)
    assert (code, told["entries"], told["checked"]) == (
        1, "300 in 2 streams", "all 300 entries, and the tiles above them",
    )  # fmt: skip
    assert "unchecked" not in told


def test_no_entries_are_counted_where_no_checkpoint_is_believed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = Signer("log.example/test", bytes(32)).verifier.text

    code = main(["log", str(folder), "--key", stranger])
    told = said(capsys)
    main(["log", str(folder), "--key", stranger, "--json"])

    assert (code, told["entries"], told["checked"], told["unchecked"]) == (
        1, "not known: no checkpoint was believed", "nothing",
        "all entries, since no checkpoint says which they are",
    )  # fmt: skip
    assert json.loads(capsys.readouterr().out)["size"] is None


def test_a_receipt_that_fails_says_how_far_it_was_checked(receipt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, stranger = receipt.read_text(), Signer("log.example/test", bytes(32)).verifier.text

    main(["receipt", str(receipt), "--key", stranger])
    unsigned = said(capsys)
    receipt.write_text(f"no {text}")
    main(["receipt", str(receipt), "--key", KEY])
    unreadable = said(capsys)

    assert (unsigned["checked"], unsigned["unchecked"]) == (
        "the form of the receipt", "the entry, since the checkpoint of its receipt is not believed",
    )  # fmt: skip
    assert (unreadable["checked"], unreadable["unchecked"]) == (
        "nothing", "the entry, since its receipt cannot be read",
    )  # fmt: skip


def test_keys_are_read_from_a_file(folder: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"# retired\n{Signer('log.example/old', bytes(32)).verifier.text}\n\n{KEY}\n")

    assert main(["log", str(folder), "--key", str(keys)]) == 0


def test_an_older_checkpoint_is_held_against_the_log(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good").write_text(signed(LOG[:70]))
    (tmp_path / "bad").write_text(signed(some_log(70, say="not ")))

    assert main(["log", str(folder), "--key", KEY, "--older", str(tmp_path / "good")]) == 0
    assert main(["log", str(folder), "--key", KEY, "--older", str(tmp_path / "bad")]) == 1
    assert f"{tmp_path / 'bad'}: the first 70 entries have the root" in capsys.readouterr().out


def test_a_witness_that_is_asked_for_must_have_seen_the_checkpoint(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["log", str(folder), "--key", KEY, "--witness", WITNESS.text, "--quorum", "1"]

    before = main(asked)
    cosigned(folder)
    after = main(asked)

    told = capsys.readouterr().out
    assert (before, after) == (1, 0)
    assert "0 known witnesses have cosigned (none); at least 1 are asked for" in told
    assert "seen by     witness.example/w1 at 2023-03-20 12:25:47 UTC" in told


def test_a_receipt_is_right(receipt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["receipt", str(receipt), "--key", KEY])

    assert code == 0
    assert capsys.readouterr().out.splitlines()[-1] == "right       the entry stands in the log"


def flipped(data: bytes) -> bytes:
    return data[:90] + bytes([data[90] ^ 1]) + data[91:]


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("receipt.entry", flipped, "index 9 of 300 leaves: the proof leads to"),
        ("receipt.entry", lambda _data: LOG[8], "index 9 of 300 leaves: the proof leads to"),
        ("receipt", lambda data: data.replace(b"index 9", b"index 8"), "the proof leads to"),
        ("receipt", lambda data: data.replace(b"index 9", b"index 300"), "index 300 is not in a tree of 300 leaves"),
        ("receipt", lambda data: data.replace(b"\n300\n", b"\n301\n"), "does not fit the text"),
        ("receipt", lambda data: data[:80], "an empty line stands before its checkpoint"),
        ("receipt", lambda data: data[:-10], "does not end in an empty line"),
        ("receipt", lambda data: b"tlog-proof@v2" + data, "a receipt begins with c2sp.org/tlog-proof@v1"),
    ],
)
def test_a_receipt_that_was_altered_is_wrong(
    receipt: Path, capsys: pytest.CaptureFixture[str], name: str, change: Callable[[bytes], bytes], said: str
) -> None:
    file = receipt.with_name(name)
    file.write_bytes(change(file.read_bytes()))

    code = main(["receipt", str(receipt), "--key", KEY])

    last = capsys.readouterr().out.splitlines()[-1]
    assert code == 1
    assert last.startswith(f"wrong       {receipt}: ")
    assert said in last


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["log"], "the following arguments are required: --key, FOLDER"),
        (["log", "FOLDER", "--key", "x"], "'x' is no file that is there, nor a key: the key is not one of Ed25519"),
        (
            ["log", "FOLDER", "--key", "missing/file"],
            "'missing/file' is no file that is there, nor a key: the key is not",
        ),
        (["log", "FOLDER", "--key", "EMPTY"], "EMPTY: holds no key; one public key a line is accepted"),
        (["log", "FOLDER", "--key", "SECRET"], "SECRET line 1: is a private key; nothing but public keys is needed"),
        (["log", "FOLDER", "--key", WITNESS.text], "the first of them 1, is accepted"),
        (["log", "FOLDER", "--key", KEY, "--witness", KEY], "the first of them 4, is accepted"),
        (["log", "FOLDER", "--key", KEY, "--quorum", "x"], "argument --quorum: invalid int value: 'x'"),
        (["log", "MISSING", "--key", KEY], "MISSING: is no folder"),
        (["log", "FOLDER", "--key", KEY, "--older", "MISSING"], "MISSING: is missing"),
        (["receipt", "MISSING", "--key", KEY], "MISSING: is missing"),
        (["receipt", "EMPTY", "--key", KEY], "EMPTY.entry: is missing"),
        (["receipt", "EMPTY", "--key", KEY, "--entry", "FOLDER"], "FOLDER: is no plain file"),
    ],
)
def test_what_was_asked_in_a_wrong_way_is_refused_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder.parent)
    folder.rename("FOLDER")
    Path("EMPTY").touch()
    Path("SECRET").write_text(SIGNER.text)

    run = subprocess.run(
        [Path(sys.executable).with_name("remission-verify"), *arguments], check=False, capture_output=True, text=True
    )

    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert said in run.stderr


def test_what_others_have_written_does_not_command_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "tile" / "\x1b[2Jgone\udcff").touch()

    assert main(["log", str(folder), "--key", KEY]) == 1
    assert "tile/\\x1b[2Jgone\\udcff: is no part of a log" in capsys.readouterr().out


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_answer_that_finds_no_room_is_no_fault_of_the_record(folder: Path, form: list[str]) -> None:
    asked = [str(Path(sys.executable).with_name("remission-verify")), "log", str(folder), "--key", KEY, *form]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(asked, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "remission-verify: standard output: No space left on device\n")


def test_a_reader_who_leaves_early_changes_nothing_about_the_record(folder: Path) -> None:
    asked = [str(Path(sys.executable).with_name("remission-verify")), "log", str(folder), "--key", KEY]
    process = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()

    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(60) == 0
