"""Reads messages off the wire: bytes that are none are an invalid argument, where gRPC would call them unknown."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from server.errors import Invalid
from server.transport.handlers import Handler, Method, around
from server.transport.status import status_of

Decode = Callable[[bytes], Any]
Request = Any  #: a message, None where the bytes are none, or a stream of these


class Decoder(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Answers for calls whose bytes cannot be read."""

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Handler]],
        handler_call_details: Any,  # noqa: ANN401 - grpc's own
    ) -> Handler:
        """Let the call's method see messages alone."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_deserializer is None:
            return handler

        def reading(inner: Method) -> Method:
            # A method that writes its stream by itself, as the health service does, is awaited as if it had one answer.
            wrap = _streaming if inspect.isasyncgenfunction(inner) else _answering
            return wrap(inner, many=handler.request_streaming)

        return around(handler, reading, _forgiving(handler.request_deserializer))


def _forgiving(decode: Decode) -> Decode:
    def decoded(data: bytes) -> Any:  # noqa: ANN401 - a message
        try:
            return decode(data)
        except DecodeError:
            return None

    return decoded


def _answering(inner: Callable[..., Awaitable[Any]], *, many: bool) -> Callable[..., Awaitable[Any]]:
    async def read(request: Request, context: Any) -> Any:  # noqa: ANN401 - grpc's own
        return await inner(await _read(request, context, many=many), context)

    return read


def _streaming(inner: Callable[..., AsyncGenerator[Any, None]], *, many: bool) -> Callable[..., AsyncIterator[Any]]:
    async def read(request: Request, context: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - grpc's own
        async with contextlib.aclosing(inner(await _read(request, context, many=many), context)) as messages:
            async for message in messages:
                yield message

    return read


async def _read(request: Request, context: Any, *, many: bool) -> Request:  # noqa: ANN401 - grpc's own
    if many:
        return _each(request)
    if request is None:
        await context.abort_with_status(rpc_status.to_status(status_of(_refusal())))
    return request


async def _each(requests: AsyncIterator[Request]) -> AsyncIterator[Request]:
    async for request in requests:
        if request is None:
            raise _refusal()  # what reads the stream answers with it
        yield request


def _refusal() -> Invalid:
    return Invalid("request", "the bytes are no message of this call; protobuf's binary format is accepted")
