"""Which schema this program needs, and which one a database has."""

from sqlalchemy import Connection, inspect

from store.errors import WrongSchemaVersion

#: The newest migration. A test holds it equal to what stands in `migrations/`.
EXPECTED = "0006"


def found_version(connection: Connection) -> str | None:
    """Return the revision that the database was migrated to; None when it has no schema of ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def check_version(connection: Connection) -> None:
    """Let a database pass that has the schema of this program.

    Raises:
        WrongSchemaVersion: It has another, or none.
    """
    check_found(found_version(connection))


def check_found(found: str | None) -> None:
    """Let a database pass that was found to have a schema, if that is the one of this program.

    Raises:
        WrongSchemaVersion: It is another, or none.
    """
    if found != EXPECTED:
        raise WrongSchemaVersion(found, EXPECTED)


def changed(told: str) -> WrongSchemaVersion:
    """Give the error of a statement that names what the database does not have; *told* are its words."""
    return WrongSchemaVersion(f"one in which {told}", EXPECTED)
