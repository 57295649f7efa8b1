"""A bundle that anybody has worked on is found out, and each fault is named at its place."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from remission_verify.bundle import check_bundle
from remission_verify.checkpoint import Checkpoint
from remission_verify.command import main
from remission_verify.errors import FileInvalid
from remission_verify.note import Signer, sign
from remission_verify.trust import Trust

from statemachine.record.canonical import canonical
from tests.fixtures.bundles import SIGNER, TRUST, Files, checked, faults, lived, packed, sealed, unpacked

STRANGER = Signer("log.example/bundles", bytes(reversed(range(32))))
MUTATIONS = 16  #: of each file
DEEP = 160  #: of files that are sealed again by someone who has the key
RAW = 300  #: of the bytes of an archive


@pytest.fixture(scope="module")
def archive() -> bytes:
    """Give the bundle of a model that declined, was remedied and promoted a candidate."""
    return lived("lasting_decline")


@pytest.fixture(scope="module")
def files(archive: bytes) -> Files:
    return unpacked(archive)


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a seeded choice, no secret


def flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def cut_out(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randint(1, 40) :]


def put_in(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.randint(1, 8)) + data[at:]


def torn(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def swapped(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


def doubled(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    return b"".join([*lines[:at], lines[at], *lines[at:]])


WORKS = (flipped, cut_out, put_in, torn, swapped, doubled)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Give other bytes than *data*."""
    while (made := chance.choice(WORKS)(data, chance)) == data:
        pass
    return made


def test_a_bundle_that_nobody_touched_is_whole(archive: bytes) -> None:
    found = checked(archive)

    assert found.faults == []
    assert (found.origin, found.more["model"], found.more["events"]) == ("log.example/bundles", "m", 32)
    assert (found.more["erased"], found.size) == (0, 32)


def test_what_was_checked_up_to_the_fault_is_told(files: Files) -> None:
    other = files["events.jsonl"].replace(b'"version":3', b'"version":4')
    whole = checked(packed(files))
    altered = checked(packed(sealed({**files, "events.jsonl": other})))
    unsealed = checked(packed({**files, "manifest.note": b"nobody has signed this"}))
    unsigned = checked(packed(sealed({**files, "checkpoint": b"nobody has signed this"})))

    stages = ["the form of the archive", "the seal", f"{len(files) - 2} files", "the checkpoint", "32 events"]
    assert altered.checked == whole.checked
    assert (altered.checked[:5], altered.size, altered.unchecked) == (stages, 32, "")
    assert (unsealed.checked, unsealed.size) == (["the form of the archive", "the seal"], None)
    assert unsealed.unchecked == "all that stands below the seal, since it does not hold"
    assert (unsigned.checked[:5], unsigned.size, unsigned.more["events"]) == (stages, None, 32)
    assert unsigned.unchecked == "whether events stand in the log, since the checkpoint is not believed"


def test_nobody_is_told_that_rows_were_checked_where_none_are_kept(archive: bytes) -> None:
    assert "kept rows" not in checked(archive).checked


def test_a_file_that_is_no_archive_says_that_nothing_was_checked() -> None:
    found = checked(b"no archive")

    assert (found.checked, found.size) == ([], None)
    assert found.unchecked == "what follows, since the archive cannot be read any further"


def test_every_mutation_of_every_file_is_found_and_the_file_is_named(files: Files) -> None:
    chance, missed = seeded(7), []
    for name in files:
        for number in range(MUTATIONS):
            found = faults({**files, name: mutated(files[name], chance)})
            if not any(fault.startswith(("manifest", name)) for fault in found):
                missed.append((name, number, found))

    assert missed == []
    assert len(files) * MUTATIONS > 300


@pytest.mark.parametrize("signer", [STRANGER, Signer("log.example/other", bytes(32))])
def test_who_lacks_the_key_cannot_seal_a_bundle(files: Files, signer: Signer) -> None:
    (fault,) = faults(sealed({**files, "gates.json": b"{}"}, signer))

    assert fault.startswith("manifest.note: expected a note that a trusted key has signed")


def test_who_has_the_key_cannot_alter_what_the_log_proves(files: Files) -> None:
    """Every mutation of the record, its proofs, its checkpoint, its keys and its evidence is found below the seal."""
    chance, missed = seeded(11), []
    proven = ["events.jsonl", "proofs.jsonl", "checkpoint", "keys.json"] + [
        n for n in files if n.startswith("evidence/")
    ]
    for number in range(DEEP):
        name = proven[number % len(proven)]
        made = sealed({**files, name: mutated(files[name], chance)})
        if not any(name in fault or "proofs.jsonl" in fault for fault in faults(made)):
            missed.append((name, number))

    assert missed == []


def test_every_flipped_bit_of_an_archive_is_found_or_changes_nothing_that_is_read(archive: bytes, files: Files) -> None:
    chance = seeded(13)
    silent = [made for made in (flipped(archive, chance) for _ in range(RAW)) if checked(made).whole]

    assert [made for made in silent if unpacked(made) != files] == []


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_torn_archive_is_told_to_be_torn(archive: bytes, share: float) -> None:
    (fault,) = checked(archive[: int(len(archive) * share)]).faults

    assert str(fault).startswith("archive: expected a whole ZIP")


def event(files: Files, number: int) -> Any:
    return orjson.loads(files["events.jsonl"].splitlines()[number - 1])


def with_line(files: Files, file: str, number: int, line: bytes) -> Files:
    lines = files[file].splitlines()
    lines[number - 1] = line
    return {**files, file: b"\n".join(lines) + b"\n"}


def with_event(number: int, **changes: Any) -> Callable[[Files], Files]:
    """Change an event, or its envelope, and seal."""

    def change(files: Files) -> Files:
        told = event(files, number)
        of_event = {name: value for name, value in changes.items() if name in told}
        envelope = {**told["envelope"], **{name: value for name, value in changes.items() if name not in told}}
        return sealed(with_line(files, "events.jsonl", number, canonical({**told, "envelope": envelope, **of_event})))

    return change


def without(*names: str) -> Callable[[Files], Files]:
    return lambda files: sealed({name: data for name, data in files.items() if name not in names})


def saying(**fields: Any) -> Callable[[Files], Files]:
    return lambda files: sealed(files, **fields)


def with_proof(number: int, change: Callable[[list[str]], list[str]]) -> Callable[[Files], Files]:
    def put(files: Files) -> Files:
        told = orjson.loads(files["proofs.jsonl"].splitlines()[number - 1])
        return sealed(
            with_line(files, "proofs.jsonl", number, canonical({**told, "hashes": change(list(told["hashes"]))}))
        )

    return put


def with_told(number: int, **told: Any) -> Callable[[Files], Files]:
    """Let a line of the proofs say something else."""

    def put(files: Files) -> Files:
        before = orjson.loads(files["proofs.jsonl"].splitlines()[number - 1])
        return sealed(with_line(files, "proofs.jsonl", number, canonical({**before, **told})))

    return put


def another_checkpoint(name: str) -> Callable[[Files], Files]:
    """Put the signed checkpoint of another log, as large as this one."""
    signer = Signer(name, SIGNER.seed)
    note = sign(Checkpoint(name, 32, bytes(32)).body, [signer])
    return lambda files: sealed({**files, "checkpoint": note.encode()})


def with_gates(files: Files) -> Files:
    told = json.loads(files["gates.json"])
    told["gates"][0]["gates"][0]["value"] = 0.999
    return sealed({**files, "gates.json": canonical(told)})


def with_gates_at(place: object) -> Callable[[Files], Files]:
    """Tell of gates that were judged elsewhere than at the position of an event."""
    return lambda files: sealed({**files, "gates.json": canonical({"gates": [{"position": place}]})})


def nested(files: Files) -> Files:
    return sealed({**files, "incidents.json": b"[" * 34 + b"]" * 34})


def with_lineage(files: Files) -> Files:
    told = json.loads(files["lineage.json"])
    told["versions"][1]["came"]["position"] = 77
    return sealed({**files, "lineage.json": canonical(told)})


def evidence_of(files: Files) -> str:
    return next(name for name in files if name.startswith("evidence/"))


SAID: dict[str, tuple[Callable[[Files], Files], str]] = {
    "another actor": (with_event(3, actor="nobody"), "events.jsonl: line 3: expected the hash of its envelope"),
    "another version": (with_event(3, version=4), "events.jsonl: line 3: expected version 3, found 4"),
    "another model": (with_event(3, stream="n"), "events.jsonl: line 3: expected stream m, found n"),
    "another namespace": (with_event(3, namespace="n"), "events.jsonl: line 3: expected namespace default, found n"),
    "a chain that is broken": (
        with_event(3, previous_hash="0" * 64), "events.jsonl: line 3: expected previous_hash",
    ),
    "a payload of another event": (
        with_event(3, payload='{"signal":"loss"}'), "events.jsonl: line 3: expected the payload that was committed to",
    ),
    "a payload without its key": (
        with_event(3, payload_key=None), "events.jsonl: line 3: expected a payload and its key, or neither",
    ),
    "a key in capitals": (with_event(3, payload_key="AB"), "events.jsonl: line 3: expected the payload that was"),
    "a format that is not known": (
        with_event(3, format=3), "events.jsonl: line 3: expected an event, found field format",
    ),
    "a proof that is cut off": (
        with_proof(3, lambda path: path[:-1]),
        "proofs.jsonl: line 3: expected the way of position 3 to the root, found the proof of index 2 in 32 leaves has",
    ),
    "a proof of another event": (
        with_proof(3, lambda path: [path[1], path[0], *path[2:]]),
        "proofs.jsonl: line 3: expected the way of position 3 to the root, found index 2 of 32 leaves",
    ),
    "proofs that are none": (with_proof(3, lambda _: ["x"]), "proofs.jsonl: line 3: expected the way of position 3"),
    "a proof under another position": (
        with_told(3, position=4), "proofs.jsonl: line 3: expected the way of position 3 to the root",
    ),
    "a proof that says more": (with_told(3, more=1), "proofs.jsonl: line 3: expected the way of position 3"),
    "a proof that is no list": (with_told(3, hashes=None), "proofs.jsonl: line 3: expected the way of position 3"),
    "a checkpoint of another log": (
        another_checkpoint("log.example/other"), "checkpoint: expected a signed checkpoint of 'log.example/bundles'",
    ),
    "a checkpoint with another root": (
        another_checkpoint("log.example/bundles"), "proofs.jsonl: line 1: expected the way of position 1 to the root",
    ),
    "a manifest of another model": (saying(model="n"), "events.jsonl: line 1: expected stream n, found m"),
    "a manifest of another log": (saying(origin="other"), "manifest.json: origin: expected log.example/bundles"),
    "a manifest of another form": (saying(format="remission-bundle/2"), "manifest.json: format: expected one of"),
    "a period that ends sooner": (saying(until_us=1), "events.jsonl: line 1: expected occurred_us of at most 1"),
    "a report that is missing": (without("report.html"), "report.html: expected a file of this name, found none"),
    "a file too much": (
        lambda files: sealed({**files, "notes.txt": b"hello"}), "manifest.json: files: expected names that a bundle's",
    ),
    "evidence that nothing names": (
        lambda files: sealed({**files, f"evidence/{'a' * 64}": b'{"erased":true}'}),
        f"evidence/{'a' * 64}: expected evidence that something names",
    ),
    "gates with another figure": (with_gates, "gates.json: $.gates[0].gates: expected"),
    "gates of no event": (with_gates_at([1]), "gates.json: $.gates[0]: expected the place of an event that judged"),
    "what is nested too deep": (nested, f"incidents.json: ${'[0]' * 33}: nested too deep; up to 32 levels"),
    "an event that is not there": (
        with_lineage, "lineage.json: $.versions[1].came.position: expected the position of an event in events.jsonl",
    ),
    "a page of other files": (
        lambda files: sealed({**files, "report.html": b"<p>all is well</p>"}), "report.html: expected the digest of",
    ),
    "keys of somebody else": (
        lambda files: sealed({**files, "keys.json": canonical([STRANGER.verifier.text])}),
        "keys.json: expected a key that is trusted",
    ),
    "no events at all": (
        lambda files: sealed({**files, "events.jsonl": b"", "proofs.jsonl": b""}), "events.jsonl: line 1: expected the",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SAID)
def test_what_is_wrong_is_said_where_it_is_wrong_though_the_seal_holds(files: Files, what: str) -> None:
    change, said = SAID[what]

    assert [fault for fault in faults(change(files)) if fault.startswith(said)] != []


def test_evidence_that_an_event_names_cannot_be_left_out(files: Files) -> None:
    name = evidence_of(files)
    (fault,) = [one for one in faults(without(name)(files)) if one.startswith("evidence/")]

    assert fault.startswith(f"{name}: expected the evidence that")


def test_erased_evidence_is_counted_and_no_fault(files: Files) -> None:
    found = checked(packed(sealed({**files, evidence_of(files): b'{"erased":true}'})))

    assert [fault for fault in found.faults if fault.file != "report.html"] == []
    assert found.more["erased"] == 1


def test_a_key_that_is_not_asked_for_does_not_open_a_bundle(archive: bytes) -> None:
    other = Trust((SIGNER.verifier,), origin="log.example/other")

    assert str(checked(archive, other).faults[0]).startswith("manifest.json: origin: expected log.example/other")


def test_a_file_that_is_missing_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(FileInvalid, match="cannot be read"):
            check_bundle(path, TRUST)


def test_the_command_says_what_was_read_and_ends_as_it_went(
    archive: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, altered = tmp_path / "whole.zip", tmp_path / "altered.zip"
    whole.write_bytes(archive)
    altered.write_bytes(archive[:-30])
    key = ["--key", SIGNER.verifier.text]

    assert [main(["bundle", str(file), *key]) for file in (whole, altered, tmp_path / "none")] == [0, 1, 2]
    told = capsys.readouterr()
    assert "right       the record is what was signed" in told.out
    assert "wrong       archive: expected a whole ZIP" in told.out
    assert told.err.startswith("remission-verify: ")


def test_a_program_is_told_of_a_bundle_in_json(
    archive: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "m.zip").write_bytes(archive)
    main(["bundle", str(tmp_path / "m.zip"), "--key", SIGNER.verifier.text, "--json"])

    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["model"], told["events"], told["faults"]) == (True, "m", 32, [])
