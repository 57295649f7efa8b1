"""What passes between clients and a replica: one message a request, under an id that a repeated request keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.replicas.accounts import Entry

#: A client that hears nothing for so long goes to another replica, with the same ids.
PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class AppendOne:
    """Append one event that tells *key*; the key is the request's id as well."""

    key: str
    stream: str
    wrong: bool = False  #: behind a version that the stream cannot have


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the event stands; None: refused."""

    key: str
    position: int | None


@dataclass(frozen=True, slots=True)
class ReadBehind:
    """Read what stands behind a position."""

    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Read:
    """What stood there, and whether more stood behind it."""

    entries: Sequence[Entry]
    whole: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The replica could not do it now. The request may come again."""

    key: str
    why: str
