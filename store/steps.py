"""The steps from one schema to another, as Alembic takes them. Import it only where a step is to be taken."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from store.errors import LogNotEmpty, RevisionUnknown


def go_up(connection: Connection, revision: str) -> None:
    """Take the steps up to *revision*, in the caller's transaction.

    Raises:
        RevisionUnknown: No migration has this name, or the database was migrated by a later release.
    """
    try:
        command.upgrade(_config(connection), revision)
    except CommandError as error:
        raise RevisionUnknown(str(error)) from error


def go_down(connection: Connection, revision: str) -> None:
    """Take the steps back to *revision*, in the caller's transaction.

    Raises:
        LogNotEmpty: That would drop recorded events.
        RevisionUnknown: No migration has this name, or the database was migrated by a later release.
    """
    try:
        command.downgrade(_config(connection), revision)
    except CommandError as error:
        raise RevisionUnknown(str(error)) from error
    except RuntimeError as error:
        raise LogNotEmpty(str(error)) from error


def newest() -> str | None:
    """Return the newest revision there is."""
    return ScriptDirectory(str(files("migrations"))).get_current_head()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    config.attributes["connection"] = connection
    return config
