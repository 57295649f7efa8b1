"""One row an event: what it tells stands beside its envelope, and no index is kept of ids, which follow from places.

A payload lasts as long as its event since both are refused to be deleted, so a table apart bought nothing, and cost
every append a row, two keys and a guard. A payload that is gone already stays gone: its column is NULL.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

#: The columns of an envelope, in their order.
ENVELOPE = (
    "namespace", "position", "stream", "version", "event_id", "type", "schema", "occurred_us", "recorded_us", "actor",
    "authentication", "causation_id", "correlation_id", "request_id", "policy_version", "machine_version", "volatile",
    "volatile_fields", "commitment", "previous_hash", "hash", "format",
)  # fmt: skip

PLACE, VERSION, EVENT_ID = ("namespace", "position"), ("namespace", "stream", "version"), ("namespace", "event_id")

BESIDE = "events AS e LEFT JOIN payloads AS p ON p.namespace = e.namespace AND p.position = e.position"


def upgrade() -> None:
    """Put payloads beside their envelopes, in the order of positions, under the same refusals."""
    if op.get_bind().dialect.name == "postgresql":
        _join_on_postgresql()
    else:
        _join_on_sqlite()


def downgrade() -> None:
    """Put payloads into a table of their own again. Fails on a log in which an id stands twice."""
    if op.get_bind().dialect.name == "postgresql":
        _part_on_postgresql()
    else:
        _part_on_sqlite()


def _join_on_postgresql() -> None:
    """Fill columns in place, so that owner and grants stay, and write the table anew in the order of positions."""
    op.execute("SET LOCAL statement_timeout = 0")  # a log may be long
    op.drop_constraint("events_event_id_key", "events", type_="unique")
    op.add_column("events", sa.Column("payload_key", sa.LargeBinary, nullable=False, server_default=""))
    op.add_column("events", sa.Column("key_id", word, nullable=True))
    op.add_column("events", sa.Column("payload", sa.LargeBinary, nullable=True))
    op.execute("DROP TRIGGER events_refuse_update ON events")
    op.execute(
        "UPDATE events AS e SET payload_key = p.payload_key, key_id = p.key_id, payload = p.body "
        "FROM payloads AS p WHERE p.namespace = e.namespace AND p.position = e.position"
    )
    op.alter_column("events", "payload_key", server_default=None)
    op.drop_table("payloads")
    op.execute("CLUSTER events USING events_pkey")
    op.execute("ALTER TABLE events SET WITHOUT CLUSTER")
    _refuse("events", "UPDATE", each="FOR EACH ROW EXECUTE FUNCTION remission_refuse()")


def _part_on_postgresql() -> None:
    op.execute("SET LOCAL statement_timeout = 0")
    _create_payloads()
    op.execute(f"INSERT INTO payloads {_payloads_of('events')}")
    for name in ("payload", "key_id", "payload_key"):
        op.drop_column("events", name)
    op.create_unique_constraint("events_event_id_key", "events", EVENT_ID)
    for operation in ("UPDATE", "DELETE"):
        _refuse("payloads", operation, each="FOR EACH ROW EXECUTE FUNCTION remission_refuse()")
    _refuse("payloads", "TRUNCATE", each="FOR EACH STATEMENT EXECUTE FUNCTION remission_refuse()")


def _join_on_sqlite() -> None:
    """Write the table anew: SQLite drops no constraint. Triggers go with the table that they stand on."""
    payload = (
        sa.Column("payload_key", sa.LargeBinary, nullable=False),
        sa.Column("key_id", word, nullable=True),
        sa.Column("payload", sa.LargeBinary, nullable=True),
    )
    _create_events("joined", *payload)
    columns = ", ".join(f"e.{name}" for name in ENVELOPE)
    op.execute(
        f"INSERT INTO joined SELECT {columns}, coalesce(p.payload_key, X''), p.key_id, p.body FROM {BESIDE} "  # noqa: S608 - names from above
        "ORDER BY e.namespace, e.position"
    )
    op.drop_table("payloads")
    _replace_events("joined")
    _guard_events()


def _part_on_sqlite() -> None:
    unique = sa.UniqueConstraint(*EVENT_ID, name="events_event_id_key")
    _create_events("parted", unique)
    columns = ", ".join(ENVELOPE)
    op.execute(f"INSERT INTO parted SELECT {columns} FROM events ORDER BY namespace, position")  # noqa: S608 - as above
    _create_payloads()
    op.execute(f"INSERT INTO payloads {_payloads_of('events')}")
    _replace_events("parted")
    _guard_events()
    _guard("events", "events_event_id_key", EVENT_ID)
    for operation in ("UPDATE", "DELETE"):
        _refuse("payloads", operation, each="BEGIN SELECT RAISE(ABORT, 'immutable: payloads'); END")
    _guard("payloads", "payloads_pkey", PLACE)


def _create_events(name: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        _word("namespace"),
        _long("position"),
        _word("stream"),
        _long("version"),
        _word("event_id"),
        _word("type"),
        sa.Column("schema", sa.Integer, nullable=False),
        _long("occurred_us"),
        _long("recorded_us"),
        _word("actor"),
        _word("authentication"),
        _word("causation_id", null=True),
        _word("correlation_id", null=True),
        _word("request_id", null=True),
        _long("policy_version"),
        _word("machine_version"),
        sa.Column("volatile", sa.Boolean, nullable=False),
        _word("volatile_fields"),
        _word("commitment"),
        _word("previous_hash"),
        _word("hash"),
        sa.Column("format", sa.Integer, nullable=False),
        *more,
        sa.PrimaryKeyConstraint(*PLACE, name="events_pkey"),
        sa.UniqueConstraint(*VERSION, name="events_version_key"),
        sa.CheckConstraint("position > 0", name="events_position_check"),
        sa.CheckConstraint("version > 0", name="events_version_check"),
        sa.CheckConstraint("length(hash) = 64", name="events_hash_check"),
    )


def _word(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, word, nullable=null)


def _long(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _create_payloads() -> None:
    op.create_table(
        "payloads",
        sa.Column("namespace", word, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("payload_key", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("key_id", word, nullable=True),
        sa.PrimaryKeyConstraint(*PLACE, name="payloads_pkey"),
    )


def _payloads_of(table: str) -> str:
    return (
        f"SELECT namespace, position, payload_key, payload, key_id FROM {table} WHERE payload IS NOT NULL "  # noqa: S608 - as above
        "ORDER BY namespace, position"
    )


def _replace_events(table: str) -> None:
    op.drop_table("events")
    op.rename_table(table, "events")


def _guard_events() -> None:
    """Refuse by trigger on SQLite, REPLACE too: it deletes without firing a trigger unless it was asked to."""
    for operation in ("UPDATE", "DELETE"):
        _refuse("events", operation, each="BEGIN SELECT RAISE(ABORT, 'immutable: events'); END")
    _guard("events", "events_pkey", PLACE)
    _guard("events", "events_version_key", VERSION)


def _refuse(table: str, operation: str, *, each: str) -> None:
    op.execute(f"CREATE TRIGGER {table}_refuse_{operation.lower()} BEFORE {operation} ON {table} {each}")


def _guard(table: str, constraint: str, columns: tuple[str, ...]) -> None:
    same = " AND ".join(f"{column} = NEW.{column}" for column in columns)
    taken = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608 - as above
    op.execute(
        f"CREATE TRIGGER {constraint}_guard BEFORE INSERT ON {table} WHEN EXISTS ({taken}) "
        f"BEGIN SELECT RAISE(ABORT, 'taken: {constraint}'); END"
    )
