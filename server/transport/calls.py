"""How every call is made: who asks, where the work is done, and what an error becomes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar

import grpc
import grpc.aio
import structlog
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from grpc_status import rpc_status

from server.act import CERTIFICATE, Caller
from server.errors import ModelMissing, new_id
from server.history import folding
from server.service import Service
from server.transport.fields import identifier
from server.transport.status import status_of, tell
from server.views import StateView
from store.answers import Answer
from store.ports import Unit
from store.post import delivered

P = ParamSpec("P")
T = TypeVar("T")
Reply = TypeVar("Reply", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]
LOG = structlog.get_logger()

#: Hashing more than this takes milliseconds, which the event loop does not have.
LARGE_BYTES = 1 << 20


class Mutation(Protocol):
    """A request that changes something, and carries the id that makes it idempotent."""

    request_id: str
    DESCRIPTOR: Descriptor

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:
        """Give the bytes."""
        ...

    def ByteSize(self) -> int:
        """Say how many they are."""
        ...


async def caller(service: Service, context: Context, request_id: str = "") -> Caller:
    """Say who asks: by an opaque id for the name in a client's certificate, or whoever is on this machine."""
    name = certified(context)
    if not name:
        return Caller(actor="local", authentication="loopback", request_id=request_id or None)
    actor = service.privacy.actors.at_hand(name)
    if actor is None:
        actor = await read(service.privacy.actors.of, name)
    return Caller(actor=actor, authentication=CERTIFICATE, request_id=request_id or None, name=name)


def certified(context: Context) -> str:
    """Give the name in a client's certificate; empty for who shows none, which only this machine may."""
    auth = context.auth_context()
    names = auth.get("x509_subject_alternative_name") or auth.get("x509_common_name") or ()
    return next(iter(names), b"").decode("utf-8", "replace")


async def done(answer: Answer[T]) -> T:
    """Wait for work on the writer thread."""
    return await delivered(answer)


async def read(question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask off the event loop: whatever waits for the database, or counts for long."""
    return await asyncio.to_thread(question, *args, **kwargs)


async def once(service: Service, request: Mutation, answer: type[Reply], work: Callable[[Unit], Reply]) -> Reply:
    """Do *work* for the first request of this id; a repeated one gets the first answer.

    Work and answer are one commit, so there is no moment at which one is kept without the other.
    """
    key = f"request/{identifier(request.request_id, 'request_id')}"
    sha = await read(_digest, request) if request.ByteSize() > LARGE_BYTES else _digest(request)

    def both(unit: Unit) -> Reply:
        with new_id("request_id", request.request_id):
            had = unit.answer(key, sha)
        if had is not None:
            return answer.FromString(had)
        made = work(unit)
        unit.remember(key, sha, made.SerializeToString())
        return made

    return await done(service.do(both))


@contextlib.contextmanager
def naming(field: str) -> Iterator[None]:
    """Tell of a model that is not here by the *field* that names it in the request."""
    try:
        yield
    except ModelMissing as error:
        raise ModelMissing(error.model, field) from error


async def known(service: Service, names: Sequence[str], field: str) -> None:
    """Let models pass that are on record, whether or not they can be read.

    Raises:
        ModelMissing: One is not here; its place in *field* is named.
    """
    for i, name in enumerate(names):
        if not await read(folding.version_of, service.store, name):
            raise ModelMissing(name, f"{field}[{i}]")


async def states(service: Service, names: Sequence[str], field: str) -> list[StateView]:
    """Give the states of models, all or none.

    Raises:
        ModelMissing: One is not here; its place in *field* is named.
    """
    found = []
    for i, name in enumerate(names):
        with naming(f"{field}[{i}]"):
            found.append(await read(service.state, name))
    return found


def answering(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Turn what a method with one answer raises into a status."""

    @functools.wraps(method)
    async def wrapped(self: Any, request: Any, context: Context) -> Any:  # noqa: ANN401 - messages
        try:
            return await method(self, request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the table decides; a surprise is logged and told as INTERNAL
            await _abort(context, error, method.__name__)

    return wrapped


def streaming(method: Callable[..., AsyncGenerator[Any, None]]) -> Callable[..., AsyncIterator[Any]]:
    """Turn what a streaming method raises into a status, and close it when its caller leaves."""

    @functools.wraps(method)
    async def wrapped(self: Any, request: Any, context: Context) -> AsyncIterator[Any]:  # noqa: ANN401 - messages
        try:
            async with contextlib.aclosing(method(self, request, context)) as messages:
                async for message in messages:
                    yield message
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            await _abort(context, error, method.__name__)

    return wrapped


def _digest(request: Mutation) -> str:
    payload = request.DESCRIPTOR.full_name.encode() + request.SerializeToString(deterministic=True)
    return hashlib.sha256(payload).hexdigest()


async def _abort(context: Any, error: Exception, call: str) -> None:  # noqa: ANN401 - its types lack the method
    if tell(error) is None:
        LOG.error("surprise", call=call, error=repr(error), exc_info=error)
    await context.abort_with_status(rpc_status.to_status(status_of(error)))
