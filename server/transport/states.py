"""ModelHealthService and RoutingService: what is so, and what is to be served; once, or whenever it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

from remission.v1 import health_pb2 as pb
from remission.v1 import health_pb2_grpc, routing_pb2, routing_pb2_grpc

from server import routing
from server.errors import Invalid
from server.reading import Change
from server.service import Service
from server.transport.calls import Context, answering, caller, once, read, streaming
from server.transport.fields import identifier, model_name, number, page
from server.transport.wake import Bell
from server.views import RouteView, StateView, Wait

MOST_STATES = 500
MOST_MODELS = 1_000
PAGE = 500
POLL_SECONDS = 1.0


class HealthServicer(health_pb2_grpc.ModelHealthServiceServicer):
    """States of models."""

    def __init__(self, service: Service, bell: Bell) -> None:
        self._service, self._bell = service, bell

    @answering
    async def GetState(self, request: pb.GetStateRequest, _: Context) -> pb.GetStateResponse:
        """Tell the state of a model."""
        name = model_name(request.model)
        return pb.GetStateResponse(state=state(await read(lambda: self._service.state(name))))

    @answering
    async def BatchGetStates(self, request: pb.BatchGetStatesRequest, _: Context) -> pb.BatchGetStatesResponse:
        """Tell the states of several models."""
        names = [model_name(name, f"models[{i}]") for i, name in enumerate(request.models)]
        if not 0 < len(names) <= MOST_MODELS:
            raise Invalid("models", f"{len(names)} names; 1 to {MOST_MODELS} are accepted")
        found = await read(lambda: [self._service.state(name) for name in names])
        return pb.BatchGetStatesResponse(states=[state(view) for view in found])

    @answering
    async def ListStates(self, request: pb.ListStatesRequest, _: Context) -> pb.ListStatesResponse:
        """List states by model."""
        size = page(request.page_size, MOST_STATES)
        found = await read(lambda: self._service.states(request.page_token, size))
        token = found[-1].model if len(found) == size else ""
        told = [state(view) for view in found]
        kept = [one for one in told if not request.states or one.state in request.states]
        return pb.ListStatesResponse(states=kept, next_page_token=token)

    @streaming
    async def WatchStates(self, request: pb.WatchStatesRequest, _: Context) -> AsyncIterator[pb.WatchStatesResponse]:
        """Tell every change of state behind a position of the log, then every new one."""
        wanted = {model_name(name, f"models[{i}]") for i, name in enumerate(request.models)}
        position = request.after_position
        with self._bell.listener() as rung:
            while True:
                after = position
                changes, position = await read(partial(self._service.changes, after, PAGE))
                for change in changes:
                    if not wanted or change.model in wanted:
                        yield await read(partial(self._told, change))
                if position == after:
                    await rung(POLL_SECONDS)

    def _told(self, change: Change) -> pb.WatchStatesResponse:
        now = state(self._service.state(change.model))
        place, _, phase = change.dest.partition(".")
        now.state, now.phase, now.reason, now.version = number(pb.State, place), phase, change.reason, change.version
        return pb.WatchStatesResponse(
            state=now, position=change.position, trigger=change.trigger,
            previous=number(pb.State, change.source.partition(".")[0]),
        )  # fmt: skip


class RoutingServicer(routing_pb2_grpc.RoutingServiceServicer):
    """Routes of models."""

    def __init__(self, service: Service, bell: Bell) -> None:
        self._service, self._bell = service, bell

    @answering
    async def GetRoute(self, request: routing_pb2.GetRouteRequest, _: Context) -> routing_pb2.GetRouteResponse:
        """Tell the route in force."""
        name = model_name(request.model)
        return routing_pb2.GetRouteResponse(route=route(await read(lambda: self._service.route(name))))

    @streaming
    async def WatchRoutes(
        self, request: routing_pb2.WatchRoutesRequest, _: Context
    ) -> AsyncIterator[routing_pb2.WatchRoutesResponse]:
        """Tell the routes of models now, and each new generation."""
        names = [model_name(name, f"models[{i}]") for i, name in enumerate(request.models)]
        if not names:
            raise Invalid("models", "is empty; at least one is needed")
        told: dict[str, int] = {}
        with self._bell.listener() as rung:
            while True:
                for name in names:
                    view = await read(partial(self._service.route, name))
                    if told.get(name) != view.generation:
                        told[name] = view.generation
                        yield routing_pb2.WatchRoutesResponse(route=route(view))
                await rung(POLL_SECONDS)

    @answering
    async def AcknowledgeRoute(
        self, request: routing_pb2.AcknowledgeRouteRequest, context: Context
    ) -> routing_pb2.AcknowledgeRouteResponse:
        """Note what a router serves."""
        name, router = model_name(request.model), identifier(request.router_id, "router_id")
        who, desk = caller(context, request.request_id), self._service.desk
        return await once(
            self._service, request, routing_pb2.AcknowledgeRouteResponse,
            lambda unit: routing_pb2.AcknowledgeRouteResponse(
                generation=routing.acknowledge(
                    desk, unit, name, request.generation, router, request.applied_bp, request.failure, who
                )
            ),
        )  # fmt: skip


def state(view: StateView) -> pb.ModelState:
    """Write a state."""
    return pb.ModelState(
        model=view.model, state=number(pb.State, view.state), phase=view.phase,
        automation=number(pb.Automation, view.automation), reason=view.reason, champion=view.champion,
        candidate=view.candidate, rollback_target=view.rollback_target, remedy=view.remedy,
        routing_generation=view.routing_generation, exposure_bp=view.exposure_bp, entered_us=view.entered_us,
        version=view.version, position=view.position, etag=view.etag, wait=wait(view.wait), row=view.row,
    )  # fmt: skip


def wait(view: Wait | None) -> pb.Wait | None:
    """Write what is awaited."""
    if view is None:
        return None
    return pb.Wait(awaited=view.awaited, timer=view.timer, due_us=view.due_us, outcome=view.outcome)


def route(view: RouteView) -> routing_pb2.Route:
    """Write a route."""
    return routing_pb2.Route(
        model=view.model, generation=view.generation, champion=view.champion, candidate=view.candidate,
        shadow_versions=view.shadows, exposure_bp=view.exposure_bp, salt=view.salt, ttl_seconds=view.ttl_seconds,
        issued_us=view.issued_us, manifest_sha256s=view.manifests,
    )  # fmt: skip
