"""How every call is made: who asks, where the work is done, and what an error becomes."""

from __future__ import annotations

import asyncio
import functools
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import grpc
import grpc.aio
import structlog
from google.protobuf.message import Message
from grpc_status import rpc_status

from server.act import Caller
from server.service import Service
from server.status import status_of, tell
from server.transport.fields import identifier
from store.ports import Unit

T = TypeVar("T")
M = TypeVar("M", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]
LOG = structlog.get_logger()


def caller(context: Context, request_id: str = "") -> Caller:
    """Say who asks: the name in a client's certificate, or whoever is on this machine."""
    auth = context.auth_context() if callable(getattr(context, "auth_context", None)) else {}
    names = auth.get("x509_subject_alternative_name") or auth.get("x509_common_name") or ()
    first = next(iter(names), b"")
    if first:
        return Caller(actor=first.decode("utf-8", "replace"), authentication="mtls", request_id=request_id or None)
    return Caller(actor="local", authentication="loopback", request_id=request_id or None)


async def done(future: Future[T]) -> T:
    """Wait for work on the writer thread."""
    return await asyncio.wrap_future(future)


async def read(question: Callable[[], T]) -> T:
    """Ask off the event loop."""
    return await asyncio.to_thread(question)


async def once(service: Service, request: Any, answer: type[M], work: Callable[[Unit], M]) -> M:  # noqa: ANN401 - any request with an id
    """Do *work* for the first request of this id; a repeated one gets the first answer."""
    key = f"request/{identifier(request.request_id, 'request_id')}"
    payload = type(request).DESCRIPTOR.full_name.encode() + request.SerializeToString(deterministic=True)
    sha = hashlib.sha256(payload).hexdigest()

    def both(unit: Unit) -> M:
        had = unit.answer(key, sha)
        if had is not None:
            first: M = answer.FromString(had)
            return first
        made = work(unit)
        unit.remember(key, sha, made.SerializeToString())
        return made

    return await done(service.do(both))


def answering(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Turn what a unary method raises into a status."""

    @functools.wraps(method)
    async def wrapped(self: Any, request: Any, context: Context) -> Any:  # noqa: ANN401 - messages
        try:
            return await method(self, request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the table decides; a surprise is logged and told as INTERNAL
            await _abort(context, error, method.__name__)

    return wrapped


def streaming(method: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    """Turn what a streaming method raises into a status."""

    @functools.wraps(method)
    async def wrapped(self: Any, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - messages
        try:
            async for message in method(self, request, context):
                yield message
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            await _abort(context, error, method.__name__)

    return wrapped


async def _abort(context: Context, error: Exception, call: str) -> None:
    if tell(error) is None:
        LOG.error("surprise", call=call, error=repr(error), exc_info=error)
    # grpc-stubs does not know this method of grpc.aio.
    await context.abort_with_status(  # type: ignore[attr-defined]
        rpc_status.to_status(status_of(error))
    )
