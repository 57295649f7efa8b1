"""Models that cannot be read, as messages: each with what a call about it alone would be told."""

from __future__ import annotations

from collections.abc import Sequence

from remission.v1 import health_pb2 as pb

from server.history.unreadable import Unreadable
from server.transport.calls import LOG
from server.transport.status import said, tell


def unreadable(found: Sequence[Unreadable]) -> list[pb.UnreadableModel]:
    """Write who cannot be read, and why."""
    return [one_unreadable(one) for one in found]


def one_unreadable(one: Unreadable) -> pb.UnreadableModel:
    """Write that a model cannot be read, and why; what nobody foresaw is logged."""
    reason, message = said(one.error)
    if tell(one.error) is None:
        LOG.error("surprise", model=one.model, error=repr(one.error), exc_info=one.error)
    return pb.UnreadableModel(model=one.model, reason=reason, message=message)
