"""The file of keys: who may read it, what a line may be, and how a key is changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from remission_verify.note import Signer

from server.checkpoints.keys import Keys, KeyUnusable, fresh_keys, read_keys, replace_keys, retired, rotated, write_keys

A, B = Signer("a", bytes(32)), Signer("b", bytes(32))


def test_keys_that_were_written_are_read_back_and_nobody_else_may_read_them(tmp_path: Path) -> None:
    keys = rotated(fresh_keys("log.example"))
    write_keys(tmp_path / "keys", keys)

    assert read_keys(tmp_path / "keys") == keys
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o600


def test_two_logs_get_two_names() -> None:
    assert fresh_keys().origin != fresh_keys().origin


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    write_keys(tmp_path / "keys", fresh_keys())

    with pytest.raises(KeyUnusable, match="a key is never overwritten"):
        write_keys(tmp_path / "keys", fresh_keys())


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o606])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    write_keys(tmp_path / "keys", fresh_keys())
    (tmp_path / "keys").chmod(mode)

    with pytest.raises(KeyUnusable, match=r"can be read by others .*; mode 600 is accepted"):
        read_keys(tmp_path / "keys")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "holds no key that signs"),
        ("garbage", "line 1: the key is not one of Ed25519"),
        (A.verifier.text, "holds no key that signs"),
        (f"{A.text}\n{B.text}", "keys of several names"),
        (f"# a comment\n{A.text[:-4]}AAA=", "line 2: "),
    ],
)
def test_a_file_that_holds_something_else_is_refused_with_the_line(tmp_path: Path, lines: str, said: str) -> None:
    (tmp_path / "keys").touch(mode=0o600)
    (tmp_path / "keys").write_text(lines)

    with pytest.raises(KeyUnusable, match=re.escape(said)):
        read_keys(tmp_path / "keys")


def test_comments_and_lines_without_a_word_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "keys").touch(mode=0o600)
    (tmp_path / "keys").write_text(f"# of the log\n\n{A.text}\n   \n{B.verifier.text}\n")

    assert read_keys(tmp_path / "keys") == Keys((A,), (B.verifier,))


def test_what_is_no_text_and_what_is_no_file_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "keys").touch(mode=0o600)
    (tmp_path / "keys").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "keys", tmp_path):
        with pytest.raises(KeyUnusable, match=f"signing_key: {path} cannot be read: "):
            read_keys(path)


def test_a_missing_file_is_refused_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="is missing; `remission key new"):
        read_keys(tmp_path / "keys")


def test_a_key_that_is_retired_signs_no_more_and_still_verifies(tmp_path: Path) -> None:
    old = fresh_keys("log.example")
    both = rotated(old)
    left = retired(both, old.verifiers[0].key_id.hex())
    write_keys(tmp_path / "keys", both)
    replace_keys(tmp_path / "keys", left)

    assert left == Keys(both.signers[:1], old.verifiers)
    assert read_keys(tmp_path / "keys") == left


def test_a_key_that_does_not_sign_cannot_be_retired_and_those_that_do_are_named() -> None:
    keys = rotated(fresh_keys())
    [new, old] = [verifier.key_id.hex() for verifier in keys.verifiers]

    with pytest.raises(KeyUnusable, match=f"'00000000' cannot be retired; accepted: {new}, {old}$"):
        retired(keys, "00000000")


def test_what_a_crash_has_left_of_a_change_of_keys_is_in_nobodys_way(tmp_path: Path) -> None:
    old = fresh_keys("log.example")
    write_keys(tmp_path / "keys", old)
    (tmp_path / "keys.new").write_text("half a li")
    replace_keys(tmp_path / "keys", rotated(old))

    assert read_keys(tmp_path / "keys").verifiers[1:] == old.verifiers
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]


def test_the_only_key_cannot_be_retired() -> None:
    keys = fresh_keys()

    with pytest.raises(KeyUnusable, match="one key must sign"):
        retired(keys, keys.verifiers[0].key_id.hex())
