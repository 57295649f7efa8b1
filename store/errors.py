"""What the store refuses, and what can be wrong with a database. The docstring is the message."""


class StoreError(Exception):
    """The store could not do what was asked."""

    def __init__(self, **facts: object) -> None:
        """Keep *facts* as fields and put them behind the message."""
        self.facts = facts
        message = (type(self).__doc__ or "").strip().splitlines()[0]
        told = ", ".join(f"{name}={value!r}" for name, value in facts.items())
        super().__init__(f"{message} ({told})" if told else message)


# ---- refusals: the caller asked for what cannot be ----


class WrongExpectedVersion(StoreError):
    """The stream has moved on since it was read."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        """Name the stream, the version that was read, and the one it has now."""
        self.stream, self.expected, self.actual = stream, expected, actual
        super().__init__(stream=stream, expected=expected, actual=actual)


class RequestIdReused(StoreError):
    """The request id was used before, with another payload."""

    def __init__(self, request_id: str) -> None:
        """Name the request id."""
        self.request_id = request_id
        super().__init__(request_id=request_id)


class AlreadyRecorded(StoreError):
    """A row with this key is on record, and such rows are never replaced."""

    def __init__(self, what: str) -> None:
        """Name the constraint that refused."""
        self.what = what
        super().__init__(what=what)


class FeedOutOfOrder(StoreError):
    """The item does not follow the feed: its number or its first row is not the next."""

    def __init__(self, stream: str, next_seq: int, next_row: int) -> None:
        """Name the stream and say what must come."""
        self.stream, self.next_seq, self.next_row = stream, next_seq, next_row
        super().__init__(stream=stream, next_seq=next_seq, next_row=next_row)


class ReferenceMissing(StoreError):
    """The row points to something that is not on record."""

    def __init__(self, what: str) -> None:
        """Name the constraint that refused, where the database tells it."""
        self.what = what
        super().__init__(what=what)


class RecordIsImmutable(StoreError):
    """The database refuses to change or to remove what is on record."""

    def __init__(self, what: str) -> None:
        """Name the table."""
        self.what = what
        super().__init__(what=what)


class EvidenceMissing(StoreError):
    """There is no evidence under this hash: it was never recorded, or was removed past the store."""

    def __init__(self, sha256: str) -> None:
        """Name the hash."""
        self.sha256 = sha256
        super().__init__(sha256=sha256)


class EvidenceErased(StoreError):
    """The evidence under this hash was erased, so what derives from it cannot be told any more."""

    def __init__(self, sha256: str) -> None:
        """Name the hash."""
        self.sha256 = sha256
        super().__init__(sha256=sha256)


class VaultMissing(StoreError):
    """What is kept here is sealed. The vault of this log is needed: its address, and its master key if it has one."""

    def __init__(self, key_id: str) -> None:
        """Name the key that sealed it."""
        self.key_id = key_id
        super().__init__(key_id=key_id)


class EvidenceAltered(StoreError):
    """The evidence does not have the hash under which it was recorded: it was altered since."""

    def __init__(self, sha256: str, found: str) -> None:
        """Name the hash under which it stands and the one it has."""
        self.sha256, self.found = sha256, found
        super().__init__(sha256=sha256, found=found)


class LogAltered(StoreError):
    """The log's head and its events disagree: something was removed or written past the store."""

    def __init__(self, head: int, found: int) -> None:
        """Give the position of the head and that of the newest event."""
        self.head, self.found = head, found
        super().__init__(head=head, found=found)


class TreeAltered(StoreError):
    """The events have another root than the head says: something was changed or removed past the store."""

    def __init__(self, size: int, expected: str, found: str) -> None:
        """Give the size of the tree, the root on record and the one that the events have."""
        self.size, self.expected, self.found = size, expected, found
        super().__init__(size=size, expected=expected, found=found)


class TileMissing(StoreError):
    """The tree of the log has no such tile: it does not reach so far, or something was removed past the store."""

    def __init__(self, level: int, idx: int, width: int) -> None:
        """Give the place of the tile and how many hashes were asked for."""
        self.level, self.idx, self.width = level, idx, width
        super().__init__(level=level, idx=idx, width=width)


class StoreClosed(StoreError):
    """The store was closed, so it takes no more work."""


class WorkInsideWork(StoreError):
    """Work that waits for other work of the same store would wait for ever."""


# ---- faults: the database cannot serve ----


class DatabaseFault(StoreError):
    """The database answered with an error that has no name here."""

    def __init__(self, reason: str) -> None:
        """Give the database's own words."""
        self.reason = reason
        super().__init__(reason=reason)


class DatabaseUnavailable(DatabaseFault):
    """The database is away. Nothing was acknowledged; ask again later."""


class DatabaseUnreachable(DatabaseUnavailable):
    """The database cannot be reached: check the address, the credentials, and that it is running."""


class OutcomeUnknown(DatabaseUnavailable):
    """The database went away during the commit: repeat with the same request id to learn what became of it."""


class DatabaseLocked(DatabaseUnavailable):
    """Another process holds the database's lock for too long."""


class DatabaseInUse(DatabaseFault):
    """Another server has this database file open; one file has one server."""


class DatabaseReadOnly(DatabaseFault):
    """The database can be read but not written."""


class DatabaseUnsafe(DatabaseFault):
    """The database would not keep what it acknowledges through a loss of power."""


class DatabaseUrlInvalid(DatabaseFault):
    """The address must be memory://, sqlite:///path or postgresql://host/name."""


class NotBeside(DatabaseUrlInvalid):
    """The address must be sqlite:///path or postgresql://host/name; what is in memory is its server's alone."""


class WrongSchemaVersion(DatabaseFault):
    """The database has another schema version than this program; run `remission migrate`."""

    def __init__(self, found: str | None, expected: str) -> None:
        """Give the revision found (None: no schema at all) and the one this program needs."""
        self.found, self.expected = found, expected
        super().__init__(f"found {found or 'no schema'}, expected {expected}")


class RevisionUnknown(DatabaseFault):
    """No migration has this name; `head` is the newest and `base` is no schema at all."""


class LogNotEmpty(DatabaseFault):
    """The log holds events, so its tables are not dropped."""


class Interrupted(DatabaseUnavailable):
    """The transaction was undone before its commit, by a conflict or a lost connection; it can run again."""


class Spoiled(StoreError):
    """A statement failed in a shared transaction, which cannot go on; its works are done again, one by one."""
