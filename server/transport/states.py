"""ModelHealthService and RoutingService: what is so, and what is to be served; once, or whenever it changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from remission.v1 import health_pb2 as pb
from remission.v1 import health_pb2_grpc, routing_pb2, routing_pb2_grpc

from server.errors import Invalid, OutOfRecord
from server.history.changes import Changed, Changes, Untold
from server.models import routing
from server.service import Service
from server.transport.calls import Context, answering, caller, known, once, read, states, streaming
from server.transport.fields import between, continued, identifier, model_name, number, page, page_token, text, word
from server.transport.routed import Routed
from server.transport.unreadable import one_unreadable, unreadable
from server.transport.wake import Bell
from server.transport.windows import row_window
from server.views import RouteView, StateView, Wait
from server.watching.profiler import KEPT_WINDOWS
from statemachine.words import FULL_EXPOSURE_BP, State

MOST_MODELS = 1_000
STATES = tuple(state.value for state in State)
PAGE = 500  #: events that a watcher is shown at once
LIFE_SECONDS = 15.0  #: of silence, until a watcher is sent a sign of life


class HealthServicer(health_pb2_grpc.ModelHealthServiceServicer):
    """States of models."""

    def __init__(self, service: Service, bell: Bell) -> None:
        self._service, self._bell = service, bell
        self._resuming = asyncio.Lock()

    @answering
    async def GetState(self, request: pb.GetStateRequest, _: Context) -> pb.GetStateResponse:
        """Tell the state of a model."""
        name = model_name(request.model)
        return pb.GetStateResponse(state=state(await read(self._service.state, name)))

    @answering
    async def BatchGetStates(self, request: pb.BatchGetStatesRequest, _: Context) -> pb.BatchGetStatesResponse:
        """Tell the states of several models."""
        names = some_models(request.models)
        found = await states(self._service, names, "models")
        return pb.BatchGetStatesResponse(states=[state(view) for view in found])

    @answering
    async def ListStates(self, request: pb.ListStatesRequest, _: Context) -> pb.ListStatesResponse:
        """List states by model; retired models only when they are asked for."""
        size, asked = page(request.page_size), sorted(set(request.states))
        for i, one in enumerate(request.states):
            word(pb.State, one, f"states[{i}]", STATES)
        found = await read(self._service.states, continued(request.page_token, asked), size)
        token = page_token(found.last, asked) if found.last else ""
        told = [state(view) for view in found.told]
        kept = [one for one in told if (one.state in asked if asked else one.state != pb.STATE_RETIRED)]
        return pb.ListStatesResponse(states=kept, next_page_token=token, unreadable=unreadable(found.unreadable))

    @answering
    async def GetWindows(self, request: pb.GetWindowsRequest, _: Context) -> pb.GetWindowsResponse:
        """Tell what the latest windows of rows showed."""
        most = between(request.windows, 0, KEPT_WINDOWS, "windows") or 1
        found = await read(self._service.windows, model_name(request.model), most)
        return pb.GetWindowsResponse(windows=[row_window(view) for view in found])

    @streaming
    async def WatchStates(
        self, request: pb.WatchStatesRequest, _: Context
    ) -> AsyncGenerator[pb.WatchStatesResponse, None]:
        """Tell every change of state behind a position of the log, then every new one, and that the server lives."""
        names = [model_name(name, f"models[{i}]") for i, name in enumerate(request.models)]
        seen = Changes(await behind(self._service, request.after_position), names)
        await known(self._service, names, "models")
        loop = asyncio.get_running_loop()
        told_at = loop.time()
        with self._bell.listener() as rung:
            while True:
                before = seen.position
                for one in await self._following(seen):
                    yield changed(one)
                    told_at = loop.time()
                if loop.time() - told_at >= LIFE_SECONDS:
                    yield pb.WatchStatesResponse(position=seen.position)
                    told_at = loop.time()
                if seen.position == before:
                    await rung(told_at + LIFE_SECONDS - loop.time())

    async def _following(self, seen: Changes) -> list[Changed | Untold]:
        """Read on, page by page. To fold a log is to compute: many who come late at once would hold up who writes."""
        async with contextlib.nullcontext() if seen.has_caught_up else self._resuming:
            return await read(self._service.store.read, lambda reader: seen.following(reader, PAGE))


class RoutingServicer(routing_pb2_grpc.RoutingServiceServicer):
    """Routes of models."""

    def __init__(self, service: Service, bell: Bell) -> None:
        self._service, self._bell = service, bell

    @answering
    async def GetRoute(self, request: routing_pb2.GetRouteRequest, _: Context) -> routing_pb2.GetRouteResponse:
        """Tell the route in force."""
        name = model_name(request.model)
        return routing_pb2.GetRouteResponse(route=route(await read(self._service.route, name)))

    @streaming
    async def WatchRoutes(
        self, request: routing_pb2.WatchRoutesRequest, _: Context
    ) -> AsyncGenerator[routing_pb2.WatchRoutesResponse, None]:
        """Tell the routes of models now, each new generation, and each again before it expires.

        A model that cannot be read is named once for each reason, and looked at again now and then.
        """
        names = some_models(request.models)
        await known(self._service, names, "models")
        loop, told = asyncio.get_running_loop(), Routed(names)
        with self._bell.listener() as rung:
            while True:
                found = await read(self._service.routes, told.due(loop.time()))
                for view in found.told:
                    if told.is_news(view, loop.time()):
                        yield routing_pb2.WatchRoutesResponse(route=route(view))
                for one in found.unreadable:
                    if told.is_new_fault(one, loop.time()):
                        yield routing_pb2.WatchRoutesResponse(unreadable=one_unreadable(one))
                await rung(told.again(loop.time()))

    @answering
    async def AcknowledgeRoute(
        self, request: routing_pb2.AcknowledgeRouteRequest, context: Context
    ) -> routing_pb2.AcknowledgeRouteResponse:
        """Note what a router serves."""
        name, router = model_name(request.model), identifier(request.router_id, "router_id")
        who, desk = await caller(self._service, context, request.request_id), self._service.desk
        applied = between(request.applied_bp, 0, FULL_EXPOSURE_BP, "applied_bp")
        failure = text(request.failure, "failure")
        return await once(
            self._service, request, routing_pb2.AcknowledgeRouteResponse,
            lambda unit: routing_pb2.AcknowledgeRouteResponse(
                generation=routing.acknowledge(
                    desk, unit, name, request.generation, router, applied, failure, who
                )
            ),
        )  # fmt: skip


def some_models(names: Sequence[str]) -> list[str]:
    """Check a list of models that must not be empty."""
    if not 0 < len(names) <= MOST_MODELS:
        raise Invalid("models", f"{len(names)} names; 1 to {MOST_MODELS} are accepted")
    return [model_name(name, f"models[{i}]") for i, name in enumerate(names)]


async def behind(service: Service, position: int) -> int:
    """Check a position to go on from: whoever waits behind one that is not reached yet would miss what comes before it.

    Raises:
        OutOfRecord: It lies beyond the newest event, as after a restore from a backup.
    """
    if position < 0:
        raise Invalid("after_position", f"{position} is negative; 0 or more is accepted")
    head = await read(service.position) if position else 0
    if position > head:
        raise OutOfRecord("after_position", position, 0, head, "lies beyond the newest event")
    return position


def changed(one: Changed | Untold) -> pb.WatchStatesResponse:
    """Write a change, or of which model none can be told from here on."""
    if isinstance(one, Untold):
        return pb.WatchStatesResponse(position=one.position, unreadable=one_unreadable(one.model))
    previous = number(pb.State, one.source.partition(".")[0])
    return pb.WatchStatesResponse(
        state=state(one.state), position=one.position, trigger=one.trigger, previous=previous, note=one.note
    )


def state(view: StateView) -> pb.ModelState:
    """Write a state."""
    return pb.ModelState(
        model=view.model, state=number(pb.State, view.state), phase=view.phase,
        automation=number(pb.Automation, view.automation), reason=view.reason, champion=view.champion,
        candidate=view.candidate, rollback_target=view.rollback_target, remedy=view.remedy,
        routing_generation=view.routing_generation, exposure_bp=view.exposure_bp, entered_us=view.entered_us,
        version=view.version, position=view.position, etag=view.etag, row=view.row, silent_signals=view.silent,
        wait=wait(view.wait) if view.wait else None,
    )  # fmt: skip


def wait(view: Wait) -> pb.Wait:
    """Write what is awaited."""
    return pb.Wait(awaited=view.awaited, timer=view.timer, due_us=view.due_us, outcome=view.outcome)


def route(view: RouteView) -> routing_pb2.Route:
    """Write a route."""
    return routing_pb2.Route(
        model=view.model, generation=view.generation, champion=view.champion, candidate=view.candidate,
        shadow_versions=view.shadows, exposure_bp=view.exposure_bp, salt=view.salt, ttl_seconds=view.ttl_seconds,
        issued_us=view.issued_us, manifest_sha256s=view.manifests,
    )  # fmt: skip
