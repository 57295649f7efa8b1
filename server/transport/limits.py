"""A bound on the calls that are worked on at once; what comes on top is shed, and told when to come again.

gRPC's own `maximum_concurrent_rpcs` counts streams that wait for hours, and says no without a word on when to retry.
"""

from __future__ import annotations

from server.transport.errors import Overloaded
from server.transport.handlers import Context, Interceptor, Message

#: These pass always: calls that wait by nature, that keep a lease alive, or that make things safe.
FREE = frozenset(
    ("WatchStates", "WatchRoutes", "IngestStream", "LeaseJob", "Heartbeat", "Hold", "Freeze", "Abort", "RollBack")
)
HEALTH = "/grpc.health."


class Limiter(Interceptor):
    """Counts calls under way."""

    def __init__(self, most: int) -> None:
        self._most, self._now = most, 0

    def concerns(self, method: str) -> bool:
        """Count what does not pass always."""
        return not method.startswith(HEALTH) and method.rpartition("/")[2] not in FREE

    def begin(self, request: Message, context: Context) -> Overloaded | None:  # noqa: ARG002 - no matter which
        """Count one more, while there is room."""
        if self._now >= self._most:
            return Overloaded(self._most)
        self._now += 1
        return None

    def end(self) -> None:
        """Count one less."""
        self._now -= 1
