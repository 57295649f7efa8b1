"""Signed notes and checkpoints: what is accepted, and what each refusal says."""

from __future__ import annotations

import re

import pytest
from remission_verify.checkpoint import Checkpoint, open_checkpoint, parse
from remission_verify.errors import CheckpointInvalid, NoteInvalid
from remission_verify.note import Signer, Verifier, open_note, parse_note, sign

#: The example of the documentation of the Go team's package `note`.
GO_SIGNER = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ALICE, BOB = Signer.fresh("log.example/alice"), Signer.fresh("log.example/bob")
TEXT = "first\nsecond\n"


def test_a_key_that_the_go_team_printed_is_read_and_written_alike() -> None:
    signer = Signer.from_text(GO_SIGNER)

    assert (signer.text, signer.verifier.text) == (GO_SIGNER, GO_VERIFIER)
    assert Verifier.from_text(GO_VERIFIER) == signer.verifier


def test_a_note_that_was_signed_opens_with_each_of_its_keys() -> None:
    whole = sign(TEXT, [ALICE, BOB])

    for signer in (ALICE, BOB):
        note = open_note(whole, [signer.verifier])
        assert (note.text, note.verified, note.whole) == (TEXT, (signer.verifier,), whole)


def test_a_note_that_nobody_trusted_has_signed_is_refused_with_those_who_have() -> None:
    with pytest.raises(NoteInvalid, match=f"no trusted key has signed the note; {ALICE.name}"):
        open_note(sign(TEXT, [ALICE]), [BOB.verifier])


def test_a_text_that_was_altered_does_not_fit_its_signature() -> None:
    with pytest.raises(NoteInvalid, match="does not fit the text"):
        open_note(sign(TEXT, [ALICE]).replace("first", "First"), [ALICE.verifier])


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        ("", "does not end in an empty line"),
        ("text\n", "does not end in an empty line"),
        ("text\n\nno dash\n", "is no line of a signature"),
        ("text\n\nname AAAAAAA=\n", "is no line of a signature"),
        ("text\n\n\u2014 name AAAAAA==\n", "is no line of a signature"),
        ("text\n\n\n", "does not end in an empty line"),
        ("text\n\n\u2014 name %%%\n", "a signature is no base64"),
        ("text\n\n\u2014 na+me AAAAAAA=\n", "is no name of a key"),
        ("te\x07xt\n\n\u2014 name AAAAAAA=\n", "holds the control character"),
        ("x" * 1_000_001, "up to 1000000 are"),
        ("text\n\n" + "\u2014 name AAAAAAA=\n" * 101, "101 signatures are not accepted"),
    ],
)
def test_a_malformed_note_is_refused(whole: str, said: str) -> None:
    with pytest.raises(NoteInvalid, match=re.escape(said)):
        parse_note(whole)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("name", "the key is not one of Ed25519"),
        (GO_VERIFIER.replace("c74f20a3", "c74f20a4"), "has the hash c74f20a3, the text says 'c74f20a4'"),
        (GO_VERIFIER.replace("ARpc", "Axpc"), "the key is not one of Ed25519"),
        (GO_VERIFIER + "!", "a key is no base64"),
    ],
)
def test_a_malformed_key_is_refused(key: str, said: str) -> None:
    with pytest.raises(NoteInvalid, match=re.escape(said)):
        Verifier.from_text(key)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (GO_VERIFIER, "a signer key begins with PRIVATE+KEY+"),
        (GO_SIGNER.replace("c74f20a3", "c74f20a4"), "has the hash c74f20a3, the text says 'c74f20a4'"),
    ],
)
def test_a_key_that_signs_is_held_against_its_hash(key: str, said: str) -> None:
    with pytest.raises(NoteInvalid, match=re.escape(said)):
        Signer.from_text(key)


def test_a_text_that_does_not_end_in_a_newline_is_not_signed() -> None:
    with pytest.raises(NoteInvalid, match="ends in a newline"):
        sign("text", [ALICE])


def test_a_private_key_does_not_show_itself() -> None:
    assert repr(ALICE) == f"Signer(name={ALICE.name!r})"


def test_a_checkpoint_that_was_signed_is_read_back() -> None:
    told = Checkpoint("log.example/alice", 7, bytes(range(32)))

    assert open_checkpoint(sign(told.body, [ALICE]), [ALICE.verifier], ALICE.name) == told


def test_a_checkpoint_of_another_log_is_refused_by_name() -> None:
    told = Checkpoint("log.example/other", 7, bytes(32))

    with pytest.raises(CheckpointInvalid, match="of the log 'log"):
        open_checkpoint(sign(told.body, [ALICE]), [ALICE.verifier], ALICE.name)


@pytest.mark.parametrize(
    "body", ["a\n1\n", "\n1\nAAAA\n", "a\n01\nAAAA\n", "a\n-1\nAAAA\n", "a\n1\nAAAA\n", "a\n1\n?\n"]
)
def test_a_text_that_is_no_checkpoint_is_refused(body: str) -> None:
    with pytest.raises(CheckpointInvalid):
        parse(body)


def test_a_signature_with_bits_left_over_in_its_text_is_refused() -> None:
    whole = sign(TEXT, [ALICE])
    # 68 bytes leave two bits of the last character unused, so the next letter of the alphabet stands for the same.
    other = whole[:-3] + chr(ord(whole[-3]) + 1) + whole[-2:]

    with pytest.raises(NoteInvalid, match="bits left over"):
        parse_note(other)
