"""Why a request is refused, in terms of the request. `server/transport/status.py` gives each its status."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from store.errors import RequestIdReused


class RequestError(Exception):
    """The request cannot be carried out."""


class Invalid(RequestError):
    """A field of the request cannot be taken as it is."""

    def __init__(self, field: str, description: str, *more: tuple[str, str]) -> None:
        self.violations: tuple[tuple[str, str], ...] = ((field, description), *more)
        super().__init__("; ".join(f"{name}: {text}" for name, text in self.violations))


class AlreadyTold(Invalid):
    """What a field tells was told before, and is neither taken twice nor changed."""


class ModelMissing(RequestError):
    """No model of that name is under watch."""

    def __init__(self, model: str, field: str = "model") -> None:
        super().__init__(f"{field}: no model {model!r} is under watch; CreateModel registers one")
        self.model, self.field = model, field


class ThingMissing(RequestError):
    """What the request names is not known here."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}")
        self.field, self.what = field, what


class OutOfRecord(RequestError):
    """The moment lies before the first event on record, or behind the newest."""

    def __init__(self, field: str, given: int, first: int, newest: int | None, what: str) -> None:
        accepted = f"{first} or more is accepted" if newest is None else f"{first} to {newest} is accepted"
        super().__init__(f"{field}: {given} {what}; {accepted}")
        self.field, self.given, self.first, self.newest = field, given, first, newest


class ModelExists(RequestError):
    """The name belongs to a model that is under watch, or was."""

    def __init__(self, model: str) -> None:
        taken = "by a model under watch, which UpdateModel changes, or by one that was retired"
        super().__init__(f"model.name: {model!r} is taken, {taken}; another name is accepted")
        self.model = model


class IdReused(RequestError):
    """The id stands for something else that was sent before."""

    def __init__(self, field: str, given: str) -> None:
        super().__init__(f"{field}: {given!r} was used before, with another content; a new id is accepted")
        self.field, self.given = field, given


@contextmanager
def new_id(field: str, given: str) -> Iterator[None]:
    """Call an id that turns out to be used by the field and the words of the caller.

    Raises:
        IdReused: It stands for something else.
    """
    try:
        yield
    except RequestIdReused as error:
        raise IdReused(field, given) from error


class EtagMismatch(RequestError):
    """The model has changed since the etag was read."""

    def __init__(self, given: str, actual: str, latest: str) -> None:
        super().__init__(f"etag: {given!r} is not the current {actual!r}; the latest change is {latest}")
        self.given, self.actual, self.latest = given, actual, latest


class TooLarge(RequestError):
    """The request is over a limit."""

    def __init__(self, field: str, size: int, limit: int) -> None:
        super().__init__(f"{field}: {size} is over the limit of {limit}")
        self.field, self.size, self.limit = field, size, limit


class NotTheHolder(RequestError):
    """Another caller holds the job."""

    def __init__(self, job: str, asked: str) -> None:
        who = "that of who leased it, as its certificate names it"
        told = f"{job!r} is not this caller's to {asked}, but {who}"
        super().__init__(f"job_id: {told}")
        self.job, self.asked = job, asked


class LeaseUsedUp(RequestError):
    """Too much is uploaded under one lease, taken together."""

    def __init__(self, field: str, most: str, left: str, limit: int) -> None:
        super().__init__(f"{field}: under one lease {most} are accepted together; of these are left: {left}")
        self.field, self.limit = field, limit


class NoRoom(RequestError):
    """There is no room to work in: the disk of temporary files is full."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(f"{folder}: {reason}; nothing was handed out, and another TMPDIR is accepted")
        self.folder, self.reason = folder, reason


def one_of(field: str, value: object, accepted: Sequence[str]) -> Invalid:
    """Refuse *value* and say what would be accepted."""
    return Invalid(field, f"{value!r} is not accepted; one of {', '.join(accepted)} is")
