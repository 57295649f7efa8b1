"""Fifteen thousand ways to tamper with a log without its key: all are found, and each is named at its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from remission_verify.auditing import check_log
from remission_verify.trust import Trust

from statemachine.record.envelope import RecordedEvent
from store.vault import open_vault
from tests.fixtures import tampered_rows
from tests.fixtures.attacked_database import Database
from tests.fixtures.events import ticking
from tests.fixtures.logs import SIGNER
from tests.fixtures.tampered_files import Export, write
from tests.fixtures.tampering_log import SIZE, chain_alone, forged, written_log

#: Of an export, of a database in clear and of a sealed one, each.
MUTATIONS = 5_000


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> tuple[RecordedEvent, ...]:
    return written_log(tmp_path_factory.mktemp("log") / "log.db")


@pytest.fixture(scope="module", params=["in clear", "sealed"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("log") / "log.db"
    with closing(open_vault("memory://", clock_us=ticking())) as vault:
        keys = vault if request.param == "sealed" else None
        with closing(Database(file, written_log(file, keys), keys)) as database:
            yield database


def test_every_mutation_of_an_export_is_named_at_its_place(events: Sequence[RecordedEvent], tmp_path: Path) -> None:
    export, folder, unnamed = Export(events), tmp_path / "log", []
    for number in range(MUTATIONS):
        way, files, places = export.tampered(number)
        write(folder, files)
        found = check_log(folder, Trust((SIGNER.verifier,)), export.held()).faults
        shutil.rmtree(folder)
        told = {(fault.file, position) for fault in found for position in (None, fault.position)}
        if not set(places) <= told:
            unnamed.append((number, way))

    assert unnamed == []


def test_every_mutation_of_a_database_is_named_at_its_place(database: Database) -> None:
    unnamed = []
    for number in range(MUTATIONS):
        way, expected, found = tampered_rows.tampered(database, number)
        if not all(any(fault.startswith(said) for fault in found) for said in expected):
            unnamed.append((number, way))

    assert unnamed == []


def test_a_chain_of_hashes_alone_misses_every_story_that_is_whole_in_itself(
    events: Sequence[RecordedEvent],
) -> None:
    seen = [kept for kept in range(SIZE) if chain_alone(forged(events, kept))]

    assert seen == []
