"""Erasures: what was asked to be erased, and how far that is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "erasures",
        sa.Column("namespace", word, nullable=False),
        sa.Column("erasure_id", word, nullable=False),
        sa.Column("status", word, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace", "erasure_id", name="erasures_pkey"),
    )


def downgrade() -> None:
    """Drop the table, unless something was erased: nobody could tell any more what is missing, and why."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM erasures")).scalar_one():
        message = "erasures are on record: a downgrade would drop them"
        raise RuntimeError(message)
    op.drop_table("erasures")
