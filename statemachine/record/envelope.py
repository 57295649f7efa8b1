"""The envelope of an event: immutable, hashed, and bound to its payload by a keyed commitment.

The payload may be erased one day. The envelope stays, and with it every hash: what is hashed is a commitment
(HMAC-SHA256 under a random key that is kept beside the payload), so what was erased cannot be guessed from it.

The *leaf* of an event is its envelope as bytes, and the log is a Merkle tree over these leaves (RFC 6962). Format 2
writes it as RFC 8785 JSON, and the event's hash is its leaf's hash in the tree, so that one hash serves stream and
tree. Format 1, of the first release, packed the fields, and hashed them without the tree's prefix.
"""

import hashlib
import hmac

import msgspec
import orjson

#: What stands before the first event of a stream.
GENESIS = "0" * 64

#: How envelopes are written today.
FORMAT = 2

#: What the tree puts before a leaf (RFC 6962, section 2.1).
LEAF = b"\x00"


# Structs of msgspec are made in a third of the time of frozen dataclasses, and every append and every read makes one.
# Nothing in them can lead back to them, so the collector of cycles has nothing to look for.
class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What is said about an event, whatever it tells."""

    event_id: str
    type: str  #: stored name, never a class name
    schema: int
    occurred_us: int
    actor: str  #: opaque id
    authentication: str  #: how the actor was known
    causation_id: str | None
    correlation_id: str | None
    request_id: str | None
    policy_version: int
    machine_version: str
    volatile: bool  #: the whole event is left out of `log_sha256`
    volatile_fields: tuple[str, ...]  #: top-level fields of the payload left out of `log_sha256`


class NewEvent(Envelope, frozen=True, kw_only=True):
    """A fact that is about to be recorded. *payload* is canonical JSON of an object."""

    causation_id: str | None = None
    correlation_id: str | None = None
    request_id: str | None = None
    volatile: bool = False
    volatile_fields: tuple[str, ...] = ()
    payload: bytes


# Made from values in this order: by their names it takes ten times as long, which is a third of reading an event.
class RecordedEvent(Envelope, frozen=True):
    """A fact on record. *payload* and *payload_key* are None once they are erased."""

    namespace: str
    stream: str
    version: int  #: dense within the stream, from 1
    position: int  #: dense within the namespace, from 1
    recorded_us: int
    format: int  #: how the envelope is written as a leaf
    commitment: str
    previous_hash: str  #: of the event before in this stream
    hash: str
    payload: bytes | None
    payload_key: bytes | None
    erased: bool = False  #: the key that sealed the payload was destroyed; a payload that was removed is only missing


class Telling(msgspec.Struct, frozen=True, gc=False):
    """What folding needs of a fact on record: half as much to read and to make as with all that proves it."""

    stream: str
    version: int
    type: str
    schema: int
    occurred_us: int
    payload: bytes | None  #: None once it is erased


class PayloadErased(ValueError):
    """The payload of this event was erased, so what derives from it cannot be told."""

    def __init__(self, stream: str, version: int) -> None:
        """Name the event."""
        self.stream = stream
        self.version = version
        super().__init__(f"the payload of {stream} version {version} was erased")


class UnknownFormat(ValueError):
    """The envelope is written in a way that this release does not know."""

    def __init__(self, stream: str, version: int, found: int) -> None:
        """Name the event and the format."""
        self.stream, self.version, self.found = stream, version, found
        super().__init__(f"{stream} version {version} is written in format {found}; known are 1 and {FORMAT}")


def commit_to(payload: bytes, key: bytes) -> str:
    """Return the commitment to *payload* under *key*: HMAC-SHA256, hexadecimal."""
    return hmac.digest(key, payload, "sha256").hex()


# One argument for each thing that a place in the log consists of.
def record(
    event: NewEvent,
    *,
    namespace: str,
    stream: str,
    version: int,
    position: int,
    recorded_us: int,
    previous_hash: str,
    payload_key: bytes,
) -> RecordedEvent:
    """Give *event* its place in the log and its hash."""
    commitment = commit_to(event.payload, payload_key)
    leaf = _written(event, namespace, stream, version, position, recorded_us, commitment, previous_hash)
    hashed = hashlib.sha256(LEAF + leaf).hexdigest()
    return RecordedEvent(
        event.event_id, event.type, event.schema, event.occurred_us, event.actor, event.authentication,
        event.causation_id, event.correlation_id, event.request_id, event.policy_version, event.machine_version,
        event.volatile, event.volatile_fields, namespace, stream, version, position, recorded_us, FORMAT, commitment,
        previous_hash, hashed, event.payload, payload_key,
    )  # fmt: skip


def leaf_of(event: RecordedEvent) -> bytes:
    """Return the envelope of *event* as the bytes that the tree is over.

    Raises:
        UnknownFormat: A later release has written it.
    """
    place = (event.namespace, event.stream, event.version, event.position, event.recorded_us)
    if event.format == FORMAT:
        return _written(event, *place, event.commitment, event.previous_hash)
    if event.format == 1:
        return packed(*place, event.commitment, event.previous_hash, *_said(event))
    raise UnknownFormat(event.stream, event.version, event.format)


def hash_of(event: RecordedEvent) -> str:
    """Compute the hash that *event* ought to carry, from its envelope alone."""
    prefix = b"" if event.format == 1 else LEAF
    return hashlib.sha256(prefix + leaf_of(event)).hexdigest()


def leaf_hash(event: RecordedEvent) -> bytes:
    """Return the hash of *event* in the tree, from the hash that it carries where that is the same."""
    return bytes.fromhex(event.hash) if event.format == FORMAT else hashlib.sha256(LEAF + leaf_of(event)).digest()


def payload_is_whole(event: RecordedEvent) -> bool:
    """Say whether the payload is the one that was committed to. An erased payload is whole."""
    if event.payload is None or event.payload_key is None:
        return event.payload is None and event.payload_key is None
    return hmac.compare_digest(commit_to(event.payload, event.payload_key), event.commitment)


def packed(*fields: str | int | bytes | None) -> bytes:
    """Join *fields* so that no two lists give the same bytes: each is `length:value`, and None is `-`."""
    parts = []
    for field in fields:
        if field is None:
            parts.append(b"-")
            continue
        data = field if isinstance(field, bytes) else str(field).encode()
        parts.append(b"%d:%b" % (len(data), data))
    return b"".join(parts)


# Each argument is a part of an event's place; a class for them would be made once for every event, and thrown away.
def _written(
    event: Envelope,
    namespace: str,
    stream: str,
    version: int,
    position: int,
    recorded_us: int,
    commitment: str,
    previous_hash: str,
) -> bytes:
    """Write the leaf. The names stand in their order, and there are no floats, so this is RFC 8785 without a sort."""
    return orjson.dumps(
        {
            "actor": event.actor,
            "authentication": event.authentication,
            "causation_id": event.causation_id,
            "commitment": commitment,
            "correlation_id": event.correlation_id,
            "event_id": event.event_id,
            "format": FORMAT,
            "machine_version": event.machine_version,
            "namespace": namespace,
            "occurred_us": event.occurred_us,
            "policy_version": event.policy_version,
            "position": position,
            "previous_hash": previous_hash,
            "recorded_us": recorded_us,
            "request_id": event.request_id,
            "schema": event.schema,
            "stream": stream,
            "type": event.type,
            "version": version,
            "volatile": event.volatile,
            "volatile_fields": event.volatile_fields,
        }
    )


def _said(event: Envelope) -> tuple[str | int | None, ...]:
    return (
        event.event_id,
        event.type,
        event.schema,
        event.occurred_us,
        event.actor,
        event.authentication,
        event.causation_id,
        event.correlation_id,
        event.request_id,
        event.policy_version,
        event.machine_version,
        int(event.volatile),
        len(event.volatile_fields),
        *event.volatile_fields,
    )
