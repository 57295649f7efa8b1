"""What must be said of a database that was restored from a backup."""

from sqlalchemy import text

from store.migrate import connected
from store.schema import check_version


def declare_restored(url: str) -> int:
    """Begin a new epoch of every log at *url*, and return its number.

    A server that still writes to it is fenced off by the number, and checkpoints of the epochs before say nothing of
    what comes now: the events behind the backup are lost, and others will stand in their places.

    Raises:
        DatabaseInUse: A server has the file open.
        DatabaseUnreachable: Nobody answers there.
        WrongSchemaVersion: It was not migrated to this program's schema.
    """
    with connected(url, make=False) as connection:
        check_version(connection)
        connection.execute(text("UPDATE head SET epoch = epoch + 1"))
        found: int = connection.execute(text("SELECT max(epoch) FROM head")).scalar_one()
    return found
