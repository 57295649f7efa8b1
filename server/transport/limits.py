"""A bound on the calls that are worked on at once; what comes on top is shed, and told when to come again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

Handler = Any  #: grpc ships no type for a method handler
#: Calls that wait by nature, and calls that make things safe, pass always.
FREE = ("Watch", "LeaseJob", "Freeze", "Abort", "Hold", "RollBack", "Health", "IngestStream")


class Limiter(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Counts unary calls under way."""

    def __init__(self, most: int) -> None:
        self._most, self._now = most, 0

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Handler]],
        handler_call_details: Any,  # noqa: ANN401 - grpc's own
    ) -> Handler:
        """Wrap unary methods with a count."""
        handler = await continuation(handler_call_details)
        call = handler_call_details.method.rpartition("/")[2]
        if handler is None or handler.unary_unary is None or call.startswith(FREE):
            return handler
        inner = handler.unary_unary

        async def counted(request: Any, context: Any) -> Any:  # noqa: ANN401 - messages
            if self._now >= self._most:
                await context.abort_with_status(rpc_status.to_status(_overloaded(self._most)))
            self._now += 1
            try:
                return await inner(request, context)
            finally:
                self._now -= 1

        return grpc.unary_unary_rpc_method_handler(
            counted, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def _overloaded(most: int) -> status_pb2.Status:
    packed = []
    for detail in (
        error_details_pb2.ErrorInfo(reason="OVERLOADED", domain="remission", metadata={"limit": str(most)}),
        error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=1)),
    ):
        one = any_pb2.Any()
        one.Pack(detail)
        packed.append(one)
    text = f"{most} calls are under way; try again in a second"
    return status_pb2.Status(code=code_pb2.RESOURCE_EXHAUSTED, message=text, details=packed)
