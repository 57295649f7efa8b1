"""What interceptors share: each call is led through them, and they say of it only what they have to say."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from grpc_status import rpc_status

from server.transport.status import status_of

Handler = Any  #: grpc ships no type for a method handler
Method = Callable[..., Any]
Decode = Callable[[bytes], Any]
Message = Any  #: or a stream of them, where a call begins with one
Context = Any  #: grpc's own
END = object()  #: of a stream, behind its last message


class Interceptor(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Leads calls on; what it is for is in the methods that it has of its own."""

    def concerns(self, method: str) -> bool:  # noqa: ARG002 - for those who leave some alone
        """Say whether calls of *method*, a path, are led through here."""
        return True

    def decoding(self, decode: Decode) -> Decode:
        """Give what reads requests, given what read them so far."""
        return decode

    def begin(self, request: Message, context: Context) -> Exception | None:  # noqa: ARG002 - for those who refuse
        """Say why a call may not begin; None lets it."""
        return None

    def go_on(self, message: Message, context: Context) -> Exception | None:  # noqa: ARG002 - as above
        """Say why a stream may not go on to *message*, in or out; None lets it."""
        return None

    def waiting(self, context: Context) -> contextlib.AbstractAsyncContextManager[object]:  # noqa: ARG002 - as above
        """Give what surrounds each wait for a method: who has reasons to end a call while it waits ends it there."""
        return contextlib.nullcontext()

    def end(self) -> None:
        """Take note that a call is over that has begun."""

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Handler]],
        handler_call_details: Any,  # noqa: ANN401 - grpc's own
    ) -> Handler:
        """Lead the call through."""
        handler = await continuation(handler_call_details)
        if handler is None or not self.concerns(handler_call_details.method):
            return handler
        make, method = _kind(handler)
        # A method that writes its stream by itself, as the health service does, is awaited as if it had one answer.
        lead = self._streaming if inspect.isasyncgenfunction(method) else self._answering
        decode = handler.request_deserializer
        return make(
            lead(method, many=handler.request_streaming),
            request_deserializer=decode and self.decoding(decode),
            response_serializer=handler.response_serializer,
        )

    def _answering(self, method: Callable[..., Awaitable[Any]], *, many: bool) -> Method:
        async def answer(request: Message, context: Context) -> Message:
            await abort_for(self.begin(request, context), context)
            try:
                async with self.waiting(context):
                    return await method(self._each(request, context) if many else request, context)
            finally:
                self.end()

        return answer

    def _streaming(self, method: Callable[..., AsyncGenerator[Any, None]], *, many: bool) -> Method:
        async def stream(request: Message, context: Context) -> AsyncIterator[Message]:
            await abort_for(self.begin(request, context), context)
            try:
                read = self._each(request, context) if many else request
                async with contextlib.aclosing(method(read, context)) as messages:
                    while (message := await self._next(messages, context)) is not END:
                        await abort_for(self.go_on(message, context), context)
                        yield message
            finally:
                self.end()

        return stream

    async def _next(self, messages: AsyncGenerator[Message, None], context: Context) -> Message:
        async with self.waiting(context):
            return await anext(messages, END)

    async def _each(self, requests: AsyncIterator[Message], context: Context) -> AsyncIterator[Message]:
        async for request in requests:
            refusal = self.go_on(request, context)
            if refusal is not None:
                raise refusal  # what reads the stream answers with it
            yield request


async def abort_for(refusal: Exception | None, context: Context) -> None:
    """End the call with the status of *refusal*, unless that is None."""
    if refusal is not None:
        await context.abort_with_status(rpc_status.to_status(status_of(refusal)))


def _kind(handler: Handler) -> tuple[Callable[..., Handler], Method]:
    if handler.unary_unary is not None:
        return grpc.unary_unary_rpc_method_handler, handler.unary_unary
    if handler.unary_stream is not None:
        return grpc.unary_stream_rpc_method_handler, handler.unary_stream
    if handler.stream_unary is not None:
        return grpc.stream_unary_rpc_method_handler, handler.stream_unary
    return grpc.stream_stream_rpc_method_handler, handler.stream_stream
