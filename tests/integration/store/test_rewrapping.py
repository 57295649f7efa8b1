"""Another master key for a vault: everything opens as before, by the new one alone."""

from __future__ import annotations

import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from store.vault import DataKey, Owner, Vault, VaultFault, VaultForeign, open_vault, read_vault, rewrap
from tests.fixtures.postgres import Postgres

OWNERS = [Owner("rows", "m", f"s-{number}") for number in range(300)]
ANN = "ann@bank.example"


def opened(url: str, master: str) -> Vault:
    return open_vault(url, clock_us=lambda: 1, master=master)


def a_master(folder: Path, name: str) -> str:
    """Write a master key."""
    file = folder / name
    file.write_text(secrets.token_hex(32), encoding="ascii")
    file.chmod(0o600)
    return str(file)


@pytest.fixture
def masters(tmp_path: Path) -> tuple[str, str]:
    """Give the files of two master keys."""
    return a_master(tmp_path, "old"), a_master(tmp_path, "new")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a vault that was never opened."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return server.new_database()
    return f"sqlite:///{tmp_path}/vault.db"


@pytest.fixture(params=[True, False], ids=["wrapped", "in clear"])
def old(request: pytest.FixtureRequest, masters: tuple[str, str]) -> str:
    """Give the file of the master key so far; none where keys lie in clear."""
    return masters[0] if request.param else ""


def test_keys_names_and_hashes_are_the_same_under_another_master_key_and_the_old_one_opens_nothing(
    url: str, old: str, masters: tuple[str, str]
) -> None:
    vault = opened(url, old)
    keys, ann, told = vault.keys(OWNERS), vault.actor(ANN), vault.pseudonym("subject", "ann")
    vault.destroy([keys[0].key_id])
    vault.close()
    count = rewrap(url, old=old, new=masters[1])
    again = opened(url, masters[1])

    assert count == len(OWNERS)  # one was destroyed, and one is Ann's
    assert again.opened([key.key_id for key in keys]) == {key.key_id: key for key in keys[1:]}
    assert (again.actor(ANN), again.pseudonym("subject", "ann")) == (ann, told)
    again.destroy([keys[1].key_id])
    assert again.keys(OWNERS[2:]) == keys[2:]
    again.close()
    with pytest.raises(VaultForeign, match="vault_master: "):
        opened(url, old)


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Read a file as a backup does, which looks at it in one transaction."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM key_materials").fetchone()
        yield


def in_clear(folder: Path, keys: list[DataKey]) -> list[DataKey]:
    """Give those of *keys* that somebody finds who has the files of a vault."""
    files = b"".join(file.read_bytes() for file in folder.glob("vault.db*"))
    return [key for key in keys if key.material in files]


def test_no_file_of_a_vault_holds_a_key_in_clear_once_it_is_wrapped(tmp_path: Path, masters: tuple[str, str]) -> None:
    url = f"sqlite:///{tmp_path}/vault.db"
    vault = opened(url, "")
    keys = vault.keys(OWNERS)
    vault.close()
    before = in_clear(tmp_path, keys)
    rewrap(url, old="", new=masters[1])

    assert before == keys
    assert in_clear(tmp_path, keys) == []


def test_who_wraps_a_vault_that_somebody_reads_is_told_that_keys_lie_there_in_clear_and_until_when(
    tmp_path: Path, masters: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.vault.open.TIMEOUT_MS", 10)
    url = f"sqlite:///{tmp_path}/vault.db"
    with closing(opened(url, "")) as vault:
        keys = vault.keys(OWNERS)
    with reading(tmp_path / "vault.db"):
        with pytest.raises(VaultFault, match="keeps how they lay there before, until a server opens it"):
            rewrap(url, old="", new=masters[1])
        while_read = in_clear(tmp_path, keys)
    with closing(opened(url, masters[1])) as vault:
        found, left = vault.keys(OWNERS), in_clear(tmp_path, keys)

    assert (found, while_read, left) == (keys, keys, [])


def test_a_server_that_runs_on_with_the_old_master_key_neither_opens_nor_makes_keys(
    postgres: Postgres, masters: tuple[str, str]
) -> None:
    url = postgres.new_database()
    vault, reader = opened(url, masters[0]), read_vault(url, master=masters[0])
    keys, ann = vault.keys(OWNERS[:2]), vault.actor(ANN)
    rewrap(url, old=masters[0], new=masters[1])
    for refused in (
        lambda: vault.keys(OWNERS[:1]),
        lambda: vault.keys([Owner("rows", "m", "somebody new")]),
        lambda: vault.opened([keys[0].key_id]),
        lambda: vault.actor("bob@bank.example"),
        lambda: vault.names([ann]),
        lambda: reader.opened([keys[0].key_id]),
    ):
        with pytest.raises(VaultForeign, match="another master key wraps this vault; that one is accepted"):
            refused()
    vault.close()
    reader.close()
    again = opened(url, masters[1])

    assert again.keys(OWNERS[:2]) == keys
    assert again.find("rows", pseudonym=again.pseudonym("subject", "somebody new")) == []
    again.close()


@pytest.fixture
def busy(postgres: Postgres, masters: tuple[str, str]) -> Iterator[tuple[str, list[Owner]]]:
    """Give a vault in which a server makes a key after another, and those that it has made."""
    url, made, end = postgres.new_database(), list[Owner](), threading.Event()
    vault, begun = opened(url, masters[0]), threading.Event()

    def make() -> None:
        while not end.is_set():
            owner = Owner("rows", "m", f"busy-{len(made)}")
            try:
                vault.keys([owner])
            except VaultForeign:
                return
            made.append(owner)
            begun.set()

    thread = threading.Thread(target=make)
    thread.start()
    begun.wait(30)
    yield url, made
    end.set()
    thread.join(30)
    vault.close()


def test_each_key_that_was_given_while_the_master_key_changed_opens_under_the_new_one(
    busy: tuple[str, list[Owner]], masters: tuple[str, str]
) -> None:
    url, made = busy
    count = rewrap(url, old=masters[0], new=masters[1])
    again = opened(url, masters[1])

    assert len(again.keys(made)) == len(made) >= 1
    assert len(again.find("rows")) == len(made) == count
    again.close()


def test_a_vault_is_not_wrapped_anew_by_a_wrong_key_by_the_same_one_by_none_or_while_a_server_has_it(
    tmp_path: Path, masters: tuple[str, str]
) -> None:
    url, (old, new) = f"sqlite:///{tmp_path}/vault.db", masters
    vault = opened(url, old)
    with pytest.raises(VaultFault, match="one file has one server"):
        rewrap(url, old=old, new=new)
    vault.close()
    for given, said in (
        ({"old": new, "new": a_master(tmp_path, "third")}, "another master key wraps this vault"),
        ({"old": "", "new": new}, "no master key is given"),
        ({"old": old, "new": old}, "wraps the vault already"),
        ({"old": old, "new": ""}, "vault_master: is empty"),
    ):
        with pytest.raises(VaultFault, match=said):
            rewrap(url, **given)
    opened(url, old).close()


def test_no_vault_is_made_where_there_is_none_to_wrap(tmp_path: Path, masters: tuple[str, str]) -> None:
    with pytest.raises(VaultFault, match="is not there; the vault of this log is accepted"):
        rewrap(f"sqlite:///{tmp_path}/nowhere.db", old=masters[0], new=masters[1])

    assert not (tmp_path / "nowhere.db").exists()
