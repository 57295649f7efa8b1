"""ModelService: registration, reading, changes, retirement."""

from __future__ import annotations

import numpy as np
from remission.v1 import model_pb2 as pb
from remission.v1 import model_pb2_grpc

from server.errors import Invalid
from server.intake.schema import NUMERIC, OUTCOMES, TASKS
from server.models import registration
from server.models.policies import read_policy
from server.requests import NewModel, ReferenceRows
from server.service import Service
from server.transport import policies
from server.transport.calls import Context, answering, caller, naming, once, read
from server.transport.externals import declaration, signals
from server.transport.fields import (
    MOST_WORD,
    array,
    columns,
    continued,
    identifier,
    model_name,
    number,
    owner,
    page,
    page_token,
    rows_within,
    text,
    word,
    words,
)
from server.transport.unreadable import unreadable
from server.views import ModelView
from statemachine.record.canonical import canonical
from store.ports import Unit

MOST_REFERENCE_ROWS = 1_000_000
KINDS = ("numeric", "categorical")


class ModelServicer(model_pb2_grpc.ModelServiceServicer):
    """Models, by name."""

    def __init__(self, service: Service) -> None:
        self._service = service

    @answering
    async def CreateModel(self, request: pb.CreateModelRequest, context: Context) -> pb.CreateModelResponse:
        """Put a model under watch."""
        new, who = await read(new_model, request), await caller(self._service, context, request.request_id)
        desk = self._service.desk
        return await once(
            self._service, request, pb.CreateModelResponse,
            lambda unit: pb.CreateModelResponse(model=model(registration.create_model(desk, unit, new, who))),
        )  # fmt: skip

    @answering
    async def GetModel(self, request: pb.GetModelRequest, _: Context) -> pb.GetModelResponse:
        """Tell what a model is."""
        name = model_name(request.name, "name")
        return pb.GetModelResponse(model=model(await read(self._service.model, name)))

    @answering
    async def ListModels(self, request: pb.ListModelsRequest, _: Context) -> pb.ListModelsResponse:
        """List models by name."""
        size, after = page(request.page_size), continued(request.page_token, request.include_retired)
        found = await read(self._service.models, after, size, include_retired=request.include_retired)
        token = page_token(found.last, request.include_retired) if found.last else ""
        told = [model(view) for view in found.told]
        return pb.ListModelsResponse(models=told, next_page_token=token, unreadable=unreadable(found.unreadable))

    @answering
    async def UpdateModel(self, request: pb.UpdateModelRequest, context: Context) -> pb.UpdateModelResponse:
        """Change owner, purpose, policy or signals."""
        name, desk = model_name(request.name, "name"), self._service.desk
        who = await caller(self._service, context, request.request_id)
        answerable = owner(request.owner, "owner") if request.HasField("owner") else None
        purpose = text(request.purpose, "purpose") if request.HasField("purpose") else None
        stated = request.policy_json if request.HasField("policy_json") else None
        policy = policies.policy_text(stated, request.policy if request.HasField("policy") else None)
        told = signals(request.signals.signals, "signals.signals") if request.HasField("signals") else None

        def work(unit: Unit) -> pb.UpdateModelResponse:
            etag = request.etag
            if told is not None:
                view = registration.declare_signals(desk, unit, name, etag, told, who)
                etag = view.etag
            if told is None or not answerable is purpose is policy is None:
                view = registration.update_model(desk, unit, name, etag, answerable, purpose, policy, who)
            if not request.etag:  # behind the change, so that its own refusal comes first
                raise Invalid("etag", "is empty; the etag of the model that was seen is needed")
            return pb.UpdateModelResponse(model=model(view))

        with naming("name"):
            return await once(self._service, request, pb.UpdateModelResponse, work)

    @answering
    async def RetireModel(self, request: pb.RetireModelRequest, context: Context) -> pb.RetireModelResponse:
        """End the watch of a model."""
        name, desk = model_name(request.name, "name"), self._service.desk
        who = await caller(self._service, context, request.request_id)
        note = text(request.reason, "reason")
        with naming("name"):
            return await once(
                self._service, request, pb.RetireModelResponse,
                lambda unit: pb.RetireModelResponse(
                    model=model(registration.retire_model(desk, unit, name, request.etag, note, who))
                ),
            )  # fmt: skip


def new_model(request: pb.CreateModelRequest) -> NewModel:
    """Read a registration."""
    asked = request.model
    given = asked.policy if asked.HasField("policy") else None
    overrides = policies.policy_text(asked.policy_json or None, given, "model.")
    policy = read_policy(overrides, "model.policy_json").to_json() if overrides else {}
    return NewModel(
        request_id=identifier(request.request_id, "request_id"),
        name=asked.name,
        owner=owner(asked.owner, "model.owner"),
        purpose=text(asked.purpose, "model.purpose"),
        task=word(pb.Task, asked.task, "model.task", TASKS),
        metric=asked.metric,
        outcomes=word(pb.Outcomes, asked.outcomes or pb.OUTCOMES_EXOGENOUS, "model.outcomes", OUTCOMES),
        template=asked.template,
        features=[
            {
                "name": text(one.name, f"model.features[{i}].name", MOST_WORD),
                "kind": word(pb.FeatureKind, one.kind, f"model.features[{i}].kind", KINDS),
                "categories": words(one.categories, f"model.features[{i}].categories"),
            }
            for i, one in enumerate(asked.features)
        ],
        classes=list(asked.classes),
        champion=asked.champion,
        label_delay_rows=asked.label_delay_rows,
        policy=policy,
        seed=asked.seed,
        signals=signals(asked.signals, "model.signals"),
        reference=reference(request.reference) if request.HasField("reference") else None,
    )


def reference(message: pb.Reference) -> ReferenceRows:
    """Read reference rows."""
    count = rows_within(message.row_count, "reference.row_count", MOST_REFERENCE_ROWS)
    times = (
        array(message.times_us, "<i8", count, "reference.times_us") if message.times_us else np.zeros(count, np.int64)
    )
    return ReferenceRows(
        columns=columns(message.columns, count, "reference.columns"),
        labels=array(message.labels, "<f8", count, "reference.labels"),
        outputs=array(message.outputs, "<f8", count, "reference.outputs"),
        times_us=times,
    )


def model(view: ModelView) -> pb.Model:
    """Write what a model is."""
    schema = view.schema
    return pb.Model(
        name=view.name, owner=view.owner, purpose=view.purpose, task=number(pb.Task, schema["task"]),
        metric=schema["metric"], outcomes=number(pb.Outcomes, view.outcomes), template=view.template,
        features=[
            pb.FeatureSpec(
                name=one["name"], kind=number(pb.FeatureKind, one["kind"]),
                categories=one["categories"] if one["kind"] != NUMERIC else [],
            )
            for one in schema["features"]
        ],
        classes=schema["classes"], champion=view.champion, label_delay_rows=view.label_delay_rows,
        effective_policy_json=canonical(view.policy).decode(), policy_version=view.policy_version,
        reference_rows=view.reference_rows, retired=view.retired, create_time_us=view.create_time_us, etag=view.etag,
        seed=view.seed, signals=[declaration(one) for one in view.signals],
        unwatched=view.unwatched,
    )  # fmt: skip
