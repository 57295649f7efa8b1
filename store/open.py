"""Opening a store by its address."""

from collections.abc import Callable

from store.errors import DatabaseUrlInvalid
from store.ledger import Ledger, fresh_key
from store.memory import MemoryStore
from store.ports import Store


def open_store(
    url: str,
    *,
    clock_us: Callable[[], int],
    namespace: str = "default",
    keys: Callable[[], bytes] = fresh_key,
) -> Store:
    """Open the store at *url*: `memory://`, `sqlite:///path` or `postgresql://host/name`.

    *clock_us* dates what is recorded; *keys* gives each payload the key of its commitment.

    Raises:
        DatabaseUrlInvalid: No such kind of store.
        DatabaseUnreachable: Nobody answers there.
        DatabaseInUse: Another server has the file.
        DatabaseLocked: Another process holds the database's lock.
        DatabaseReadOnly: It cannot be written.
        DatabaseUnsafe: It would lose what it acknowledged.
        WrongSchemaVersion: It was not migrated to this program's schema.
    """
    ledger = Ledger(namespace, clock_us, keys)
    if url.startswith("memory:"):
        return MemoryStore(ledger)
    raise DatabaseUrlInvalid(url)
