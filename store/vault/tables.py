"""The vault's tables. They stand in a database of their own, never in that of the log."""

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.event import listen

VAULT = MetaData()

#: SQLite numbers rows by itself only where the type is INTEGER.
NUMBER = BigInteger().with_variant(Integer, "sqlite")

#: One row: the shape of these tables, the secret of the keyed hashes, and how many destructions there were.
SEAL = Table(
    "vault",
    VAULT,
    Column("number", Integer, primary_key=True),
    Column("shape", Integer, nullable=False),
    Column("pepper", LargeBinary, nullable=False),
    Column("proof", LargeBinary, nullable=False),  # known words under the master key; empty without one
    Column("changes", BigInteger, nullable=False),
)

#: What is known of each key. A row stays when its key is destroyed, so that no id is ever given twice.
FACTS = Table(
    "key_facts",
    VAULT,
    Column("key_id", Text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("subject", Text, nullable=False),  # a keyed hash, or empty
    Column("period", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("destroyed_us", BigInteger, nullable=True),
)
# An owner has one living key. The condition is an option of each database where SQLAlchemy is asked for it, and
# PostgreSQL's would be imported for SQLite too; both take the same words.
listen(
    FACTS,
    "after_create",
    DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy types all of it but this
        "CREATE UNIQUE INDEX key_facts_living ON key_facts (namespace, kind, model, subject, period, name) "
        "WHERE destroyed_us IS NULL"
    ),
)
Index("key_facts_subject", FACTS.c.namespace, FACTS.c.kind, FACTS.c.subject)

#: The keys themselves, all of one length, in the order in which they were made. A destroyed one is written over in its
#: place. Rows that only ever come at the end, and never change their size, are never moved by SQLite: a row that it
#: moves from page to page leaves copies behind, which `secure_delete` does not reach.
MATERIALS = Table(
    "key_materials",
    VAULT,
    Column("number", NUMBER, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("material", LargeBinary, nullable=False),
)
Index("key_materials_id", MATERIALS.c.key_id, unique=True)

#: Names of those who act, each sealed under a key of its own, whose id is part of the id that stands in the log. There
#: is no index of names: one that outlived a name could be asked by whoever has the vault and a guess. They are few, and
#: learned in the order of their numbers.
ACTORS = Table(
    "actors",
    VAULT,
    Column("number", NUMBER, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
Index("actors_key_id", ACTORS.c.key_id, unique=True)
