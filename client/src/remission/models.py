"""Calls about models."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from remission.connection import Connection, new_id
from remission.listing import Listing
from remission.v1 import health_pb2, model_pb2, model_pb2_grpc, signals_pb2

_CREATE_TIMEOUT_SECONDS = 120.0  # a reference may be 64 MiB, and the server profiles it before it answers
_Page = tuple[Sequence[model_pb2.Model], Sequence[health_pb2.UnreadableModel]]


class Models:
    """Registers models and what is asked of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stub = model_pb2_grpc.ModelServiceStub(connection.channel)

    def create(
        self, model: model_pb2.Model, reference: model_pb2.Reference, *, request_id: str = ""
    ) -> model_pb2.Model:
        """Register a model with its reference.

        Raises:
            AlreadyExistsError: The name is taken.
            InvalidArgumentError: Schema, reference or policy is wrong; `violations` name the fields.
        """
        request = model_pb2.CreateModelRequest(request_id=request_id or new_id(), model=model, reference=reference)
        return self._connection.call(self._stub.CreateModel, request, _CREATE_TIMEOUT_SECONDS).model

    def get(self, name: str) -> model_pb2.Model:
        """Return a model."""
        return self._connection.call(self._stub.GetModel, model_pb2.GetModelRequest(name=name)).model

    def list(self, *, include_retired: bool = False) -> Listing[model_pb2.Model]:
        """Give models in order of name.

        Those that the server cannot read are in `unreadable` of what is given, and keep no other from being told.
        """
        return Listing(self._pages(model_pb2.ListModelsRequest(include_retired=include_retired)))

    def _pages(self, request: model_pb2.ListModelsRequest) -> Iterator[_Page]:
        while True:
            page = self._connection.call(self._stub.ListModels, request)
            yield page.models, page.unreadable
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def update(
        self,
        name: str,
        etag: str,
        *,
        owner: str | None = None,
        purpose: str | None = None,
        policy: Mapping[str, object] | None = None,
        signals: Iterable[signals_pb2.ExternalSignal] | None = None,
        request_id: str = "",
    ) -> model_pb2.Model:
        """Change what people decide about a model; what is None stays.

        *signals* are all series that others measure for it: one that is not among them any more is withdrawn.

        Raises:
            AbortedError: The model has changed since *etag* was read.
            InvalidArgumentError: *etag* is empty, or what is asked for is not valid; the field is named.
        """
        request = model_pb2.UpdateModelRequest(
            request_id=request_id or new_id(),
            name=name,
            etag=etag,
            owner=owner,
            purpose=purpose,
            policy_json=None if policy is None else json.dumps(policy),
            signals=None if signals is None else signals_pb2.ExternalSignals(signals=signals),
        )
        return self._connection.call(self._stub.UpdateModel, request).model

    def retire(self, name: str, *, etag: str = "", reason: str = "", request_id: str = "") -> model_pb2.Model:
        """End a model; its history stays."""
        request = model_pb2.RetireModelRequest(request_id=request_id or new_id(), name=name, etag=etag, reason=reason)
        return self._connection.call(self._stub.RetireModel, request).model
