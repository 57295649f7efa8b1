"""Calls about routes."""

from __future__ import annotations

from collections.abc import Iterator

from remission.connection import Connection, new_id
from remission.v1 import health_pb2, routing_pb2, routing_pb2_grpc


class RouteWatch:
    """Routes as they come.

    `unreadable` holds the models that the server cannot read by now, by name, each with the reason. Nothing renews
    their routes, so routers keep to the champion once the last one expires.
    """

    def __init__(self, answers: Iterator[routing_pb2.WatchRoutesResponse]) -> None:
        """Take what the server tells, as it is asked for."""
        self.unreadable: dict[str, health_pb2.UnreadableModel] = {}
        self._answers = answers

    def __iter__(self) -> RouteWatch:
        """Give the routes that come next."""
        return self

    def __next__(self) -> routing_pb2.Route:
        """Wait for the next route, and note who cannot be read on the way."""
        while True:
            answer = next(self._answers)
            if not answer.HasField("unreadable"):
                self.unreadable.pop(answer.route.model, None)
                return answer.route
            self.unreadable[answer.unreadable.model] = answer.unreadable


class Routes:
    """Tells routers which version is to serve what."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = routing_pb2_grpc.RoutingServiceStub(connection.channel)

    def get(self, model: str) -> routing_pb2.Route:
        """Return the route in force."""
        return self._connection.call(self._stub.GetRoute, routing_pb2.GetRouteRequest(model=model)).route

    def watch(self, *models: str) -> RouteWatch:
        """Yield the routes in force, then each new or renewed one, for ever.

        Models that the server cannot read are in `unreadable` of what is given, and keep no other from being told.
        """
        request = routing_pb2.WatchRoutesRequest(models=models)
        return RouteWatch(self._connection.stream(lambda: self._stub.WatchRoutes(request)))

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
