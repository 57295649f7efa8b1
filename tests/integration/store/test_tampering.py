"""Whatever somebody without the key does to a database is found, and named at its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from store.vault import open_vault
from tests.fixtures.attacked_database import Database
from tests.fixtures.events import ticking
from tests.fixtures.tampered_rows import WAYS, tampered
from tests.fixtures.tampering_log import SIZE, chain_alone, forged, written_log

#: `make acceptance` tries more.
MUTATIONS = 750


@pytest.fixture(scope="module", params=["in clear", "sealed"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file = tmp_path_factory.mktemp("log") / "log.db"
    with closing(open_vault("memory://", clock_us=ticking())) as vault:
        keys = vault if request.param == "sealed" else None
        with closing(Database(file, written_log(file, keys), keys)) as database:
            yield database


def test_the_log_is_whole_before_anybody_touches_it(database: Database) -> None:
    with database.attacked() as (_attack, reader):
        assert database.faults(reader) == []


def test_every_mutation_is_named_at_its_place(database: Database) -> None:
    tried: Counter[str] = Counter()
    for number in range(MUTATIONS):
        way, expected, found = tampered(database, number)
        unnamed = [said for said in expected if not any(fault.startswith(said) for fault in found)]
        assert not unnamed, f"mutation {number}, {way}: {unnamed} in {found}"
        tried[way] += 1

    assert sorted(tried) == sorted(way.__name__ for way in WAYS)


@pytest.mark.parametrize("kept", [0, 1, 150, SIZE - 1])
def test_a_chain_of_hashes_alone_does_not_see_that_the_log_was_written_anew(database: Database, kept: int) -> None:
    with database.attacked() as (attack, reader):
        attack.tell(forged(database.events, kept), kept)
        there = reader.all_events(0, SIZE)

        assert there != database.events
        assert chain_alone(there) == []
        assert database.faults(reader) != []


def test_a_chain_of_hashes_alone_sees_a_flipped_bit(database: Database) -> None:
    with database.attacked() as (attack, reader):
        attack.put("events", "actor", "another", "position = ?", 17)

        assert chain_alone(reader.all_events(0, SIZE)) == [17]
