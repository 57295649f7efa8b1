"""Whatever somebody without the key does to an export is found, and named at its place."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from remission_verify.auditing import check_log
from remission_verify.trust import Trust

from tests.fixtures.logs import SIGNER
from tests.fixtures.tampered_files import WAYS, Export, Files, Place, write
from tests.fixtures.tampering_log import written_log

#: `make acceptance` tries more.
MUTATIONS = 750


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    return Export(written_log(tmp_path_factory.mktemp("log") / "log.db"))


def named(folder: Path, export: Export, files: Files) -> set[Place]:
    """Give all places at which the check tells a fault."""
    shutil.rmtree(folder, ignore_errors=True)
    write(folder, files)
    found = check_log(folder, Trust((SIGNER.verifier,)), export.held())
    return {(fault.file, None) for fault in found.faults} | {(fault.file, fault.position) for fault in found.faults}


def test_the_log_is_whole_before_anybody_touches_it(export: Export, tmp_path: Path) -> None:
    assert named(tmp_path / "log", export, export.files) == set()


def test_every_mutation_is_named_at_its_place(export: Export, tmp_path: Path) -> None:
    tried: Counter[str] = Counter()
    for number in range(MUTATIONS):
        way, files, places = export.tampered(number)
        assert set(places) <= named(tmp_path / "log", export, files), f"mutation {number}, {way}: {places}"
        tried[way] += 1

    assert sorted(tried) == sorted(way.__name__ for way in WAYS)
