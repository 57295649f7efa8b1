"""A bound on the calls that are worked on at once; what comes on top is shed, and told when to come again.

gRPC's own `maximum_concurrent_rpcs` counts streams that wait for hours, and says no without a word on when to retry.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
from grpc_status import rpc_status

from server.transport.errors import Overloaded
from server.transport.handlers import Handler, around
from server.transport.status import status_of

#: These pass always: calls that wait by nature, that keep a lease alive, or that make things safe.
FREE = frozenset(
    ("WatchStates", "WatchRoutes", "IngestStream", "LeaseJob", "Heartbeat", "Hold", "Freeze", "Abort", "RollBack")
)
HEALTH = "/grpc.health."


class Limiter(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Counts calls under way."""

    def __init__(self, most: int) -> None:
        self._most, self._now = most, 0

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Handler]],
        handler_call_details: Any,  # noqa: ANN401 - grpc's own
    ) -> Handler:
        """Count the call, unless it passes always."""
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or method.startswith(HEALTH) or method.rpartition("/")[2] in FREE:
            return handler
        wrap = self._streaming if handler.response_streaming else self._answering
        return around(handler, wrap, handler.request_deserializer)

    def _answering(self, inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(request: Any, context: Any) -> Any:  # noqa: ANN401 - messages
            await self._begin(context)
            try:
                return await inner(request, context)
            finally:
                self._now -= 1

        return counted

    def _streaming(self, inner: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        async def counted(request: Any, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - messages
            await self._begin(context)
            try:
                async for message in inner(request, context):
                    yield message
            finally:
                self._now -= 1

        return counted

    async def _begin(self, context: Any) -> None:  # noqa: ANN401 - grpc's own
        if self._now >= self._most:
            await context.abort_with_status(rpc_status.to_status(status_of(Overloaded(self._most))))
        self._now += 1
