"""The tables, as the newest migration leaves them; a test holds the two equal.

Bytes are kept as bytes, never as JSON of the database, which rewrites them. Text sorts by code point everywhere.
Constraints are named here, since errors are told apart by these names.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

METADATA = MetaData()

#: Text that both databases order by code point.
WORD: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")


# A column's type parameter adds nothing here: statements are written from text of names.
def _word(name: str, *, null: bool = False) -> Column[str]:
    return Column(name, WORD, nullable=null)


def _long(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _bytes(name: str, *, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=null)


# What an event tells stands behind its envelope, the longest last: SQLite reads a row from its front. No index of ids:
# they follow from stream and version (`server/act.py`), and verification looks for two that are the same.
EVENTS = Table(
    "events",
    METADATA,
    _word("namespace"),
    _long("position"),
    _word("stream"),
    _long("version"),
    _word("event_id"),
    _word("type"),
    Column("schema", Integer, nullable=False),
    _long("occurred_us"),
    _long("recorded_us"),
    _word("actor"),
    _word("authentication"),
    _word("causation_id", null=True),
    _word("correlation_id", null=True),
    _word("request_id", null=True),
    _long("policy_version"),
    _word("machine_version"),
    Column("volatile", Boolean, nullable=False),
    _word("volatile_fields"),  # a JSON list of names
    _word("commitment"),
    _word("previous_hash"),
    _word("hash"),
    Column("format", Integer, nullable=False),
    _bytes("payload_key"),  # of the commitment; sealed with the payload where that is sealed
    _word("key_id", null=True),  # of the vault's key that sealed the payload; none where it stands in clear
    _bytes("payload", null=True),  # none where it was removed past the store
    PrimaryKeyConstraint("namespace", "position", name="events_pkey"),
    UniqueConstraint("namespace", "stream", "version", name="events_version_key"),
    CheckConstraint("position > 0", name="events_position_check"),
    CheckConstraint("version > 0", name="events_version_check"),
    CheckConstraint("length(hash) = 64", name="events_hash_check"),
)

#: What an event tells, as it is kept.
KEPT = ("payload_key", "payload", "key_id")

#: What is said about an event, in the order in which it is kept.
ENVELOPE = tuple(column.name for column in EVENTS.columns if column.name not in KEPT)

EVIDENCE = Table(
    "evidence",
    METADATA,
    _word("namespace"),
    _word("sha256"),
    _word("kind"),
    _bytes("body"),
    _long("created_us"),
    _word("key_id", null=True),  # as of a payload
    PrimaryKeyConstraint("namespace", "sha256", name="evidence_pkey"),
    CheckConstraint("length(sha256) = 64", name="evidence_sha256_check"),
)

REQUESTS = Table(
    "requests",
    METADATA,
    _word("namespace"),
    _word("request_id"),
    _word("payload_sha256"),
    _bytes("response"),
    _long("recorded_us"),
    PrimaryKeyConstraint("namespace", "request_id", name="requests_pkey"),
    Index("requests_by_age", "namespace", "recorded_us", "request_id"),
)

HEAD = Table(
    "head",
    METADATA,
    _word("namespace"),
    _long("position"),
    _word("hash"),
    _long("epoch"),
    PrimaryKeyConstraint("namespace", name="head_pkey"),
)

# Only full tiles are kept: they never change. The root is what the tile above holds for this one.
TILES = Table(
    "tiles",
    METADATA,
    _word("namespace"),
    _long("level"),
    _long("idx"),
    _bytes("hashes"),
    _bytes("root"),
    PrimaryKeyConstraint("namespace", "level", "idx", name="tiles_pkey"),
    CheckConstraint("length(hashes) = 8192", name="tiles_hashes_check"),
)

CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    _word("namespace"),
    _long("epoch"),
    _long("size"),
    _word("root"),
    _bytes("note"),
    _long("created_us"),
    PrimaryKeyConstraint("namespace", "epoch", "size", name="checkpoints_pkey"),
)

PROJECTIONS = Table(
    "projections",
    METADATA,
    _word("namespace"),
    _word("stream"),
    _long("version"),
    _word("state"),
    _word("phase"),
    _word("automation"),
    _bytes("body"),
    _long("updated_us"),
    PrimaryKeyConstraint("namespace", "stream", name="projections_pkey"),
)

TIMERS = Table(
    "timers",
    METADATA,
    _word("namespace"),
    _word("stream"),
    _word("name"),
    _long("due_us"),
    _long("visit"),
    PrimaryKeyConstraint("namespace", "stream", "name", name="timers_pkey"),
    Index("timers_due", "namespace", "due_us", "stream", "name"),
)

JOBS = Table(
    "jobs",
    METADATA,
    _word("namespace"),
    _word("job_id"),
    _word("stream"),
    _word("kind"),
    _word("status"),
    _bytes("spec"),
    _long("created_us"),
    _long("visit"),
    PrimaryKeyConstraint("namespace", "job_id", name="jobs_pkey"),
    Index("jobs_by_status", "namespace", "status", "created_us", "job_id"),
)

LEASES = Table(
    "leases",
    METADATA,
    _word("namespace"),
    _word("job_id"),
    _long("attempt"),
    _word("worker"),
    _word("token"),
    _long("lease_until_us"),
    _long("heartbeat_us"),
    _bytes("progress"),
    PrimaryKeyConstraint("namespace", "job_id", name="leases_pkey"),
    ForeignKeyConstraint(["namespace", "job_id"], ["jobs.namespace", "jobs.job_id"], name="leases_job_fkey"),
)

FEED = Table(
    "feed",
    METADATA,
    _word("namespace"),
    _word("stream"),
    _long("seq"),
    _word("kind"),
    _word("batch_id"),
    _long("first_row"),
    _long("row_count"),
    _long("watermark_us"),
    _bytes("body"),
    PrimaryKeyConstraint("namespace", "stream", "seq", name="feed_pkey"),
    UniqueConstraint("namespace", "stream", "kind", "batch_id", name="feed_batch_key"),
    Index("feed_by_row", "namespace", "stream", "kind", "first_row"),
)

CURSORS = Table(
    "cursors",
    METADATA,
    _word("namespace"),
    _word("stream"),
    _word("name"),
    _long("seq"),
    _bytes("body"),
    PrimaryKeyConstraint("namespace", "stream", "name", name="cursors_pkey"),
)

WINDOWS = Table(
    "windows",
    METADATA,
    _word("namespace"),
    _word("stream"),
    _long("epoch"),
    _word("kind"),
    _long("idx"),
    _word("evidence_sha256"),
    _long("feed_seq"),
    PrimaryKeyConstraint("namespace", "stream", "epoch", "kind", "idx", name="windows_pkey"),
    ForeignKeyConstraint(
        ["namespace", "evidence_sha256"], ["evidence.namespace", "evidence.sha256"], name="windows_evidence_fkey"
    ),
)

ERASURES = Table(
    "erasures",
    METADATA,
    _word("namespace"),
    _word("erasure_id"),
    _word("status"),
    _bytes("body"),
    _long("created_us"),
    PrimaryKeyConstraint("namespace", "erasure_id", name="erasures_pkey"),
)

ROUTES = Table(
    "routes",
    METADATA,
    _word("namespace"),
    _word("stream"),
    _long("generation"),
    _bytes("body"),
    _long("issued_us"),
    _long("acknowledged_us", null=True),
    _word("acknowledged_by", null=True),
    PrimaryKeyConstraint("namespace", "stream", "generation", name="routes_pkey"),
)
