"""Cosignatures of witnesses: the example of the specification, and what each refusal says."""

from __future__ import annotations

import re
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from remission_verify.cosignature import Cosignature, Witness, cosignatures, message
from remission_verify.errors import NoteInvalid
from remission_verify.note import Signature, Signer, Verifier, open_note, sign

SIGNER = Signer.fresh("log.example/alice")
PRIVATE = Ed25519PrivateKey.generate()
WITNESS = Witness("witness.example/w1", PRIVATE.public_key().public_bytes_raw())
TEXT = "log.example/alice\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
NOTE = sign(TEXT, [SIGNER])


def cosigned(time_s: int, *, of: str = TEXT, cut: int = 0) -> str:
    """Give the note with a witness's line."""
    value = struct.pack(">Q", time_s) + PRIVATE.sign(message(of, time_s))
    return NOTE + Signature(WITNESS.name, WITNESS.key_id, value[: len(value) - cut]).line


def test_a_witness_key_is_read_as_it_is_written() -> None:
    assert Witness.from_text(WITNESS.text) == WITNESS


def test_what_a_witness_signs_is_the_text_of_the_specification() -> None:
    assert message(TEXT, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()


def test_a_cosignature_tells_who_saw_the_checkpoint_and_when() -> None:
    assert cosignatures(cosigned(1679315147), [WITNESS], least=1) == (Cosignature(WITNESS, 1679315147),)


def test_a_note_with_a_cosignature_still_opens_with_the_key_of_the_log() -> None:
    assert open_note(cosigned(1), [SIGNER.verifier]).verified == (SIGNER.verifier,)


def test_a_witness_that_nobody_knows_is_left_alone() -> None:
    assert cosignatures(cosigned(1), []) == ()


def test_the_same_witness_twice_counts_once() -> None:
    twice = cosigned(1) + cosigned(2).removeprefix(NOTE)

    assert cosignatures(twice, [WITNESS]) == (Cosignature(WITNESS, 2),)


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (NOTE, "0 known witnesses have cosigned (none); at least 1 are asked for"),
        (cosigned(1, of=TEXT.replace("7", "8")), "does not fit the text"),
        (cosigned(1, cut=1), "has 71 bytes; 72 are expected"),
        (cosigned(2**63), "up to 9223372036854775807 is accepted"),
    ],
)
def test_a_cosignature_that_is_missing_or_wrong_is_refused(note: str, said: str) -> None:
    with pytest.raises(NoteInvalid, match=re.escape(said)):
        cosignatures(note, [WITNESS], least=1)


def test_the_key_of_a_log_is_not_taken_for_that_of_a_witness() -> None:
    with pytest.raises(NoteInvalid, match="the first of them 4, is accepted"):
        Witness.from_text(SIGNER.verifier.text)
    with pytest.raises(NoteInvalid, match="the first of them 1, is accepted"):
        Verifier.from_text(WITNESS.text)
