"""Another master key for a vault: all that it keeps is wrapped anew, in one transaction."""

import sqlite3
from contextlib import closing

from sqlalchemy import Connection, Engine, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from store.sql.faults import translated
from store.vault.errors import VaultAway, VaultFault
from store.vault.open import existing_engine, found_pepper
from store.vault.shelf import CHUNK, hold_wrapping, wait_for_turn
from store.vault.tables import FACTS, MATERIALS, SEAL
from store.vault.truncating import truncate
from store.vault.wrapping import Wrapping, read_master

_LEFT = (
    "vault: the new master key opens its keys, but its file keeps how they lay there before, until a server opens it "
    "and nobody else reads it"
)


def rewrap(url: str, *, old: str, new: str) -> int:
    """Wrap the keys of the vault at *url* by the master key in the file *new*; return how many there are.

    *old* is the file of the master key so far, empty where they lie in clear. The keys themselves stay as they are, so
    all that they seal opens as before. Servers that run on with the old one are refused by the vault from here on.

    Raises:
        VaultFault: There is none, a server has its file, or the two master keys are one. Or somebody reads its file,
            which keeps how keys lay there before; they are wrapped anew.
        VaultUnsafe: The vault, or a master key, can be read by others.
        VaultForeign: The keys are not wrapped by *old*.
        VaultAway: Nobody answers there.
    """
    if not new:
        raise VaultFault("vault_master: is empty; a file of 64 hexadecimal digits that is new is accepted")
    if (before := read_master(old)) == (after := read_master(new)):
        raise VaultFault(f"vault_master: {new!r} holds the key that wraps the vault already; another one is accepted")
    engine, release = existing_engine(url)
    try:
        with engine.begin() as connection:
            count = _changed(connection, Wrapping(before), Wrapping(after))
        _tidy(engine)
    except DBAPIError as error:
        raise VaultAway(str(translated(error))) from error
    finally:
        engine.dispose()
        release()
    return count


def _changed(connection: Connection, before: Wrapping, after: Wrapping) -> int:
    pepper = found_pepper(connection, before)
    wait_for_turn(connection)
    hold_wrapping(connection, before)  # another one may have been first
    ids = select(MATERIALS.c.key_id).join(FACTS, FACTS.c.key_id == MATERIALS.c.key_id)
    living = list(connection.execute(ids.where(FACTS.c.destroyed_us.is_(None))).scalars())
    for at in range(0, len(living), CHUNK):
        _some_changed(connection, living[at : at + CHUNK], before, after)
    # Whoever remembers a key asks again when destructions are counted, and then finds who wraps them now.
    anew = {"pepper": after.wrapped(pepper, "pepper"), "proof": after.proof(), "changes": SEAL.c.changes + 1}
    connection.execute(update(SEAL).values(anew))
    return len(living)


def _some_changed(connection: Connection, key_ids: list[str], before: Wrapping, after: Wrapping) -> None:
    rows = connection.execute(select(MATERIALS.c.key_id, MATERIALS.c.material).where(MATERIALS.c.key_id.in_(key_ids)))
    anew = [{"of": key, "anew": after.wrapped(before.unwrapped(kept, key), key)} for key, kept in rows]
    one = update(MATERIALS).where(MATERIALS.c.key_id == bindparam("of")).values(material=bindparam("anew"))
    connection.execute(one, anew)


def _tidy(engine: Engine) -> None:
    """Leave nothing of how keys were wrapped in a file of SQLite; of PostgreSQL `VACUUM FULL` takes care.

    Raises:
        VaultFault: Something is left, as for somebody who reads it.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        # Past SQLAlchemy, which would begin a transaction. Rows that have grown were moved, and left copies behind.
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("VACUUM").fetchall()
        truncate(engine)
    except (sqlite3.Error, VaultAway) as error:
        raise VaultFault(f"{_LEFT}: {error}") from error
