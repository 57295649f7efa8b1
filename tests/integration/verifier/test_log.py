"""An export that somebody has worked on, and what the check says of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from remission_verify.auditing import check_log
from remission_verify.checkpoint import Checkpoint
from remission_verify.errors import FileInvalid
from remission_verify.findings import Findings
from remission_verify.folder import read_plain
from remission_verify.merkle import hash_leaf, root_of
from remission_verify.note import Signer, sign
from remission_verify.tiles import pack_entries, unpack_entries
from remission_verify.trust import Trust

from tests.fixtures.logs import SIGNER, exported, signed, some_log

LOG = some_log(700, of_format_1=40)
FULL, LAST, TILE, UPPER = "tile/entries/000", "tile/entries/002.p/188", "tile/0/001", "tile/1/000.p/2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return exported(tmp_path / "log", LOG)


def checked(folder: Path, **older: str) -> Findings:
    """Check an export against the key of its log."""
    return check_log(folder, Trust((SIGNER.verifier,)), older)


def faults(folder: Path, **older: str) -> list[str]:
    return [str(fault) for fault in checked(folder, **older).faults]


def altered(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def entries_altered(path: Path, change: Callable[[list[bytes]], list[bytes]], width: int = 256) -> None:
    altered(path, lambda data: pack_entries(change(unpack_entries(data, width))))


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_a_whole_log_has_no_fault(folder: Path) -> None:
    found = checked(folder)

    assert (found.faults, found.origin, found.size, found.streams) == ([], "log.example/test", 700, 2)
    assert found.root == root_of([hash_leaf(leaf) for leaf in LOG]).hex()
    assert found.signed_by == (f"log.example/test+{SIGNER.verifier.key_id.hex()}",)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257])
def test_a_log_of_any_size_has_no_fault(tmp_path: Path, size: int) -> None:
    assert faults(exported(tmp_path / "log", LOG[:size])) == []


def test_an_entry_that_was_altered_is_named(folder: Path) -> None:
    entries_altered(folder / FULL, lambda all_: [*all_[:99], flipped(all_[99], 20), *all_[100:]])

    assert f"{FULL}: position 100: the entry was altered" in faults(folder)


def test_entries_that_changed_places_are_named(folder: Path) -> None:
    entries_altered(folder / FULL, lambda all_: [all_[0], all_[2], all_[1], *all_[3:]])

    found = faults(folder)
    assert {f"{FULL}: position {place}: the entry was altered" for place in (2, 3)} <= set(found)
    assert f"{FULL}: position 2: the entry says that it is position 3" in found
    assert {line.partition(": ")[2][:10] for line in found} == {"position 2", "position 3"}


def test_an_entry_that_was_removed_is_named_and_nothing_behind_it_is_blamed(folder: Path) -> None:
    entries_altered(folder / FULL, lambda all_: all_[:99] + all_[100:])

    assert faults(folder) == [f"{FULL}: position 100: holds 255 entries; 256 are expected"]


def test_an_entry_that_was_put_in_is_named(folder: Path) -> None:
    entries_altered(folder / FULL, lambda all_: [*all_[:99], b"more", *all_[99:]])

    (found,) = faults(folder)
    assert found.startswith(f"{FULL}: position 100: holds ")
    assert found.endswith("bytes behind its 256 entries; none are expected")


def test_a_bundle_that_was_cut_off_is_named_with_the_first_entry_that_is_gone(folder: Path) -> None:
    altered(folder / LAST, lambda data: data[:-1])

    assert faults(folder) == [f"{LAST}: position 700: is cut off within entry 187; 188 entries are expected"]


def test_a_hash_that_was_altered_is_told_from_an_entry_that_was(folder: Path) -> None:
    altered(folder / TILE, lambda data: flipped(data, 32 * 4))

    assert faults(folder) == [f"{TILE}: position 261: the hash is not that of the entry"]


def test_a_hash_above_the_leaves_is_named_with_what_it_stands_for(folder: Path) -> None:
    altered(folder / UPPER, lambda data: flipped(data, 40))

    assert faults(folder) == [
        f"{UPPER}: position 257: the hash over the positions 257 to 512 is not that of the tile below"
    ]


@pytest.mark.parametrize("name", [FULL, LAST, TILE, UPPER])
def test_a_file_that_is_missing_is_named_with_what_it_held(folder: Path, name: str) -> None:
    (folder / name).unlink()

    (found,) = faults(folder)
    assert found.startswith(f"{name}: ")
    assert "is missing" in found


def test_an_entry_altered_with_its_hash_is_named_by_its_neighbours(folder: Path) -> None:
    other = LOG[99].replace(b"tester", b"Tester")
    entries_altered(folder / FULL, lambda all_: [*all_[:99], other, *all_[100:]])
    altered(folder / "tile/0/000", lambda data: data[: 32 * 99] + hash_leaf(other) + data[32 * 100 :])

    found = faults(folder)
    assert any("does not follow the event before it" in line for line in found)
    assert any(line.startswith(f"{UPPER}: position 1: the hash over the positions 1 to 256") for line in found)
    assert found[-1].startswith("checkpoint: 700 entries have the root")


def test_a_log_that_was_rewritten_whole_is_found_by_its_root_alone(folder: Path, tmp_path: Path) -> None:
    rewritten = exported(tmp_path / "other", some_log(700, say="not "))
    (rewritten / "checkpoint").write_text(signed(LOG))

    (found,) = faults(rewritten)
    assert found.endswith("the log was rewritten")
    assert found.startswith("checkpoint: ")
    assert faults(folder) == []


def test_a_log_signed_by_another_is_refused_at_its_checkpoint(tmp_path: Path) -> None:
    fork = exported(tmp_path / "log", LOG, Signer("log.example/test", bytes(32)))

    (found,) = faults(fork)
    assert found.startswith("checkpoint: no trusted key has signed the note; log.example/test+")


def test_a_log_that_its_own_key_has_rewritten_differs_from_an_older_checkpoint(tmp_path: Path) -> None:
    kept = {"kept": signed(LOG[:300]), "early": signed(LOG[:40])}
    fork = exported(tmp_path / "log", LOG[:100] + some_log(700, say="not ")[100:])

    found = [line for line in faults(fork, **kept) if line.partition(":")[0] in kept]
    (line,) = found
    assert line.startswith("kept: the first 300 entries have the root")
    assert line.endswith("the log was rewritten")


@pytest.mark.parametrize("size", [0, 1, 256, 300, 512, 700])
def test_a_log_that_grew_agrees_with_every_older_checkpoint(folder: Path, size: int) -> None:
    assert faults(folder, kept=signed(LOG[:size])) == []


def test_a_log_that_was_cut_off_is_shorter_than_an_older_checkpoint(tmp_path: Path) -> None:
    cut = exported(tmp_path / "log", LOG[:300])

    assert faults(cut, kept=signed(LOG)) == ["kept: is of 700 entries, the log has 300: it was cut off"]


def test_an_older_checkpoint_of_another_log_is_refused(folder: Path) -> None:
    other = sign(Checkpoint("log.example/other", 0, root_of([])).body, [SIGNER])

    assert faults(folder, kept=other) == ["kept: is of the log 'log.example/other', expected 'log.example/test'"]


def test_an_older_checkpoint_that_nobody_trusted_has_signed_is_a_fault(folder: Path) -> None:
    (found,) = faults(folder, kept=signed(LOG[:9], Signer("log.example/test", bytes(32))))

    assert found.startswith("kept: no trusted key has signed the note")


def test_an_event_that_its_own_key_has_put_into_a_wrong_place_is_named(tmp_path: Path) -> None:
    swapped = [*LOG[:50], LOG[51], LOG[50], *LOG[52:60], LOG[60].replace(b'"namespace":"default"', b'"namespace":"x"')]

    found = faults(exported(tmp_path / "log", swapped))
    assert f"{'tile/entries/000.p/61'}: position 51: the entry says that it is position 52" in found
    assert any(line.endswith("position 61: the entry is of the namespace 'x', the log of 'default'") for line in found)


def test_an_entry_that_is_no_envelope_is_named_though_its_key_has_signed_it(tmp_path: Path) -> None:
    (found,) = faults(exported(tmp_path / "log", [*LOG[:10], b"[" * 60_000]))

    assert found.startswith("tile/entries/000.p/11: position 11: byte 0: no `length:value`")


def test_a_file_that_is_no_part_of_the_log_is_named(folder: Path) -> None:
    strangers = ["tile/0/003", "tile/0/001.p/3", "tile/3/000.p/1", "tile/entries/x000/001", "tile/note.txt"]
    for name in strangers:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    (folder / "tile" / "away").symlink_to("/")

    assert sorted(faults(folder)) == sorted(
        f"{name}: is no part of a log of 700 entries" for name in (*strangers, "tile/away")
    )


@pytest.mark.parametrize("name", [FULL, TILE, "checkpoint"])
def test_a_link_that_leads_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(tmp_path / "outside")

    (found,) = faults(folder)
    assert found.startswith(f"{name}: leads out of the folder")


@pytest.mark.parametrize("name", ["tile", "tile/entries", FULL, "checkpoint"])
def test_a_link_within_the_folder_is_followed(folder: Path, name: str) -> None:
    (folder / name).rename(folder / "elsewhere")
    (folder / name).symlink_to(folder / "elsewhere")

    strangers = {"tile/entries": ["tile/entries: is no part of a log of 700 entries"]}
    assert faults(folder) == strangers.get(name, [])


def test_a_folder_of_files_that_leads_out_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "tile" / "entries").rename(tmp_path / "outside")
    (folder / "tile" / "entries").symlink_to(tmp_path / "outside")

    assert f"{FULL}: leads out of the folder; a file within it is accepted (positions 1 to 256)" in faults(folder)


@pytest.mark.parametrize("name", ["../outside", "tile/../../outside", "{outside}", "link"])
def test_a_name_that_leads_out_of_the_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_bytes(b"out")
    (folder / "link").symlink_to(tmp_path / "outside")

    with pytest.raises(FileInvalid, match="leads out of the folder; a file within it is accepted"):
        read_plain(folder, name.format(outside=tmp_path / "outside"), 9)


def test_a_loop_of_links_is_not_followed_for_ever(folder: Path) -> None:
    (folder / FULL).unlink()
    (folder / FULL).symlink_to(folder / FULL)

    (found,) = faults(folder)
    assert found.startswith(f"{FULL}: cannot be read: ")


@pytest.mark.parametrize("name", [FULL, TILE, "checkpoint"])
def test_what_is_no_plain_file_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)

    (found,) = faults(folder)
    assert found.startswith(f"{name}: is no plain file")


@pytest.mark.parametrize("name", [TILE, "checkpoint"])
def test_a_file_that_never_ends_is_not_read_to_its_end(folder: Path, name: str) -> None:
    with (folder / name).open("wb") as file:
        file.truncate(1 << 40)

    (found,) = faults(folder)
    assert found.startswith(f"{name}: has 1099511627776 bytes; up to ")


def test_a_checkpoint_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "checkpoint").write_bytes(b"\xff\n")

    assert faults(folder) == ["checkpoint: byte 0 is not UTF-8"]


def test_a_signed_size_without_files_ends_the_check_early(folder: Path) -> None:
    note = sign(Checkpoint(SIGNER.name, 2**60, bytes(32)).body, [SIGNER])
    (folder / "checkpoint").write_text(note)

    found = faults(folder)
    assert found[-1].startswith("checkpoint: the check has stopped behind position ")
    assert len(found) < 1_100


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileInvalid, match="is no folder; one with `checkpoint` and `tile/` is accepted"):
        checked(tmp_path / "missing")
