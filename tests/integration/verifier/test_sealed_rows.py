"""Kept rows in a bundle that anybody has worked on: found out below the seal, and each fault is named at its place."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest
from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.command import main
from remission_verify.sealed import FILES
from remission_verify.tape import Tape

from statemachine.record.canonical import canonical, digest
from tests.fixtures.bundles import SIGNER, Files, checked, faults, lived, packed, sealed, unpacked

MUTATIONS = 60  #: of each file


@pytest.fixture(scope="module")
def archive() -> bytes:
    """Give the bundle of a model that declined, was remedied and promoted a candidate; with its rows."""
    return lived("lasting_decline", rows=True)


@pytest.fixture(scope="module")
def files(archive: bytes) -> Files:
    return unpacked(archive)


def of_rows(files: Files) -> list[str]:
    """Tell what is wrong; the report, whose digest of the other files a forger would write anew, is left out."""
    return [fault for fault in faults(files) if not fault.startswith("report.html")]


def index(files: Files) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in files["rows.jsonl"].splitlines()]


def with_index(files: Files, lines: list[dict[str, Any]]) -> Files:
    """Let the index hold other lines, under a seal of the one who has the key."""
    return sealed({**files, "rows.jsonl": b"".join(canonical(one) + b"\n" for one in lines)})


def with_line(files: Files, number: int, **fields: object) -> Files:
    lines = index(files)
    lines[number - 1] |= fields
    return with_index(files, lines)


def test_rows_that_nobody_touched_are_whole_and_nothing_was_seen_of_them(archive: bytes, files: Files) -> None:
    found = checked(archive)

    assert found.faults == []
    assert "kept rows" in found.checked
    assert found.more["sealed"] == len(index(files)) > 10
    assert found.more["unseen"] == "what the sealed rows hold: no key was needed for this check, and none was used"


@pytest.mark.parametrize("name", FILES)
def test_a_mutation_is_found_by_who_has_no_key_to_the_rows(files: Files, name: str) -> None:
    chance = random.Random(3)  # noqa: S311 - a seeded choice, no secret
    missed = []
    for _ in range(MUTATIONS):
        at = chance.randrange(len(files[name]))
        altered = files[name][:at] + bytes([files[name][at] ^ 1 << chance.randrange(8)]) + files[name][at + 1 :]
        if not any(fault.startswith(name) for fault in faults({**files, name: altered})):
            missed.append(at)

    assert missed == []


def test_ciphertext_that_was_altered_under_the_seal_is_named_by_its_entry(files: Files) -> None:
    altered = bytearray(files["rows.sealed"])
    altered[index(files)[0]["size"] + 60] ^= 1  # in the second entry
    found = of_rows(sealed({**files, "rows.sealed": bytes(altered)}))

    assert [one.partition(": expected")[0] for one in found] == ["rows.sealed: labels 2"]


@pytest.mark.parametrize("name", FILES)
def test_none_of_the_three_files_is_there_without_the_others(files: Files, name: str) -> None:
    found = of_rows(sealed({other: data for other, data in files.items() if other != name}))

    assert f"{name}: expected a file of this name, found none" in found


WRONG: dict[str, tuple[int, dict[str, object], str]] = {
    "another number": (4, {"seq": 5}, "line 4: expected the next number of the feed"),
    "another row": (5, {"first_row": 601}, "line 5: expected the next row"),
    "a time that falls": (5, {"watermark_us": 1}, "line 5: expected a time no earlier than the one before"),
    "another count": (5, {"rows": 999}, "line 5: expected what stands in clear before the ciphertext"),
    "another key": (5, {"keys": [{"alive": True, "id": "0" * 24}]}, "line 5: expected what stands in clear"),
    "another kind": (5, {"kind": "metrics"}, "behind line 4: expected a line of the index"),
    "no such kind": (5, {"kind": "words"}, "behind line 4: expected a line of the index"),
    "a size of nothing": (5, {"size": 0}, "behind line 4: expected a line of the index"),
    "a truth that is a number": (5, {"keys": [{"alive": 1, "id": "a"}]}, "behind line 4: expected a line"),
    "withheld, and there": (5, {"withheld": "why not"}, "behind line 4: expected a line of the index"),
    "withheld, and nothing said": (
        5, {"withheld": "", "sha256": None, "size": None, "keys": []}, "behind line 4: expected a line of the index",
    ),
    "a field too many": (5, {"more": 1}, "behind line 4: expected a line of the index"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_an_index_that_does_not_fit_is_named_at_its_line(files: Files, what: str) -> None:
    number, fields, said = WRONG[what]
    found = of_rows(with_line(files, number, **fields))

    assert any(said in fault for fault in found), found


def test_an_entry_cannot_be_left_out_though_its_bytes_go_too(files: Files) -> None:
    lines = index(files)
    start = sum(one["size"] for one in lines[:4])
    cut = files["rows.sealed"][:start] + files["rows.sealed"][start + lines[4]["size"] :]
    found = of_rows(with_index({**files, "rows.sealed": cut}, lines[:4] + lines[5:]))

    assert found[0].startswith("rows.jsonl: line 5: expected the next number of the feed")


def test_a_dataset_that_the_lineage_does_not_name_is_a_fault(files: Files) -> None:
    number = len(index(files))
    found = of_rows(with_line(files, number, plain_sha256="0" * 64))

    assert found[0].startswith("rows.jsonl: datasets: expected those of lineage.json")


def test_a_dataset_that_the_lineage_names_cannot_be_left_out(files: Files) -> None:
    *lines, dataset = index(files)
    rest = files["rows.sealed"][: -dataset["size"]]
    found = of_rows(with_index({**files, "rows.sealed": rest}, lines))

    assert [one.partition(": expected")[0] for one in found] == ["rows.jsonl: datasets"]


@pytest.mark.parametrize(("cut", "more"), [(1, b""), (0, b"x")])
def test_ciphertext_of_another_length_than_the_index_says_is_a_fault(files: Files, cut: int, more: bytes) -> None:
    data = files["rows.sealed"][: len(files["rows.sealed"]) - cut] + more
    found = of_rows(sealed({**files, "rows.sealed": data}))

    assert len(found) == 1
    assert found[0].startswith("rows.sealed: expected ")


def test_a_sealed_entry_that_is_none_is_a_fault(files: Files) -> None:
    """Whoever has the key may put plain rows where ciphertext belongs; the check says that they are not sealed."""
    lines, plain = index(files), b"plain rows of somebody"
    rest = files["rows.sealed"][lines[0]["size"] :]
    lines[0] |= {"sha256": digest(plain), "size": len(plain)}
    found = of_rows(with_index({**files, "rows.sealed": plain + rest}, lines))

    assert [one.partition(": expected")[0] for one in found] == ["rows.jsonl: line 1"]


def test_a_header_that_says_it_is_longer_than_all_is_read_no_further_than_its_entry(files: Files) -> None:
    lines = index(files)
    altered = files["rows.sealed"][:5] + b"\xff\xff\xff\xff" + files["rows.sealed"][9:]
    lines[0]["sha256"] = digest(altered[: lines[0]["size"]])
    found = of_rows(with_index({**files, "rows.sealed": altered}, lines))

    assert [one.partition(": expected")[0] for one in found] == ["rows.jsonl: line 1"]


COLUMNS_OF_NOTHING = [
    b"7", b'["classes","features"]', b"[]", b"no JSON", b'{"classes":[]}',
    b'{"classes":[1],"features":[]}', b'{"classes":[],"features":{}}',
    b'{"classes":[],"features":[{"kind":"numeric","name":"x"}]}',
    b'{"classes":[],"features":[{"categories":[],"kind":1,"name":"x"}]}',
    b'{"classes":[],"features":[{"categories":"ab","kind":"categorical","name":"x"}]}',
]  # fmt: skip


@pytest.mark.parametrize("told", COLUMNS_OF_NOTHING)
def test_columns_that_are_none_are_a_fault(files: Files, told: bytes) -> None:
    found = of_rows(sealed({**files, "columns.json": told}))

    assert len(found) == 1


def test_entries_lie_within_the_period_that_the_manifest_tells(files: Files) -> None:
    last = max(one["watermark_us"] or 0 for one in index(files))
    found = of_rows(sealed(files, from_us=last))

    assert found[0].startswith("rows.jsonl: line 1: expected a time within the period")


def test_a_file_is_read_in_pieces_of_any_size(archive: bytes, tmp_path: Any) -> None:
    (tmp_path / "b.zip").write_bytes(archive)
    whole = unpacked(archive)["rows.sealed"]
    with Archive(tmp_path / "b.zip") as opened:
        tape = Tape(opened, "rows.sealed")
        read = [tape.take(7), tape.take(0), tape.take(len(whole) - 7)]
        with pytest.raises(ArchiveTorn, match="1 bytes more"):
            tape.take(1)

    assert b"".join(read) == whole


def test_the_command_tells_people_what_it_could_not_see(
    archive: bytes, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.zip").write_bytes(packed(unpacked(archive)))
    ended = main(["bundle", str(tmp_path / "b.zip"), "--key", SIGNER.verifier.text])
    people = capsys.readouterr().out
    main(["bundle", str(tmp_path / "b.zip"), "--key", SIGNER.verifier.text, "--json"])

    assert ended == 0
    assert "unseen      what the sealed rows hold" in people
    assert json.loads(capsys.readouterr().out)["withheld"] == 0
