"""Turns away those whose certificate was revoked: with each call, and with each message of a stream that stands."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import grpc.aio
from grpc_status import rpc_status

from server.revoked import Revoked
from server.transport.errors import CertificateRevoked
from server.transport.handlers import Handler, Method, around
from server.transport.status import status_of


class Doorkeeper(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in its stubs alone
    """Looks at the certificate of whoever calls."""

    def __init__(self, revoked: Revoked) -> None:
        self._revoked = revoked

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Handler]],
        handler_call_details: Any,  # noqa: ANN401 - grpc's own
    ) -> Handler:
        """Let the call begin, and go on, for as long as its caller is let in."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        guarded = partial(self._guarded, many=handler.request_streaming)
        return around(handler, guarded, handler.request_deserializer)

    def _guarded(self, inner: Method, *, many: bool) -> Method:
        # A method that writes its stream by itself, as the health service does, is awaited as if it had one answer.
        return partial(self._stream if inspect.isasyncgenfunction(inner) else self._answer, inner, many)

    async def _answer(
        self,
        inner: Callable[..., Awaitable[Any]],
        many: bool,  # noqa: FBT001 - bound by place, before what gRPC gives
        request: Any,  # noqa: ANN401 - a message, or a stream of them
        context: Any,  # noqa: ANN401 - grpc's own
    ) -> Any:  # noqa: ANN401 - a message
        await self._check(context)
        return await inner(self._each(request, context) if many else request, context)

    async def _stream(
        self,
        inner: Callable[..., AsyncGenerator[Any, None]],
        many: bool,  # noqa: FBT001 - as above
        request: Any,  # noqa: ANN401 - as above
        context: Any,  # noqa: ANN401 - as above
    ) -> AsyncIterator[Any]:
        await self._check(context)
        read = self._each(request, context) if many else request
        async with contextlib.aclosing(inner(read, context)) as messages:
            async for message in messages:
                await self._check(context)
                yield message

    async def _each(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - grpc's own
        async for request in requests:
            if self._is_revoked(context):
                raise CertificateRevoked  # what reads the stream answers with it
            yield request

    async def _check(self, context: Any) -> None:  # noqa: ANN401 - grpc's own
        if self._is_revoked(context):
            await context.abort_with_status(rpc_status.to_status(status_of(CertificateRevoked())))

    def _is_revoked(self, context: Any) -> bool:  # noqa: ANN401 - grpc's own
        return any(self._revoked.has(pem) for pem in context.auth_context().get("x509_pem_cert", ()))
