"""Writing a log as files: whole, or not at all, and only where it may stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from remission_verify import merkle
from remission_verify.errors import ExportRefused
from remission_verify.export import write_tiles
from remission_verify.folder import TileFolder
from remission_verify.placing import checked_target, new_file
from remission_verify.tiles import levels_of, tiles_of

from tests.fixtures.disks import a_small_disk
from tests.fixtures.logs import exported, signed, some_log

LOG = some_log(600)


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
def test_an_export_holds_its_tiles_and_nothing_else(tmp_path: Path, size: int) -> None:
    folder = exported(tmp_path / "log", LOG[:size])

    tiles = [tile for level in levels_of(size) for tile in tiles_of(size, level)]
    bundles = tiles_of(size, level=-1)
    wanted = ["checkpoint", *(tile.path for tile in (*tiles, *bundles))]
    assert sorted(p for p in everything(folder) if (folder / p).is_file()) == sorted(wanted)
    assert everything(tmp_path)[0] == "log"


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    reader = TileFolder(exported(tmp_path / "log", LOG))

    entries = [*reader.entries(0), *reader.entries(1), *reader.entries(2, 88)]
    assert (entries, reader.checkpoint()) == (LOG, signed(LOG))


def test_proofs_are_made_from_the_files(tmp_path: Path) -> None:
    node = TileFolder(exported(tmp_path / "log", LOG)).nodes(600)
    hashes = [merkle.hash_leaf(leaf) for leaf in LOG]
    root = merkle.root_of(hashes)

    for index in (0, 255, 256, 511, 512, 599):
        merkle.verify_inclusion(hashes[index], index, 600, merkle.inclusion_proof(600, index, node), root)
    for old in (1, 256, 300, 512, 600):
        proof = merkle.consistency_proof(old, 600, node)
        merkle.verify_consistency(old, merkle.root_of(hashes[:old]), 600, root, proof)


def test_an_export_may_take_the_place_of_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()

    assert write_tiles(tmp_path / "log", LOG, signed(LOG)) == 600


def test_nothing_that_stands_somewhere_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = everything(tmp_path)

    for name in ("full", "file", "link"):
        with pytest.raises(ExportRefused, match=f"{name}: exists; a path where nothing stands is accepted"):
            write_tiles(tmp_path / name, LOG, signed(LOG))
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", ["../log", "a/../../log", "out/log", ".."])
def test_an_export_does_not_leave_its_root(tmp_path: Path, name: str) -> None:
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "out").symlink_to(tmp_path)

    with pytest.raises(ExportRefused, match=r"lies outside .*root; a path within it is accepted"):
        write_tiles(root / name, LOG, signed(LOG), root=root)
    assert everything(tmp_path) == ["root", "root/a", "root/out"]


def test_an_export_within_its_root_is_written(tmp_path: Path) -> None:
    assert write_tiles(tmp_path / "log", LOG, signed(LOG), root=tmp_path) == 600


def test_the_root_itself_and_what_has_no_name_are_no_targets(tmp_path: Path) -> None:
    for target in (Path("/"), tmp_path / "missing" / "log", tmp_path / "a\0b"):
        with pytest.raises(ExportRefused):
            checked_target(target)


def broken(leaves: list[bytes]) -> Iterator[bytes]:
    yield from leaves[:300]
    raise KeyboardInterrupt


def test_an_export_that_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_tiles(tmp_path / "log", broken(LOG), signed(LOG))

    assert everything(tmp_path) == []


def test_an_export_that_finds_no_room_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    said = "cannot be written: File too large; nothing of it was left"
    with pytest.raises(ExportRefused, match=f"log: {said}"), a_small_disk(1_000):
        write_tiles(tmp_path / "log", LOG, signed(LOG))
    with pytest.raises(ExportRefused, match=f"one: {said}"), a_small_disk(1_000), new_file(tmp_path / "one") as file:
        file.write(bytes(1_001))

    assert everything(tmp_path) == []


def test_an_export_into_a_folder_that_takes_nothing_is_refused() -> None:
    with pytest.raises(ExportRefused, match="/proc/log: cannot be written"):
        write_tiles(Path("/proc/log"), LOG, signed(LOG))


def test_what_comes_to_stand_there_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(ExportRefused, match="one: exists"), new_file(tmp_path / "one"):
        (tmp_path / "one").write_bytes(b"theirs")

    assert everything(tmp_path) == ["one"]
    assert (tmp_path / "one").read_bytes() == b"theirs"


@pytest.mark.parametrize("entries", [LOG[:-1], [*LOG[:-1], b"other"], [*LOG[:-1], bytes(65_536)], []])
def test_entries_that_were_not_signed_are_not_exported(tmp_path: Path, entries: list[bytes]) -> None:
    with pytest.raises(ExportRefused):
        write_tiles(tmp_path / "log", entries, signed(LOG))

    assert everything(tmp_path) == []


def test_what_came_after_the_checkpoint_is_left_out(tmp_path: Path) -> None:
    assert write_tiles(tmp_path / "log", LOG, signed(LOG[:300])) == 300
