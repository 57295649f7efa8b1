"""`remission state MODEL --at …`: how a model stood at a moment of its past."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from remission.errors import OutOfRangeError

from cli.reach import reached
from cli.tables import told

#: What is told of the past beside the state.
MORE = ("rollback_target", "routing_generation", "policy_version", "version", "event", "occurred")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MomentInvalid(ValueError):
    """The moment cannot be taken as it is."""


def as_of(server: str, model: str, at: str, version: int | None, position: int | None) -> dict[str, Any]:
    """Tell how *model* stood, under which policy, and since which event.

    Raises:
        MomentInvalid: Not exactly one moment of one model is given, or the instant is none.
    """
    given = {"--at": at or None, "--version": version, "--position": position}
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise MomentInvalid(f"{' and '.join(named)}: one moment is accepted")
    if not model:
        raise MomentInvalid(f"{named[0]}: a model is needed beside it")
    at_us = instant_us(at) if at else None
    with reached(server) as client:
        try:
            found = client.audit.as_of(model, at_us=at_us, version=version, position=position)
        except OutOfRangeError as error:
            raise _before(error, at) if at else error from error
    event = told(found.event)
    return {
        **told(found.state), "policy_version": found.policy_version, "policy": json.loads(found.policy_json),
        "event": event["type"], "occurred": event["occurred"], "occurred_us": event["occurred_us"],
    }  # fmt: skip


def _before(error: OutOfRangeError, at: str) -> MomentInvalid:
    """Say in the words of who asked that *at* lies before the first event, which the server tells in microseconds."""
    first = EPOCH + timedelta(microseconds=int(error.metadata["first"]))
    return MomentInvalid(
        f"--at: {at!r} lies before the first event of the model; {first.isoformat()} or later is accepted"
    )


def instant_us(text: str, option: str = "--at") -> int:
    """Read an instant as ISO 8601 writes it, in UTC where it names no zone; give whole microseconds since 1970.

    Raises:
        MomentInvalid: It is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise MomentInvalid(
            f"{option}: {text!r} is no instant; one such as 2026-01-31T12:00:00Z is accepted"
        ) from error
    known = found if found.tzinfo else found.replace(tzinfo=UTC)
    return (known - EPOCH) // timedelta(microseconds=1)
