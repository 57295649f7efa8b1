"""What is declared, what is migrated, and the way between."""

import threading
import time

import psycopg
import pytest
from sqlalchemy import MetaData, create_engine, inspect

from store import DatabaseInUse, LogNotEmpty, WrongSchemaVersion, migrate, open_store
from store.schema import EXPECTED
from store.sql.tables import METADATA
from tests.fixtures.events import some_events, ticking
from tests.fixtures.postgres import Postgres
from tests.fixtures.work import appending
from tests.integration.store.conftest import Opening


def described(url: str) -> dict[str, object]:
    """Tell every table of a database: columns, keys, checks and indexes, with their names."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    found = inspect(engine)
    tables: dict[str, object] = {
        name: {
            "columns": {
                column["name"]: (str(column["type"]), getattr(column["type"], "collation", None), column["nullable"])
                for column in found.get_columns(name)
            },
            "primary": found.get_pk_constraint(name),
            "unique": sorted(map(str, found.get_unique_constraints(name))),
            "foreign": sorted(map(str, found.get_foreign_keys(name))),
            "checks": sorted(map(str, found.get_check_constraints(name))),
            "indexes": sorted(map(str, found.get_indexes(name))),
        }
        for name in found.get_table_names()
        if name != "alembic_version"
    }
    engine.dispose()
    return tables


def declare(url: str, metadata: MetaData) -> None:
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    metadata.create_all(engine)
    engine.dispose()


def test_the_declared_schema_is_the_migrated_one_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> None:
    migrated = f"sqlite:///{tmp_path_factory.mktemp('migrated')}/log.db"
    declared = f"sqlite:///{tmp_path_factory.mktemp('declared')}/log.db"
    migrate.upgrade(migrated)
    declare(declared, METADATA)

    assert described(declared) == described(migrated)


def test_the_declared_schema_is_the_migrated_one_on_postgresql(postgres: Postgres) -> None:
    migrated, declared = postgres.new_database(), postgres.new_database()
    migrate.upgrade(migrated)
    declare(declared, METADATA)

    assert described(declared) == described(migrated)


def test_the_program_expects_the_newest_migration() -> None:
    assert migrate.newest() == EXPECTED


def test_a_database_goes_up_and_down_and_up(empty_url: str, opened: Opening) -> None:
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    assert migrate.current(empty_url) == EXPECTED
    migrate.downgrade(empty_url, "base")
    assert migrate.current(empty_url) is None
    assert described(empty_url) == {}
    migrate.upgrade(empty_url)

    assert opened(empty_url).run(appending("a", 0, *some_events("a", 1)))


def test_a_downgrade_refuses_to_drop_a_log_that_is_not_empty(url: str, opened: Opening) -> None:
    store = opened(url)
    store.run(appending("a", 0, *some_events("a", 1)))
    store.close()

    with pytest.raises(LogNotEmpty):
        migrate.downgrade(url, "base")

    assert migrate.current(url) == EXPECTED
    assert opened(url).read(lambda reader: reader.version("a")) == 1


def test_a_file_that_a_server_has_open_is_not_migrated(
    tmp_path_factory: pytest.TempPathFactory, opened: Opening
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/log.db"
    migrate.upgrade(url)
    opened(url)

    with pytest.raises(DatabaseInUse):
        migrate.upgrade(url)


#: What a later release's migration ends with.
LATER = "UPDATE alembic_version SET version_num = '9999'"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def wait_for_a_lock(url: str) -> None:
    """Wait until somebody waits for a lock in a database."""
    begun, waiting = time.monotonic(), threading.Event()
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(WAITING).fetchone() == (0,):
            assert time.monotonic() < begun + 20, "nobody waits"
            waiting.wait(0.02)


def test_a_server_that_runs_beside_a_later_migration_writes_nothing_more_and_says_why(
    postgres: Postgres, opened: Opening
) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)
    store = opened(url)
    store.run(appending("a", 0, *some_events("a", 1)))
    with psycopg.connect(url) as migration:
        migration.execute(LATER)

    with pytest.raises(WrongSchemaVersion, match=f"found 9999, expected {EXPECTED}"):
        store.run(appending("a", 1, *some_events("a", 1)))
    assert store.read(lambda reader: reader.version("a")) == 1


def test_work_that_waited_for_a_later_migration_is_refused_when_that_is_done(postgres: Postgres) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)
    store = open_store(url, clock_us=ticking())
    with psycopg.connect(url) as migration:
        migration.execute("LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
        migration.execute(LATER)
        done = store.submit(appending("a", 0, *some_events("a", 1)))
        wait_for_a_lock(url)

    with pytest.raises(WrongSchemaVersion, match="found 9999"):
        done.result(20)
    assert store.read(lambda reader: reader.version("a")) == 0
    store.close()


def test_a_migration_lets_who_writes_end_before_it_takes_any_table(postgres: Postgres) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)
    migrate.downgrade(url, "0004")
    with psycopg.connect(url) as writer:
        writer.execute("SELECT * FROM head FOR UPDATE")
        migration = threading.Thread(target=migrate.upgrade, args=(url,))
        migration.start()
        wait_for_a_lock(url)
        writer.execute("SET LOCAL lock_timeout = 100")
        free = writer.execute("SELECT count(*) FROM events").fetchone()  # of whose table it holds nothing yet
    migration.join()  # ended by the commit of the writer

    assert free == (0,)
    assert migrate.current(url) == EXPECTED


def test_what_a_later_migration_took_away_is_told_as_another_schema(postgres: Postgres, opened: Opening) -> None:
    url = postgres.new_database()
    migrate.upgrade(url)
    store = opened(url)
    with psycopg.connect(url) as migration:
        migration.execute("ALTER TABLE projections RENAME COLUMN body TO told")

    with pytest.raises(WrongSchemaVersion, match=f"body.*expected {EXPECTED}"):
        store.read(lambda reader: reader.projections())
