"""The Merkle tree over the log: its tiles, what was signed of it, and the root in the head.

Events from before are written in format 1. They are added to the tree here, from their envelopes as they stand.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WIDTH = 256
PAGE = 5_000

#: The fields of an envelope in the order in which format 1 packs them.
PACKED = (
    "namespace", "stream", "version", "position", "recorded_us", "commitment", "previous_hash", "event_id", "type",
    "schema", "occurred_us", "actor", "authentication", "causation_id", "correlation_id", "request_id",
    "policy_version", "machine_version", "volatile",
)  # fmt: skip

#: What no statement may change or remove.
TABLES = ("tiles", "checkpoints")
KEYS = {"tiles": ("namespace", "level", "idx"), "checkpoints": ("namespace", "epoch", "size")}

word = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, let the tree grow over what is on record, then refuse changes."""
    op.add_column("events", sa.Column("format", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "tiles",
        sa.Column("namespace", word, nullable=False),
        sa.Column("level", sa.BigInteger, nullable=False),
        sa.Column("idx", sa.BigInteger, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("namespace", "level", "idx", name="tiles_pkey"),
        sa.CheckConstraint("length(hashes) = 8192", name="tiles_hashes_check"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("namespace", word, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", word, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace", "epoch", "size", name="checkpoints_pkey"),
    )
    for (namespace,) in op.get_bind().execute(sa.text("SELECT namespace FROM head")).fetchall():
        _grow(namespace)
    if op.get_bind().dialect.name == "postgresql":
        _refuse_on_postgresql()
    else:
        _refuse_on_sqlite()


def downgrade() -> None:
    """Go back, unless the log holds events: the release before could not read those of format 2."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM events")).scalar_one():
        message = "the log is not empty: a downgrade would leave it without its tree"
        raise RuntimeError(message)
    for table in TABLES:
        op.drop_table(table)
    op.execute("DELETE FROM head")  # made again at the next opening
    op.drop_column("events", "format")


def _grow(namespace: str) -> None:
    """Write the full tiles over the events of *namespace*, and their root into its head."""
    levels: list[list[bytes]] = []
    for leaf in _leaves(namespace):
        _add(namespace, levels, 0, leaf)
    op.get_bind().execute(
        sa.text("UPDATE head SET hash = :root WHERE namespace = :namespace"),
        {"root": _root(levels).hex(), "namespace": namespace},
    )


def _leaves(namespace: str) -> Iterator[bytes]:
    columns = ", ".join((*PACKED, "volatile_fields"))
    statement = (
        f"SELECT {columns} FROM events WHERE namespace = :namespace AND position > :after "  # noqa: S608 - names from above
        "ORDER BY position LIMIT :page"
    )
    after = 0
    while True:
        rows = (
            op.get_bind()
            .execute(sa.text(statement), {"namespace": namespace, "after": after, "page": PAGE})
            .mappings()
            .fetchall()
        )
        for row in rows:
            yield hashlib.sha256(b"\x00" + _packed(row)).digest()
            after = row["position"]
        if len(rows) < PAGE:
            return


def _packed(row: Any) -> bytes:  # noqa: ANN401 - a row of the database
    fields = json.loads(row["volatile_fields"])
    values = [row[name] for name in PACKED[:-1]] + [int(row["volatile"]), len(fields), *fields]
    parts = []
    for value in values:
        data = b"" if value is None else str(value).encode()
        parts.append(b"-" if value is None else b"%d:%b" % (len(data), data))
    return b"".join(parts)


def _add(namespace: str, levels: list[list[bytes]], level: int, value: bytes) -> None:
    if level == len(levels):
        levels.append([])
    levels[level].append(value)
    if len(levels[level]) % WIDTH:
        return
    hashes = levels[level][-WIDTH:]
    idx = len(levels[level]) // WIDTH - 1
    root = _over(hashes)
    op.get_bind().execute(
        sa.text(
            "INSERT INTO tiles (namespace, level, idx, hashes, root) VALUES (:namespace, :level, :idx, :hashes, :root)"
        ),
        {"namespace": namespace, "level": level, "idx": idx, "hashes": b"".join(hashes), "root": root},
    )
    _add(namespace, levels, level + 1, root)


def _root(levels: list[list[bytes]]) -> bytes:
    """Return the root over all leaves: complete subtrees from the right, joined from below."""
    right = None
    for hashes in levels:
        rest = hashes[len(hashes) // WIDTH * WIDTH :]
        for peak in reversed(_peaks(rest)):
            right = peak if right is None else _joined(peak, right)
    return hashlib.sha256(b"").digest() if right is None else right


def _peaks(hashes: list[bytes]) -> list[bytes]:
    peaks, start, width = [], 0, WIDTH
    while width := width // 2:
        if len(hashes) & width:
            peaks.append(_over(hashes[start : start + width]))
            start += width
    return peaks


def _over(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [_joined(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _refuse_on_sqlite() -> None:
    for table, key in KEYS.items():
        for operation in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{operation.lower()} BEFORE {operation} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'immutable: {table}'); END"
            )
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        taken = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608 - names from above
        op.execute(
            f"CREATE TRIGGER {table}_pkey_guard BEFORE INSERT ON {table} WHEN EXISTS ({taken}) "
            f"BEGIN SELECT RAISE(ABORT, 'taken: {table}_pkey'); END"
        )


def _refuse_on_postgresql() -> None:
    for table in TABLES:
        for operation, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{operation.lower()} BEFORE {operation} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION remission_refuse()"
            )
