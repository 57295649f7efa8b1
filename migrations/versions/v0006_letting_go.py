"""Letting go with age: answers to old requests, found by when they were given, and checkpoints between others.

The database itself keeps the last checkpoint of each day, whoever asks. The role that serves on PostgreSQL still may
delete nothing: it forgets one row at a time, by two functions of the owner's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

DAY_US = 86_400 * 1_000_000

#: Whether another checkpoint of the same log and day is of more events.
LATER = (
    "SELECT 1 FROM checkpoints AS c WHERE c.namespace = OLD.namespace AND c.epoch = OLD.epoch "  # noqa: S608 - a number
    f"AND c.size > OLD.size AND c.created_us / {DAY_US} = OLD.created_us / {DAY_US}"
)

#: What PostgreSQL's role that serves may call, and what that forgets.
FUNCTIONS = (
    ("remission_forget_request(of text, one text)", "requests", "namespace = $1 AND request_id = $2"),
    (
        "remission_forget_checkpoint(of text, term bigint, events bigint)",
        "checkpoints",
        "namespace = $1 AND epoch = $2 AND size = $3",
    ),
)


def upgrade() -> None:
    """Make the index, and let checkpoints go but for the last of each day."""
    op.create_index("requests_by_age", "requests", ["namespace", "recorded_us", "request_id"])
    if op.get_bind().dialect.name == "postgresql":
        _guard_on_postgresql()
        _functions_on_postgresql()
    else:
        op.execute("DROP TRIGGER checkpoints_refuse_delete")
        op.execute(
            f"CREATE TRIGGER checkpoints_refuse_delete BEFORE DELETE ON checkpoints WHEN NOT EXISTS ({LATER}) "
            "BEGIN SELECT RAISE(ABORT, 'immutable: checkpoints'); END"
        )


def downgrade() -> None:
    """Let none go again. What has gone stays away: all that is left verifies without it."""
    if op.get_bind().dialect.name == "postgresql":
        for function, _, _ in FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}")
        op.execute("DROP TRIGGER checkpoints_refuse_delete ON checkpoints")
        op.execute("DROP FUNCTION remission_keep_last_of_day()")
        op.execute(
            "CREATE TRIGGER checkpoints_refuse_delete BEFORE DELETE ON checkpoints "
            "FOR EACH ROW EXECUTE FUNCTION remission_refuse()"
        )
    else:
        op.execute("DROP TRIGGER checkpoints_refuse_delete")
        op.execute(
            "CREATE TRIGGER checkpoints_refuse_delete BEFORE DELETE ON checkpoints "
            "BEGIN SELECT RAISE(ABORT, 'immutable: checkpoints'); END"
        )
    op.drop_index("requests_by_age", "requests")


def _guard_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION remission_keep_last_of_day() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT EXISTS ({LATER}) THEN RAISE EXCEPTION 'immutable: %', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN OLD; END $$"
    )
    op.execute("DROP TRIGGER checkpoints_refuse_delete ON checkpoints")
    op.execute(
        "CREATE TRIGGER checkpoints_refuse_delete BEFORE DELETE ON checkpoints "
        "FOR EACH ROW EXECUTE FUNCTION remission_keep_last_of_day()"
    )


def _functions_on_postgresql() -> None:
    """Make what acts as the owner find the owner's tables, wherever its caller looks first."""
    schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
    for function, table, one in FUNCTIONS:
        op.execute(
            f"CREATE FUNCTION {function} RETURNS void LANGUAGE sql SECURITY DEFINER "  # noqa: S608 - as above
            f"SET search_path = {schema}, pg_temp AS $$ DELETE FROM {table} WHERE {one} $$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
