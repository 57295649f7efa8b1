"""Calls about routes."""

from __future__ import annotations

from collections.abc import Iterator

from remission.connection import Connection, new_id
from remission.v1 import routing_pb2, routing_pb2_grpc


class Routes:
    """Tells routers which version is to serve what."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = routing_pb2_grpc.RoutingServiceStub(connection.channel)

    def get(self, model: str) -> routing_pb2.Route:
        """Return the route in force."""
        return self._connection.call(self._stub.GetRoute, routing_pb2.GetRouteRequest(model=model)).route

    def watch(self, *models: str) -> Iterator[routing_pb2.Route]:
        """Yield the routes in force, then each new or renewed one, for ever."""
        request = routing_pb2.WatchRoutesRequest(models=models)
        for answer in self._connection.stream(lambda: self._stub.WatchRoutes(request)):
            yield answer.route

    def acknowledge(
        self, model: str, generation: int, router_id: str, applied_bp: int, *, failure: str = "", request_id: str = ""
    ) -> int:
        """Say what a router applies, and return the generation in force."""
        request = routing_pb2.AcknowledgeRouteRequest(
            request_id=request_id or new_id(),
            model=model,
            generation=generation,
            router_id=router_id,
            applied_bp=applied_bp,
            failure=failure,
        )
        return self._connection.call(self._stub.AcknowledgeRoute, request).generation
