"""The event log, what stands beside it, and the triggers by which the database itself refuses to change it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: In the order in which they can be dropped.
TABLES = (
    "routes",
    "windows",
    "cursors",
    "feed",
    "leases",
    "jobs",
    "timers",
    "projections",
    "head",
    "requests",
    "evidence",
    "payloads",
    "events",
)

#: What no statement may change: (table, operation).
REFUSED = (
    ("events", "UPDATE"),
    ("events", "DELETE"),
    ("payloads", "UPDATE"),
    ("evidence", "UPDATE"),
    ("evidence", "DELETE"),
)

#: Keys that SQLite's REPLACE must not get past: (table, constraint, its columns).
GUARDED = (
    ("events", "events_pkey", ("namespace", "position")),
    ("events", "events_version_key", ("namespace", "stream", "version")),
    ("events", "events_event_id_key", ("namespace", "event_id")),
    ("payloads", "payloads_pkey", ("namespace", "position")),
    ("evidence", "evidence_pkey", ("namespace", "sha256")),
)

word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, then the triggers."""
    _create_log()
    _create_requests_and_head()
    _create_state()
    _create_work()
    _create_feed()
    if op.get_bind().dialect.name == "postgresql":
        _refuse_on_postgresql()
    else:
        _refuse_on_sqlite()


def downgrade() -> None:
    """Drop everything, unless the log holds events."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM events")).scalar_one():
        message = "the log is not empty: a downgrade would drop it"
        raise RuntimeError(message)
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION remission_refuse()")


def _word(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, word, nullable=null)


def _long(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _bytes(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=False)


def _create_log() -> None:
    op.create_table(
        "events",
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
        sa.PrimaryKeyConstraint("namespace", "position", name="events_pkey"),
        sa.UniqueConstraint("namespace", "stream", "version", name="events_version_key"),
        sa.UniqueConstraint("namespace", "event_id", name="events_event_id_key"),
        sa.CheckConstraint("position > 0", name="events_position_check"),
        sa.CheckConstraint("version > 0", name="events_version_check"),
        sa.CheckConstraint("length(hash) = 64", name="events_hash_check"),
    )
    op.create_table(
        "payloads",
        _word("namespace"),
        _long("position"),
        _bytes("payload_key"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("namespace", "position", name="payloads_pkey"),
    )
    op.create_table(
        "evidence",
        _word("namespace"),
        _word("sha256"),
        _word("kind"),
        _bytes("body"),
        _long("created_us"),
        sa.PrimaryKeyConstraint("namespace", "sha256", name="evidence_pkey"),
        sa.CheckConstraint("length(sha256) = 64", name="evidence_sha256_check"),
    )


def _create_requests_and_head() -> None:
    op.create_table(
        "requests",
        _word("namespace"),
        _word("request_id"),
        _word("payload_sha256"),
        _bytes("response"),
        _long("recorded_us"),
        sa.PrimaryKeyConstraint("namespace", "request_id", name="requests_pkey"),
    )
    op.create_table(
        "head",
        _word("namespace"),
        _long("position"),
        _word("hash"),
        _long("epoch"),
        sa.PrimaryKeyConstraint("namespace", name="head_pkey"),
    )


def _create_state() -> None:
    op.create_table(
        "projections",
        _word("namespace"),
        _word("stream"),
        _long("version"),
        _word("state"),
        _word("phase"),
        _word("automation"),
        _bytes("body"),
        _long("updated_us"),
        sa.PrimaryKeyConstraint("namespace", "stream", name="projections_pkey"),
    )
    op.create_table(
        "timers",
        _word("namespace"),
        _word("stream"),
        _word("name"),
        _long("due_us"),
        _long("visit"),
        sa.PrimaryKeyConstraint("namespace", "stream", "name", name="timers_pkey"),
    )
    op.create_index("timers_due", "timers", ["namespace", "due_us", "stream", "name"])
    op.create_table(
        "routes",
        _word("namespace"),
        _word("stream"),
        _long("generation"),
        _bytes("body"),
        _long("issued_us"),
        _long("acknowledged_us", null=True),
        _word("acknowledged_by", null=True),
        sa.PrimaryKeyConstraint("namespace", "stream", "generation", name="routes_pkey"),
    )


def _create_work() -> None:
    op.create_table(
        "jobs",
        _word("namespace"),
        _word("job_id"),
        _word("stream"),
        _word("kind"),
        _word("status"),
        _bytes("spec"),
        _long("created_us"),
        _long("visit"),
        sa.PrimaryKeyConstraint("namespace", "job_id", name="jobs_pkey"),
    )
    op.create_index("jobs_by_status", "jobs", ["namespace", "status", "created_us", "job_id"])
    op.create_table(
        "leases",
        _word("namespace"),
        _word("job_id"),
        _long("attempt"),
        _word("worker"),
        _word("token"),
        _long("lease_until_us"),
        _long("heartbeat_us"),
        _bytes("progress"),
        sa.PrimaryKeyConstraint("namespace", "job_id", name="leases_pkey"),
        sa.ForeignKeyConstraint(["namespace", "job_id"], ["jobs.namespace", "jobs.job_id"], name="leases_job_fkey"),
    )


def _create_feed() -> None:
    op.create_table(
        "feed",
        _word("namespace"),
        _word("stream"),
        _long("seq"),
        _word("kind"),
        _word("batch_id"),
        _long("first_row"),
        _long("row_count"),
        _long("watermark_us"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("namespace", "stream", "seq", name="feed_pkey"),
        sa.UniqueConstraint("namespace", "stream", "kind", "batch_id", name="feed_batch_key"),
    )
    op.create_index("feed_by_row", "feed", ["namespace", "stream", "kind", "first_row"])
    op.create_table(
        "cursors",
        _word("namespace"),
        _word("stream"),
        _word("name"),
        _long("seq"),
        _bytes("body"),
        sa.PrimaryKeyConstraint("namespace", "stream", "name", name="cursors_pkey"),
    )
    op.create_table(
        "windows",
        _word("namespace"),
        _word("stream"),
        _long("epoch"),
        _word("kind"),
        _long("idx"),
        _word("evidence_sha256"),
        _long("feed_seq"),
        sa.PrimaryKeyConstraint("namespace", "stream", "epoch", "kind", "idx", name="windows_pkey"),
        sa.ForeignKeyConstraint(
            ["namespace", "evidence_sha256"], ["evidence.namespace", "evidence.sha256"], name="windows_evidence_fkey"
        ),
    )


def _refuse_on_sqlite() -> None:
    """Refuse by trigger. REPLACE deletes without firing a trigger unless the connection asked for it: guard inserts."""
    for table, operation in REFUSED:
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{operation.lower()} BEFORE {operation} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'immutable: {table}'); END"
        )
    for table, constraint, columns in GUARDED:
        same = " AND ".join(f"{column} = NEW.{column}" for column in columns)
        # The names come from the list above, so nothing foreign gets into the statement.
        taken = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608
        op.execute(
            f"CREATE TRIGGER {constraint}_guard BEFORE INSERT ON {table} WHEN EXISTS ({taken}) "
            f"BEGIN SELECT RAISE(ABORT, 'taken: {constraint}'); END"
        )


def _refuse_on_postgresql() -> None:
    """Refuse by trigger, rows one by one and TRUNCATE as a whole."""
    op.execute(
        "CREATE FUNCTION remission_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'immutable: %', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table, operation in REFUSED:
        op.execute(
            f"CREATE TRIGGER {table}_refuse_{operation.lower()} BEFORE {operation} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION remission_refuse()"
        )
    for table in ("events", "payloads", "evidence"):
        op.execute(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION remission_refuse()"
        )
