"""The pseudonym table on disk: made in older vaults, agreed on by several servers, and gone where it was destroyed."""

from __future__ import annotations

import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from store.vault import Owner, SealBroken, Vault, key_of, open_vault
from store.vault.open import SHAPE
from tests.fixtures.postgres import Postgres

ANN = "ann@bank.example"
NAMES = [f"person-{number}@bank.example" for number in range(40)]


def opened(url: str, **more: str) -> Vault:
    return open_vault(url, clock_us=lambda: 1, **more)


def test_a_vault_of_the_first_shape_is_brought_up_in_its_place_and_loses_no_key(tmp_path: Path) -> None:
    url, owner = f"sqlite:///{tmp_path}/vault.db", Owner("rows", "m", "s")
    old = opened(url)
    keys = old.keys([owner])
    old.close()
    with sqlite3.connect(tmp_path / "vault.db") as connection:
        connection.executescript("DROP TABLE actors; UPDATE vault SET shape = 1")
    connection.close()
    new = opened(url)
    actor = new.actor(ANN)
    new.close()
    again = opened(url)
    with closing(sqlite3.connect(tmp_path / "vault.db")) as connection:
        [shape] = connection.execute("SELECT shape FROM vault").fetchone()

    assert shape == SHAPE  # so that a release that knows of no names refuses it
    assert again.keys([owner]) == keys
    assert again.names([actor]) == {actor: ANN}
    again.close()


def test_an_id_outlives_its_server(tmp_path: Path) -> None:
    first = opened(f"sqlite:///{tmp_path}/vault.db")
    actor = first.actor(ANN)
    first.close()
    again = opened(f"sqlite:///{tmp_path}/vault.db")

    assert again.actor(ANN) == actor
    again.close()


def test_neither_a_name_nor_a_key_of_one_that_was_forgotten_is_in_any_file(tmp_path: Path) -> None:
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    gone, kept = vault.actor(ANN), vault.actor(NAMES[0])
    [material] = vault.opened([key_of(gone)]).values()
    for name in NAMES:
        vault.actor(name)
    vault.destroy([key_of(gone)])
    vault.close()
    files = b"".join(file.read_bytes() for file in tmp_path.glob("vault.db*"))

    assert [name for name in (ANN, *NAMES) if name.encode() in files] == []
    assert material.material not in files
    assert key_of(kept).encode() in files


@pytest.mark.parametrize("removed", ["DELETE FROM actors", "DELETE FROM key_materials"])
def test_a_name_that_somebody_took_out_of_the_vault_is_broken_and_does_not_pass_for_forgotten(
    tmp_path: Path, removed: str
) -> None:
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    actor = vault.actor(ANN)
    vault.close()
    with closing(sqlite3.connect(tmp_path / "vault.db", isolation_level=None)) as connection:
        connection.execute(removed)
    again = opened(f"sqlite:///{tmp_path}/vault.db")

    with pytest.raises(SealBroken, match=key_of(actor)):
        again.names([actor])
    again.close()


def test_under_a_master_key_nothing_in_the_file_opens_a_name(tmp_path: Path) -> None:
    master = tmp_path / "master"
    master.write_text(secrets.token_hex(32), encoding="ascii")
    master.chmod(0o600)
    vault = opened(f"sqlite:///{tmp_path}/vault.db", master=str(master))
    actor = vault.actor(ANN)
    [key] = vault.opened([key_of(actor)]).values()
    vault.close()

    assert key.material not in b"".join(file.read_bytes() for file in tmp_path.glob("vault.db*"))


def test_servers_that_meet_the_same_people_at_once_give_them_the_same_ids(postgres: Postgres) -> None:
    url = postgres.new_database()
    vaults = [opened(url) for _ in range(3)]
    with ThreadPoolExecutor(len(vaults)) as threads:
        # Each begins elsewhere, so that every name is met first by one and then by the others.
        turns = [NAMES[start:] + NAMES[:start] for start in (0, 13, 26)]
        met = [*threads.map(lambda vault, names: {name: vault.actor(name) for name in names}, vaults, turns)]
    told = [vault.names(list(met[0].values())) for vault in vaults]
    for vault in vaults:
        vault.close()

    assert met[0] == met[1] == met[2]
    assert len(set(met[0].values())) == len(NAMES)
    assert told == [{actor: name for name, actor in met[0].items()}] * 3


def test_servers_forget_together(postgres: Postgres) -> None:
    url = postgres.new_database()
    one, other = opened(url), opened(url)
    actor = one.actor(ANN)
    assert other.actor(ANN) == actor
    one.destroy([key_of(actor)])
    found = other.find_actor(ANN)
    again = other.actor(ANN)

    assert found is None
    assert again == one.actor(ANN) != actor
    assert one.names([actor]) == other.names([actor]) == {actor: None}
    one.close()
    other.close()
