"""Payloads and evidence sealed at rest: which key of the vault sealed them. What was written before stays in clear.

To erase is to destroy a key now, so no payload is ever deleted, and the database refuses that too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns, and the guard."""
    op.add_column("payloads", sa.Column("key_id", word, nullable=True))
    op.add_column("evidence", sa.Column("key_id", word, nullable=True))
    guard = "CREATE TRIGGER payloads_refuse_delete BEFORE DELETE ON payloads"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"{guard} FOR EACH ROW EXECUTE FUNCTION remission_refuse()")
    else:
        op.execute(f"{guard} BEGIN SELECT RAISE(ABORT, 'immutable: payloads'); END")


def downgrade() -> None:
    """Drop guard and columns, unless something is sealed: nobody could open it any more."""
    for table in ("payloads", "evidence"):
        sealed = sa.text(f"SELECT count(*) FROM {table} WHERE key_id IS NOT NULL")  # noqa: S608 - names of ours
        if op.get_bind().execute(sealed).scalar_one():
            message = f"{table} are sealed: a downgrade would drop what says under which keys"
            raise RuntimeError(message)
    on = " ON payloads" if op.get_bind().dialect.name == "postgresql" else ""
    op.execute(f"DROP TRIGGER payloads_refuse_delete{on}")
    op.drop_column("evidence", "key_id")
    op.drop_column("payloads", "key_id")
