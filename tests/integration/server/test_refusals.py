"""Bad input gets a precise status that names the field, and the log is unchanged. One line a refusal."""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from remission import Client, make_batch, make_reference
from remission.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    columns_pb2,
    health_pb2,
    health_pb2_grpc,
    ingest_pb2,
    ingest_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    operations_pb2,
    operations_pb2_grpc,
    privacy_pb2,
    privacy_pb2_grpc,
    routing_pb2,
    routing_pb2_grpc,
    signals_pb2,
    training_pb2,
    training_pb2_grpc,
)
from remission.v1.policy_pb2 import Policy

from tests.fixtures.servers import serving
from tests.integration.server.requests import (
    START_US,
    batch,
    columns,
    create,
    doubles,
    labels,
    longs,
    metrics,
    model,
    point,
    reference,
)

INVALID, MISSING, EXISTS = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.ALREADY_EXISTS
PRECONDITION, ABORTED = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED
BEYOND = grpc.StatusCode.OUT_OF_RANGE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
NAN, INF = float("nan"), float("inf")
CONTRACT = Path(__file__).parents[3] / "proto" / "remission" / "v1"
LATER = b"\x98\x3f\x01"  #: a field of some later release: number 1011, with the value 1


@dataclass(frozen=True)
class Bad:
    """One bad request: what is wrong, the call, what is sent, and what the answer must say."""

    what: str
    call: str
    request: Callable[[], Any]
    status: grpc.StatusCode
    field: str


def order(name: str, request: type[Any], **fields: Any) -> Callable[[], Any]:
    return lambda: request(**{"request_id": f"o-{name}", "model": "m", **fields})


def past(**changes: Any) -> model_pb2.Reference:
    """Give a reference some of whose fields are replaced."""
    made = reference()
    for name, value in changes.items():
        if name == "columns":
            del made.columns[:]
            made.columns.extend(value)
        else:
            setattr(made, name, value)
    return made


def subjects(*ids: str) -> ingest_pb2.IngestRequest:
    made = batch()
    made.batch.subject_ids.extend(ids)
    return made


def columns_of(rows: int, **values: Any) -> Any:
    return make_reference(
        {"colour": ["red", "green"] * (rows // 2), **values}, labels=[0.0] * rows, outputs=[0.0] * rows
    ).columns


def feature(name: str, **fields: Any) -> model_pb2.FeatureSpec:
    kind = model_pb2.FEATURE_KIND_CATEGORICAL if fields else model_pb2.FEATURE_KIND_NUMERIC
    return model_pb2.FeatureSpec(name=name, kind=kind, **fields)


def outputs(**values: tuple[float, ...]) -> list[columns_pb2.Output]:
    return [columns_pb2.Output(version=version, values=doubles(*one)) for version, one in values.items()]


def coded(*codes: int) -> columns_pb2.Column:
    words = columns_pb2.CategoricalColumn(dictionary=["red"], codes=struct.pack(f"<{len(codes)}i", *codes))
    return columns_pb2.Column(name="colour", categorical=words)


def declared(**changes: Any) -> Any:
    fields: dict[str, Any] = {"name": "new", "direction": ingest_pb2.DIRECTION_HIGHER_IS_WORSE, "tolerance": 0.5}
    return signals_pb2.ExternalSignals(signals=[signals_pb2.ExternalSignal(**{**fields, **changes})])


def update(**fields: Any) -> model_pb2.UpdateModelRequest:
    return model_pb2.UpdateModelRequest(request_id="u-1", name="m", **fields)


FUTURE_US = (int(time.time()) + 86_400) * 1_000_000
OPERATIONS = operations_pb2
TABLE = [
    Bad("a model name with capitals", "CreateModel", lambda: create(model("Big"), reference()), INVALID, "model.name"),
    Bad("a name that is taken", "CreateModel", lambda: create(model(), reference()), EXISTS, "model.name"),
    Bad("no task", "CreateModel", lambda: create(model("n", task=0), reference()), INVALID, "model.task"),
    Bad("a metric of another task", "CreateModel", lambda: create(model("n", metric="mae"), reference()), INVALID, "model.metric"),
    Bad("an unknown template", "CreateModel", lambda: create(model("n", template="x"), reference()), INVALID, "model.template"),
    Bad("a champion without name", "CreateModel", lambda: create(model("n", champion=""), reference()), INVALID, "model.champion"),
    Bad("no feature", "CreateModel", lambda: create(model("n", features=[]), reference()), INVALID, "model.features"),
    Bad("three classes of two", "CreateModel", lambda: create(model("n", classes=["a", "b", "c"]), reference()), INVALID, "model.classes"),
    Bad("a negative label delay", "CreateModel", lambda: create(model("n", label_delay_rows=-1), reference()), INVALID, "model.label_delay_rows"),
    Bad("a policy that is no JSON", "CreateModel", lambda: create(model("n", policy_json="{"), reference()), INVALID, "model.policy_json"),
    Bad("a policy with an unknown key", "CreateModel", lambda: create(model("n", policy_json='{"tyre": 1}'), reference()), INVALID, "model.policy_json"),
    Bad("a policy out of bounds", "CreateModel", lambda: create(model("n", policy_json='{"tier": 9}'), reference()), INVALID, "model.policy_json"),
    Bad("no reference", "CreateModel", lambda: create(model("n"), None), INVALID, "reference"),
    Bad("a reference that is too small", "CreateModel", lambda: create(model("n"), reference(10)), INVALID, "reference"),
    Bad("a constant reference", "CreateModel", lambda: create(model("n"), reference(labels=[1.0] * 100)), INVALID, "reference.labels"),
    Bad("infinite labels in the reference", "CreateModel", lambda: create(model("n"), reference(labels=[INF, *[1.0, 0.0] * 49, 1.0])), INVALID, "reference.labels[0]"),
    Bad("reference labels of another length", "CreateModel", lambda: create(model("n"), reference(outputs=doubles(1.0))), INVALID, "reference.outputs"),
    Bad("a request id that is empty", "CreateModel", lambda: create(model("n"), reference(), ""), INVALID, "request_id"),
    Bad("an unknown model", "GetModel", lambda: model_pb2.GetModelRequest(name="ghost"), MISSING, "name"),
    Bad("a negative page size", "ListModels", lambda: model_pb2.ListModelsRequest(page_size=-1), INVALID, "page_size"),
    Bad("an etag of yesterday", "UpdateModel", lambda: model_pb2.UpdateModelRequest(request_id="u", name="m", etag='"0"', owner="x"), ABORTED, "etag"),
    Bad("an unknown model", "Ingest", lambda: ingest_pb2.IngestRequest(model="ghost", batch=batch().batch), MISSING, "model"),
    Bad("neither batch nor rows", "Ingest", lambda: ingest_pb2.IngestRequest(model="m"), INVALID, "content"),
    Bad("no rows", "Ingest", lambda: batch(row_count=0), INVALID, "batch.row_count"),
    Bad("more rows than are allowed", "Ingest", lambda: batch(row_count=100_001), EXHAUSTED, "batch.row_count"),
    Bad("fewer ids than rows", "Ingest", lambda: batch(row_count=3), INVALID, "batch.prediction_ids"),
    Bad("an id twice in a batch", "Ingest", lambda: batch(ids=("n-1", "n-1")), INVALID, "batch.prediction_ids[1]"),
    Bad("a prediction that was ingested before", "Ingest", lambda: batch(ids=("n-1", "p-1")), EXISTS, "batch.prediction_ids[1]"),
    Bad("an id with a line break", "Ingest", lambda: batch(ids=("n-1", "a\nb")), INVALID, "batch.prediction_ids[1]"),
    Bad("a batch id that is empty", "Ingest", lambda: batch(""), INVALID, "batch.batch_id"),
    Bad("a feature that is missing", "Ingest", lambda: batch(columns=columns(x=[0.1, 0.2])), INVALID, "batch.columns"),
    Bad("a feature that is unknown", "Ingest", lambda: batch(columns=columns(x=[0.1, 0.2], colour=["red", "red"], z=[1.0, 2.0])), INVALID, "batch.columns"),
    Bad("words where numbers belong", "Ingest", lambda: batch(columns=columns(x=["a", "b"], colour=["red", "red"])), INVALID, "batch.columns[x]"),
    Bad("numbers where words belong", "Ingest", lambda: batch(columns=columns(x=[0.1, 0.2], colour=[1.0, 2.0])), INVALID, "batch.columns[colour]"),
    Bad("an infinite feature", "Ingest", lambda: batch(columns=columns(x=[0.1, INF], colour=["red", "red"])), INVALID, "batch.columns[x]"),
    Bad("columns of another length", "Ingest", lambda: batch(columns=[columns_pb2.Column(name="x", numeric=columns_pb2.NumericColumn(values=doubles(0.1)))]), INVALID, "batch.columns[x]"),
    Bad("no output", "Ingest", lambda: batch(outputs=[]), INVALID, "batch.outputs"),
    Bad("an output that is NaN where it was served", "Ingest", lambda: batch(outputs=make_batch("b", {"x": [0.0, 0.0]}, outputs={"v1": [NAN, 0.1]}, prediction_ids=["a", "b"], times_us=[0, 0]).outputs), INVALID, "batch.outputs"),
    Bad("an output of an unknown version", "Ingest", lambda: batch(outputs=make_batch("b", {"x": [0.0, 0.0]}, outputs={"v9": [0.1, 0.1]}, prediction_ids=["a", "b"], times_us=[0, 0]).outputs), INVALID, "batch.outputs"),
    Bad("an index beyond the outputs", "Ingest", lambda: batch(served_by=b"\x00\x07"), INVALID, "batch.served_by"),
    Bad("times that go backwards", "Ingest", lambda: batch(times_us=longs(START_US + 5, START_US + 1)), INVALID, "batch.times_us[1]"),
    Bad("times that no clock shows", "Ingest", lambda: batch(times_us=longs(2**63 - 1, 2**63 - 1)), INVALID, "batch.times_us[1]"),
    Bad("times in the future", "Ingest", lambda: batch(times_us=longs(FUTURE_US, FUTURE_US)), INVALID, "batch.times_us[1]"),
    Bad("times far behind the stream", "Ingest", lambda: batch(times_us=longs(START_US - 10**12, START_US)), INVALID, "batch.times_us[0]"),
    Bad("times of another length", "Ingest", lambda: batch(times_us=longs(START_US)), INVALID, "batch.times_us"),
    Bad("the same batch id with other content", "Ingest", lambda: batch("b-1"), EXISTS, "batch.batch_id"),
    Bad("an unknown model", "IngestLabels", lambda: labels(model="ghost"), MISSING, "model"),
    Bad("a prediction never seen", "IngestLabels", lambda: labels(("p-2", "ghost"), doubles(1, 1)), MISSING, "prediction_ids[1]"),
    Bad("a prediction twice", "IngestLabels", lambda: labels(("p-2", "p-2"), doubles(1, 1)), INVALID, "prediction_ids[1]"),
    Bad("no prediction", "IngestLabels", lambda: labels((), b""), INVALID, "prediction_ids"),
    Bad("values of another length", "IngestLabels", lambda: labels(values=doubles(1, 0)), INVALID, "values"),
    Bad("a label that is NaN", "IngestLabels", lambda: labels(values=doubles(NAN)), INVALID, "values[0]"),
    Bad("a label that is no class", "IngestLabels", lambda: labels(values=doubles(7)), INVALID, "values"),
    Bad("a label that contradicts an earlier one", "IngestLabels", lambda: labels(("p-1",), doubles(0)), EXISTS, "values[0]"),
    Bad("the same batch id with other content", "IngestLabels", lambda: labels(batch_id="l-1"), EXISTS, "batch_id"),
    Bad("an unknown model", "IngestMetrics", lambda: metrics(point(), model="ghost"), MISSING, "model"),
    Bad("no point", "IngestMetrics", metrics, INVALID, "points"),
    Bad("a value that is NaN", "IngestMetrics", lambda: metrics(point(value=NAN)), INVALID, "points[0].value"),
    Bad("a negative tolerance", "IngestMetrics", lambda: metrics(point(tolerance=-1)), INVALID, "points[0].tolerance"),
    Bad("no direction", "IngestMetrics", lambda: metrics(point(direction=0)), INVALID, "points[0].direction"),
    Bad("another value at the same time", "IngestMetrics", lambda: metrics(point(), point(value=3.0)), INVALID, "points[1].value"),
    Bad("a time that was passed", "IngestMetrics", lambda: metrics(point(name="other", time_us=START_US - 1)), INVALID, "points[0].time_us"),
    Bad("a unit of a series that is not declared", "IngestMetrics", lambda: metrics(point(unit="ms")), INVALID, "points[0].unit"),
    Bad("a provider of a series that is not declared", "IngestMetrics", lambda: metrics(point(), provider="p"), INVALID, "provider"),
    Bad("a provider with an illegal name", "IngestMetrics", lambda: metrics(point(), provider="a b"), INVALID, "provider"),
    Bad("no tolerance", "IngestMetrics", lambda: metrics(point(tolerance=0)), INVALID, "points[0].tolerance"),
    Bad("no etag of the model that was seen", "UpdateModel", lambda: update(owner="x"), INVALID, "etag"),
    Bad("signals without an etag", "UpdateModel", lambda: update(signals=declared()), INVALID, "etag"),
    Bad("a signal of an unknown unit", "UpdateModel", lambda: update(signals=declared(unit="parsec")), INVALID, "signals.signals[0].unit"),
    Bad("a signal without direction", "UpdateModel", lambda: update(signals=declared(direction=0)), INVALID, "signals.signals[0].direction"),
    Bad("a signal with an unknown rule for others", "UpdateModel", lambda: update(signals=declared(other_providers=9)), INVALID, "signals.signals[0].other_providers"),
    Bad("a signal that waits for nothing", "UpdateModel", lambda: update(signals=declared(silent_after=3)), INVALID, "signals.signals[0].silent_after"),
    Bad("a signal that points from before contradict", "UpdateModel", lambda: update(signals=declared(name="other")), INVALID, "signals.signals[0].tolerance"),
    Bad("an unknown model", "GetState", lambda: health_pb2.GetStateRequest(model="ghost"), MISSING, "model"),
    Bad("an unknown model", "GetWindows", lambda: health_pb2.GetWindowsRequest(model="ghost"), MISSING, "model"),
    Bad("more windows than are kept", "GetWindows", lambda: health_pb2.GetWindowsRequest(model="m", windows=51), INVALID, "windows"),
    Bad("no model", "BatchGetStates", health_pb2.BatchGetStatesRequest, INVALID, "models"),
    Bad("a negative page size", "ListStates", lambda: health_pb2.ListStatesRequest(page_size=-1), INVALID, "page_size"),
    Bad("an unknown model", "GetRoute", lambda: routing_pb2.GetRouteRequest(model="ghost"), MISSING, "model"),
    Bad("a generation never issued", "AcknowledgeRoute", order("ack", routing_pb2.AcknowledgeRouteRequest, generation=99, router_id="r"), INVALID, "generation"),
    Bad("another exposure than was asked", "AcknowledgeRoute", order("ack2", routing_pb2.AcknowledgeRouteRequest, generation=1, router_id="r", applied_bp=700), INVALID, "applied_bp"),
    Bad("a worker without name", "LeaseJob", lambda: training_pb2.LeaseJobRequest(request_id="j"), INVALID, "worker_id"),
    Bad("a wait without end", "LeaseJob", lambda: training_pb2.LeaseJobRequest(request_id="j", worker_id="w", wait_seconds=999), INVALID, "wait_seconds"),
    Bad("an unknown job", "CompleteJob", lambda: training_pb2.CompleteJobRequest(request_id="c", job_id="ghost", attempt=1, report_json="{}", isolation=training_pb2.ISOLATION_LEVEL_NONE), MISSING, "job_id"),
    Bad("a report that is no JSON", "CompleteJob", lambda: training_pb2.CompleteJobRequest(request_id="c", job_id="j", attempt=1, report_json="{", isolation=training_pb2.ISOLATION_LEVEL_NONE), INVALID, "report_json"),
    Bad("a job that cost less than nothing", "CompleteJob", lambda: training_pb2.CompleteJobRequest(request_id="c", job_id="j", attempt=1, report_json="{}", isolation=training_pb2.ISOLATION_LEVEL_NONE, resources=training_pb2.ResourceUse(wall_us=-1)), INVALID, "resources.wall_us"),
    Bad("a failure that cost less than nothing", "FailJob", lambda: training_pb2.FailJobRequest(request_id="f", job_id="j", attempt=1, failure=training_pb2.FAILURE_CLASS_CRASHED, resources=training_pb2.ResourceUse(cpu_us=-1)), INVALID, "resources.cpu_us"),
    Bad("an unknown job", "FailJob", lambda: training_pb2.FailJobRequest(request_id="f", job_id="ghost", attempt=1, failure=training_pb2.FAILURE_CLASS_CRASHED), MISSING, "job_id"),
    Bad("no class of failure", "FailJob", lambda: training_pb2.FailJobRequest(request_id="f", job_id="ghost", attempt=1), INVALID, "failure"),
    Bad("a hash that is none", "GetManifest", lambda: artifact_pb2.GetManifestRequest(sha256="../etc"), INVALID, "sha256"),
    Bad("bytes that are not here", "GetManifest", lambda: artifact_pb2.GetManifestRequest(sha256="0" * 64), MISSING, "sha256"),
    Bad("nothing to approve", "Approve", order("a", OPERATIONS.ApproveRequest), PRECONDITION, "model"),
    Bad("nothing to reject", "Reject", order("b", OPERATIONS.RejectRequest), PRECONDITION, "model"),
    Bad("nothing held", "Release", order("c", OPERATIONS.ReleaseRequest), PRECONDITION, "model"),
    Bad("nothing frozen", "Unfreeze", order("d", OPERATIONS.UnfreezeRequest), PRECONDITION, "model"),
    Bad("nothing under way", "Abort", order("e", OPERATIONS.AbortRequest), PRECONDITION, "model"),
    Bad("nothing exposed", "RollBack", order("f", OPERATIONS.RollBackRequest), PRECONDITION, "model"),
    Bad("an unknown remedy", "StartRetraining", order("g", OPERATIONS.StartRetrainingRequest, remedies=["prayer"]), INVALID, "remedies"),
    Bad("nothing to restore", "StartRetraining", order("h", OPERATIONS.StartRetrainingRequest, remedies=["restore"]), INVALID, "remedies[0]"),
    Bad("an etag of yesterday", "StartRetraining", order("i", OPERATIONS.StartRetrainingRequest, etag='"0"'), ABORTED, "etag"),
    Bad("an unknown model", "Hold", order("k", OPERATIONS.HoldRequest, model="ghost"), MISSING, "model"),
    Bad("an unknown model", "ExplainWait", lambda: OPERATIONS.ExplainWaitRequest(model="ghost"), MISSING, "model"),
    Bad("a subject without id", "EraseSubject", lambda: privacy_pb2.EraseSubjectRequest(request_id="e"), INVALID, "subject_id"),
    Bad("a subject that is too long", "EraseSubject", lambda: privacy_pb2.EraseSubjectRequest(request_id="e", subject_id="x" * 129), INVALID, "subject_id"),
    Bad("a subject with a control character", "EraseSubject", lambda: privacy_pb2.EraseSubjectRequest(request_id="e", subject_id="a\x7f"), INVALID, "subject_id"),
    Bad("an erasure without request id", "EraseSubject", lambda: privacy_pb2.EraseSubjectRequest(subject_id="s"), INVALID, "request_id"),
    Bad("an actor without id", "ForgetActor", lambda: privacy_pb2.ForgetActorRequest(request_id="f"), INVALID, "actor_id"),
    Bad("an actor that was never given", "ForgetActor", lambda: privacy_pb2.ForgetActorRequest(request_id="f", actor_id=f"actor_{'0' * 24}"), MISSING, "actor_id"),
    Bad("a reason that is too long", "ForgetActor", lambda: privacy_pb2.ForgetActorRequest(request_id="f", actor_id=f"actor_{'0' * 24}", reason="x" * 2_001), INVALID, "reason"),
    Bad("forgetting without request id", "ForgetActor", lambda: privacy_pb2.ForgetActorRequest(actor_id=f"actor_{'0' * 24}"), INVALID, "request_id"),
    Bad("nobody to tell of", "ResolveActors", privacy_pb2.ResolveActorsRequest, INVALID, "actor_ids"),
    Bad("more actors than are told of at once", "ResolveActors", lambda: privacy_pb2.ResolveActorsRequest(names=["x"] * 1_001), EXHAUSTED, "actor_ids"),
    Bad("a word of the service", "ResolveActors", lambda: privacy_pb2.ResolveActorsRequest(actor_ids=["local"]), INVALID, "actor_ids[0]"),
    Bad("an actor that was never given", "ResolveActors", lambda: privacy_pb2.ResolveActorsRequest(actor_ids=[f"actor_{'0' * 24}"]), MISSING, "actor_ids[0]"),
    Bad("a name that has no id", "ResolveActors", lambda: privacy_pb2.ResolveActorsRequest(names=["ann"]), MISSING, "names[0]"),
    Bad("an erasure that nobody asked for", "GetErasure", lambda: privacy_pb2.GetErasureRequest(erasure_id="0" * 32), MISSING, "erasure_id"),
    Bad("a page token of another server", "ListErasures", lambda: privacy_pb2.ListErasuresRequest(page_token="x"), INVALID, "page_token"),  # noqa: S106 - no password
    Bad("an unknown model", "PlaceLegalHold", order("p", privacy_pb2.PlaceLegalHoldRequest, model="ghost"), MISSING, "model"),
    Bad("no hold to lift", "LiftLegalHold", order("q", privacy_pb2.LiftLegalHoldRequest), PRECONDITION, "model"),
    Bad("fewer subjects than rows", "Ingest", lambda: subjects("s"), INVALID, "batch.subject_ids"),
    Bad("a subject of a row with a line break", "Ingest", lambda: subjects("s", "a\nb"), INVALID, "batch.subject_ids[1]"),
    Bad("a subject of a row that is too long", "Ingest", lambda: subjects("s", "x" * 129), INVALID, "batch.subject_ids[1]"),
    Bad("an unknown type of event", "ReadEvents", lambda: audit_pb2.ReadEventsRequest(types=["dreamt"]), INVALID, "types"),
    Bad("a page token of another server", "ReadEvents", lambda: audit_pb2.ReadEventsRequest(page_token="x"), INVALID, "page_token"),  # noqa: S106 - no password
    Bad("an event that is no decision", "ExplainDecision", lambda: audit_pb2.ExplainDecisionRequest(model="m", position=1), MISSING, "position"),
    Bad("infinite features in the reference", "CreateModel", lambda: create(model("n"), past(columns=columns_of(100, x=[INF] * 100))), INVALID, "reference.columns[x]"),
    Bad("infinite outputs in the reference", "CreateModel", lambda: create(model("n"), past(outputs=doubles(*[INF] * 100))), INVALID, "reference.outputs"),
    Bad("outputs of a reference that are all NaN", "CreateModel", lambda: create(model("n"), past(outputs=doubles(*[NAN] * 100))), INVALID, "reference.outputs"),
    Bad("too few known labels in the reference", "CreateModel", lambda: create(model("n"), reference(labels=[*[0.0, 1.0] * 20, *[NAN] * 60])), INVALID, "reference.labels"),
    Bad("labels of the reference that are no class", "CreateModel", lambda: create(model("n"), reference(labels=[0.0, 5.0] * 50)), INVALID, "reference.labels"),
    Bad("half a label in the reference", "CreateModel", lambda: create(model("n"), past(labels=bytes(799))), INVALID, "reference.labels"),
    Bad("times of the reference that go backwards", "CreateModel", lambda: create(model("n"), past(times_us=longs(*range(100, 0, -1)))), INVALID, "reference.times_us[1]"),
    Bad("times of the reference that are negative", "CreateModel", lambda: create(model("n"), past(times_us=longs(*range(-5, 95)))), INVALID, "reference.times_us[0]"),
    Bad("times of the reference in the future", "CreateModel", lambda: create(model("n"), past(times_us=longs(*range(FUTURE_US, FUTURE_US + 100)))), INVALID, "reference.times_us[99]"),
    Bad("a reference over the limit of rows", "CreateModel", lambda: create(model("n"), past(row_count=2**32 - 1)), EXHAUSTED, "reference.row_count"),
    Bad("a feature that the reference lacks", "CreateModel", lambda: create(model("n", features=[*model().features, feature("y")]), reference()), INVALID, "reference.columns"),
    Bad("a feature twice", "CreateModel", lambda: create(model("n", features=[feature("x"), feature("x")]), reference()), INVALID, "model.features[1].name"),
    Bad("a feature without name", "CreateModel", lambda: create(model("n", features=[feature("")]), reference()), INVALID, "model.features[0].name"),
    Bad("a feature whose name is too long", "CreateModel", lambda: create(model("n", features=[feature("x" * 257)]), reference()), INVALID, "model.features[0].name"),
    Bad("a category twice", "CreateModel", lambda: create(model("n", features=[feature("colour", categories=["a", "a"])]), reference()), INVALID, "model.features[0].categories"),
    Bad("a class twice", "CreateModel", lambda: create(model("n", classes=["a", "a"]), reference()), INVALID, "model.classes"),
    Bad("a class without name", "CreateModel", lambda: create(model("n", classes=["a", ""]), reference()), INVALID, "model.classes"),
    Bad("a label delay beyond bounds", "CreateModel", lambda: create(model("n", label_delay_rows=2**63 - 1), reference()), INVALID, "model.label_delay_rows"),
    Bad("a name without end", "CreateModel", lambda: create(model("n" * 20_000), reference()), INVALID, "model.name"),
    Bad("a key of a policy without end", "CreateModel", lambda: create(model("n", policy_json=f'{{"{"x" * 20_000}": 1}}'), reference()), INVALID, "model.policy_json"),
    Bad("a metric without end", "CreateModel", lambda: create(model("n", metric="x" * 20_000), reference()), INVALID, "model.metric"),
    Bad("nobody as an owner", "CreateModel", lambda: create(model("n", owner=" "), reference()), INVALID, "model.owner"),
    Bad("an owner of two lines", "CreateModel", lambda: create(model("n", owner="a\nb"), reference()), INVALID, "model.owner"),
    Bad("nobody as a new owner", "UpdateModel", lambda: update(owner=""), INVALID, "owner"),
    Bad("a new owner that colours the console", "UpdateModel", lambda: update(owner="\x1b[31ma"), INVALID, "owner"),
    Bad("an owner without end", "CreateModel", lambda: create(model("n", owner="x" * 257), reference()), INVALID, "model.owner"),
    Bad("a policy that is no object", "CreateModel", lambda: create(model("n", policy_json="[]"), reference()), INVALID, "model.policy_json"),
    Bad("a policy that says something twice", "CreateModel", lambda: create(model("n", policy_json='{"drift": {"tolerance": 0.1, "tolerance": 0.2}}'), reference()), INVALID, "model.policy_json"),
    Bad("a policy that is changed to say something twice", "UpdateModel", lambda: update(policy_json='{"tier": 1, "tier": 2}'), INVALID, "policy_json"),
    Bad("a policy that hides a depth behind what it says twice", "CreateModel", lambda: create(model("n", policy_json='{"tier": ' + "[" * 1_000 + "]" * 1_000 + ', "tier": 2}'), reference()), INVALID, "model.policy_json"),
    Bad("a policy without end", "CreateModel", lambda: create(model("n", policy_json=" " * 65_537), reference()), INVALID, "model.policy_json"),
    Bad("the same request id with another model", "CreateModel", lambda: create(model("n"), reference(), "r-1"), EXISTS, "request_id"),
    Bad("a condition on a signal that nobody knows", "CreateModel", lambda: create(model("n", policy_json='{"conditions": [{"name": "c", "when": "cpu > 1"}]}'), reference()), INVALID, "model.policy_json"),
    Bad("a condition that is no truth", "UpdateModel", lambda: update(policy_json='{"conditions": [{"name": "c", "when": "loss.up"}]}'), INVALID, "policy_json"),
    Bad("a rule that is no truth", "CreateModel", lambda: create(model("n", policy_json='{"quality": {"rules": [{"name": "r", "must": "x"}]}}'), reference()), INVALID, "model.policy_json"),
    Bad("a rule about a column that there is not", "CreateModel", lambda: create(model("n", policy_json='{"quality": {"rules": [{"name": "r", "must": "x > y"}]}}'), reference()), INVALID, "model.policy_json"),
    Bad("a rule about a column of words", "UpdateModel", lambda: update(policy_json='{"quality": {"rules": [{"name": "r", "must": "colour > x"}]}}'), INVALID, "policy_json"),
    Bad("a policy in two forms", "CreateModel", lambda: create(model("n", policy_json="{}", policy=Policy(tier=2)), reference()), INVALID, "model.policy"),
    Bad("a policy message out of bounds", "CreateModel", lambda: create(model("n", policy=Policy(tier=9)), reference()), INVALID, "model.policy"),
    Bad("a policy message of a later release", "CreateModel", lambda: create(model("n", policy=Policy.FromString(LATER)), reference()), INVALID, "model.policy"),
    Bad("a policy in two forms", "UpdateModel", lambda: update(policy_json="{}", policy=Policy(tier=2)), INVALID, "policy"),
    Bad("a part of a policy message of a later release", "UpdateModel", lambda: update(policy=Policy(canary=Policy.Canary.FromString(LATER))), INVALID, "policy.canary"),
    Bad("a policy message with a hostile condition", "UpdateModel", lambda: update(policy=Policy(conditions=[Policy.Condition(name="c", when="size(x) > 1")])), INVALID, "policy"),
    Bad("a policy that is no JSON", "UpdateModel", lambda: update(policy_json="{"), INVALID, "policy_json"),
    Bad("a policy with an unknown key", "UpdateModel", lambda: update(policy_json='{"tyre": 1}'), INVALID, "policy_json"),
    Bad("a policy out of bounds", "UpdateModel", lambda: update(policy_json='{"canary": {"alpha": 2}}'), INVALID, "policy_json"),
    Bad("gates of segments that nobody declares", "UpdateModel", lambda: update(policy_json='{"gates": {"mandatory": ["segments"]}}'), INVALID, "policy_json"),
    Bad("a policy of numbers that are none", "UpdateModel", lambda: update(policy_json='{"canary": {"alpha": NaN}}'), INVALID, "policy_json"),
    Bad("a batch over the limit of bytes", "Ingest", lambda: batch(columns=[columns_pb2.Column(name="x", numeric=columns_pb2.NumericColumn(values=bytes(17 << 20)))]), EXHAUSTED, "batch"),
    Bad("half a value", "Ingest", lambda: batch(columns=[columns_pb2.Column(name="x", numeric=columns_pb2.NumericColumn(values=bytes(15)))]), INVALID, "batch.columns[x]"),
    Bad("half a time", "Ingest", lambda: batch(times_us=bytes(15)), INVALID, "batch.times_us"),
    Bad("negative times", "Ingest", lambda: batch(times_us=longs(-5, -5)), INVALID, "batch.times_us[0]"),
    Bad("a column without values", "Ingest", lambda: batch(columns=[columns_pb2.Column(name="x")]), INVALID, "batch.columns[x]"),
    Bad("a column twice", "Ingest", lambda: batch(columns=[*columns(x=[0.1, 0.2]), *columns(x=[0.1, 0.2])]), INVALID, "batch.columns[x]"),
    Bad("a code outside its words", "Ingest", lambda: batch(columns=[*columns(x=[0.1, 0.2]), coded(0, 7)]), INVALID, "batch.columns[colour]"),
    Bad("a code below missing", "Ingest", lambda: batch(columns=[*columns(x=[0.1, 0.2]), coded(0, -2)]), INVALID, "batch.columns[colour]"),
    Bad("half a code", "Ingest", lambda: batch(columns=[columns_pb2.Column(name="colour", categorical=columns_pb2.CategoricalColumn(dictionary=["red"], codes=bytes(7)))]), INVALID, "batch.columns[colour]"),
    Bad("an output that is no probability", "Ingest", lambda: batch(outputs=outputs(v1=(0.1, 1.2))), INVALID, "batch.outputs[v1]"),
    Bad("outputs of a reference that are no probabilities", "CreateModel", lambda: create(model("n"), past(outputs=doubles(*[-0.5] * 100))), INVALID, "reference.outputs"),
    Bad("an infinite output", "Ingest", lambda: batch(outputs=outputs(v1=(0.1, INF))), INVALID, "batch.outputs[v1]"),
    Bad("an output of another length", "Ingest", lambda: batch(outputs=outputs(v1=(0.1,))), INVALID, "batch.outputs[v1]"),
    Bad("a version twice", "Ingest", lambda: batch(outputs=[*outputs(v1=(0.1, 0.1)), *outputs(v1=(0.1, 0.1))]), INVALID, "batch.outputs"),
    Bad("served_by of another length", "Ingest", lambda: batch(served_by=b"\x00"), INVALID, "batch.served_by"),
    Bad("a latency that is negative", "Ingest", lambda: batch(latency_us=struct.pack("<2i", 1, -1)), INVALID, "batch.latency_us[1]"),
    Bad("half a latency", "Ingest", lambda: batch(latency_us=bytes(7)), INVALID, "batch.latency_us"),
    Bad("a route that was never issued", "Ingest", lambda: batch(route_generation=99), INVALID, "batch.route_generation"),
    Bad("half a label", "IngestLabels", lambda: labels(values=bytes(7)), INVALID, "values"),
    Bad("an infinite label", "IngestLabels", lambda: labels(values=doubles(INF)), INVALID, "values[0]"),
    Bad("a negative label", "IngestLabels", lambda: labels(values=doubles(-1)), INVALID, "values"),
    Bad("half a class", "IngestLabels", lambda: labels(values=doubles(0.5)), INVALID, "values"),
    Bad("labels from the future", "IngestLabels", lambda: labels(times_us=longs(FUTURE_US)), INVALID, "times_us[0]"),
    Bad("labels from before 1970", "IngestLabels", lambda: labels(times_us=longs(-1)), INVALID, "times_us[0]"),
    Bad("times of another length", "IngestLabels", lambda: labels(times_us=longs(1, 2)), INVALID, "times_us"),
    Bad("more labels than are allowed", "IngestLabels", lambda: labels(tuple(map(str, range(100_001))), bytes(800_008)), EXHAUSTED, "prediction_ids"),
    Bad("an infinite value", "IngestMetrics", lambda: metrics(point(value=-INF)), INVALID, "points[0].value"),
    Bad("a tolerance that is NaN", "IngestMetrics", lambda: metrics(point(tolerance=NAN)), INVALID, "points[0].tolerance"),
    Bad("an infinite tolerance", "IngestMetrics", lambda: metrics(point(tolerance=INF)), INVALID, "points[0].tolerance"),
    Bad("an unknown direction", "IngestMetrics", lambda: metrics(point(direction=99)), INVALID, "points[0].direction"),
    Bad("a series without name", "IngestMetrics", lambda: metrics(point(name="")), INVALID, "points[0].name"),
    Bad("a series with an illegal name", "IngestMetrics", lambda: metrics(point(name="Error Rate")), INVALID, "points[0].name"),
    Bad("a point from the future", "IngestMetrics", lambda: metrics(point(time_us=FUTURE_US)), INVALID, "points[0].time_us"),
    Bad("a point from before 1970", "IngestMetrics", lambda: metrics(point(time_us=-1)), INVALID, "points[0].time_us"),
    Bad("two directions of one series", "IngestMetrics", lambda: metrics(point(), point(time_us=START_US + 1, direction=2)), INVALID, "points[1].direction"),
    Bad("more points than are allowed", "IngestMetrics", lambda: metrics(*[point()] * 10_001), INVALID, "points"),
    Bad("the same request id with other points", "IngestMetrics", lambda: metrics(point(value=2.0), request_id="q-1"), EXISTS, "request_id"),
    Bad("an exposure beyond everything", "AcknowledgeRoute", order("ack3", routing_pb2.AcknowledgeRouteRequest, generation=1, router_id="r", applied_bp=10_001), INVALID, "applied_bp"),
    Bad("a negative exposure", "AcknowledgeRoute", order("ack4", routing_pb2.AcknowledgeRouteRequest, generation=1, router_id="r", applied_bp=-1), INVALID, "applied_bp"),
    Bad("a negative wait", "LeaseJob", lambda: training_pb2.LeaseJobRequest(request_id="j", worker_id="w", wait_seconds=-1), INVALID, "wait_seconds"),
    Bad("progress beyond the end", "Heartbeat", lambda: training_pb2.HeartbeatRequest(job_id="j", attempt=1, progress_bp=10_001), INVALID, "progress_bp"),
    Bad("a hash of an artefact that is none", "CompleteJob", lambda: training_pb2.CompleteJobRequest(request_id="c", job_id="j", attempt=1, report_json="{}", isolation=training_pb2.ISOLATION_LEVEL_NONE, artifact_sha256s=["x"]), INVALID, "artifact_sha256s[0]"),
    Bad("neither hash nor version", "GetManifest", artifact_pb2.GetManifestRequest, INVALID, "by"),
    Bad("a negative position", "ReadEvents", lambda: audit_pb2.ReadEventsRequest(after_position=-1), INVALID, "after_position"),
    Bad("a position beyond the log", "ReadEvents", lambda: audit_pb2.ReadEventsRequest(after_position=1 << 40), BEYOND, "after_position"),
    Bad("a position beyond the log", "ExplainDecision", lambda: audit_pb2.ExplainDecisionRequest(model="m", position=10**6), MISSING, "position"),
    Bad("no moment", "GetStateAsOf", lambda: audit_pb2.GetStateAsOfRequest(model="m"), INVALID, "moment"),
    Bad("an instant before the first event", "GetStateAsOf", lambda: audit_pb2.GetStateAsOfRequest(model="m", at_us=-1), BEYOND, "at_us"),
    Bad("version 0", "GetStateAsOf", lambda: audit_pb2.GetStateAsOfRequest(model="m", version=0), BEYOND, "version"),
    Bad("a version that is not reached", "GetStateAsOf", lambda: audit_pb2.GetStateAsOfRequest(model="m", version=10**6), BEYOND, "version"),
    Bad("position 0", "GetStateAsOf", lambda: audit_pb2.GetStateAsOfRequest(model="m", position=0), BEYOND, "position"),
    Bad("a position that is not reached", "GetStateAsOf", lambda: audit_pb2.GetStateAsOfRequest(model="m", position=10**6), BEYOND, "position"),
    Bad("a negative position", "ExplainDecision", lambda: audit_pb2.ExplainDecisionRequest(model="m", position=-1), MISSING, "position"),
    Bad("an unknown model", "VerifyLog", lambda: audit_pb2.VerifyLogRequest(models=["ghost"]), MISSING, "models[0]"),
    Bad("a position behind the checkpoint", "GetInclusionProof", lambda: audit_pb2.GetInclusionProofRequest(position=10**6), MISSING, "position"),
    Bad("position 0", "GetInclusionProof", lambda: audit_pb2.GetInclusionProofRequest(position=0), MISSING, "position"),
    Bad("a negative size", "GetInclusionProof", lambda: audit_pb2.GetInclusionProofRequest(position=1, size=-1), INVALID, "size"),
    Bad("a size that was not signed", "GetInclusionProof", lambda: audit_pb2.GetInclusionProofRequest(position=1, size=10**6), MISSING, "size"),
    Bad("an older log that is longer", "GetConsistencyProof", lambda: audit_pb2.GetConsistencyProofRequest(old_size=10**6), MISSING, "old_size"),
    Bad("a negative size", "GetConsistencyProof", lambda: audit_pb2.GetConsistencyProofRequest(old_size=1, size=-1), INVALID, "size"),
    Bad("a negative page size", "ReplayModel", lambda: audit_pb2.ReplayModelRequest(model="m", page_size=-1), INVALID, "page_size"),
    Bad("an unknown model", "ExportBundle", lambda: audit_pb2.ExportBundleRequest(model="ghost"), MISSING, "model"),
    Bad("a period that ends before it begins", "ExportBundle", lambda: audit_pb2.ExportBundleRequest(model="m", from_us=2, until_us=1), INVALID, "from_us"),
    Bad("a period before the first event", "ExportBundle", lambda: audit_pb2.ExportBundleRequest(model="m", until_us=-1), BEYOND, "until_us"),
    Bad("a bound that no reader keeps exact", "ExportBundle", lambda: audit_pb2.ExportBundleRequest(model="m", from_us=-(2**63)), INVALID, "from_us"),
    Bad("an unknown model", "FindSimilarIncidents", lambda: audit_pb2.FindSimilarIncidentsRequest(model="ghost"), MISSING, "model"),
    Bad("a model that was never ill", "FindSimilarIncidents", lambda: audit_pb2.FindSimilarIncidentsRequest(model="m"), MISSING, "model"),
    Bad("a negative number", "FindSimilarIncidents", lambda: audit_pb2.FindSimilarIncidentsRequest(model="m", most=-1), INVALID, "most"),
    Bad("a negative position", "FindSimilarIncidents", lambda: audit_pb2.FindSimilarIncidentsRequest(model="m", position=-1), INVALID, "position"),
    Bad("a negative page size", "ListInventory", lambda: audit_pb2.ListInventoryRequest(page_size=-1), INVALID, "page_size"),
]  # fmt: skip
STUBS = {
    model_pb2_grpc.ModelServiceStub: ("CreateModel", "GetModel", "ListModels", "UpdateModel"),
    ingest_pb2_grpc.IngestServiceStub: ("Ingest", "IngestLabels", "IngestMetrics"),
    health_pb2_grpc.ModelHealthServiceStub: ("GetState", "BatchGetStates", "ListStates", "GetWindows"),
    routing_pb2_grpc.RoutingServiceStub: ("GetRoute", "AcknowledgeRoute"),
    training_pb2_grpc.TrainingServiceStub: ("LeaseJob", "Heartbeat", "CompleteJob", "FailJob"),
    artifact_pb2_grpc.ArtifactServiceStub: ("GetManifest",),
    operations_pb2_grpc.OperationsServiceStub: (
        "Approve", "Reject", "Hold", "Release", "Unfreeze", "Abort", "RollBack", "StartRetraining", "ExplainWait",
    ),
    audit_pb2_grpc.AuditServiceStub: (
        "ReadEvents", "GetStateAsOf", "ExplainDecision", "VerifyLog", "GetInclusionProof", "GetConsistencyProof",
        "ExportBundle", "ListInventory", "ReplayModel", "FindSimilarIncidents",
    ),
    privacy_pb2_grpc.PrivacyServiceStub: (
        "EraseSubject", "GetErasure", "ListErasures", "PlaceLegalHold", "LiftLegalHold", "ResolveActors", "ForgetActor",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("refusals")) as address, Client(address) as client:
        client.create_model(model(), reference(), request_id="r-1")
        first = batch("b-1", ("p-1", "p-2"))
        first.batch.times_us = longs(START_US, START_US)
        client.ingest_batch("m", first.batch)
        client.ingest_labels("m", ["p-1"], [1.0], batch_id="l-1")
        client.ingest_metrics("m", [point(name="other")], request_id="q-1")
        yield address


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: f"{bad.call}: {bad.what}")
def test_bad_input_is_refused_by_name_and_changes_nothing(target: str, bad: Bad) -> None:
    stub_of = next(stub for stub, calls in STUBS.items() if bad.call in calls)
    with grpc.insecure_channel(target) as channel, Client(target) as client:
        before = list(client.history())

        with pytest.raises(grpc.RpcError) as caught:
            next(
                getattr(stub_of(channel), bad.call)(bad.request(), timeout=20)
            )  # only a stream answers before it is read

        assert list(client.history()) == before
    error: Any = caught.value
    assert error.code() == bad.status, error.details()
    assert bad.field in fields_of(error), error.details()


@pytest.mark.parametrize("call", sorted({bad.call for bad in TABLE}))
def test_the_contract_tells_each_status_that_a_call_is_refused_with_but_that_of_bad_input(call: str) -> None:
    met = {bad.status.name for bad in TABLE if bad.call == call} - {INVALID.name}

    assert {name for name in met if name not in told_of(call)} == set()


def told_of(call: str) -> str:
    """Give what the contract says above a call and above its service, and of the call that it likens it to."""
    for file in sorted(CONTRACT.glob("*.proto")):
        service, found, calls = file.read_text(encoding="utf-8").partition("\nservice ")
        above = re.search(rf"((?:  //.*\n)+)  rpc {call}\(", calls) if found else None
        if above is not None:
            like = told_of("Ingest") if "as Ingest" in above[1] else ""
            return service.rpartition("\n\n")[2] + above[1] + like
    return ""


def fields_of(error: grpc.Call) -> list[str]:
    """Give the fields that the details of an error name."""
    status = rpc_status.from_call(error)
    assert status is not None, "every error carries google.rpc details"
    found = []
    for detail in status.details:
        violations = error_details_pb2.BadRequest()
        if detail.Unpack(violations):
            found += [one.field for one in violations.field_violations]
    return found


def test_a_repeated_batch_and_repeated_labels_get_their_first_answer(target: str) -> None:
    again = batch("b-1", ("p-1", "p-2"))
    again.batch.times_us = longs(START_US, START_US)
    with Client(target) as client:
        receipt = client.ingest_batch("m", again.batch)
        told = client.ingest_labels("m", ["p-1"], [1.0], batch_id="l-1")

    assert (receipt.duplicate, receipt.accepted_rows) == (True, 2)
    assert (told.duplicate, told.accepted) == (True, 1)


def test_the_same_request_gets_its_first_answer_and_another_under_its_id_is_refused(target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        stub = model_pb2_grpc.ModelServiceStub(channel)
        again = stub.CreateModel(create(model(), reference(), "r-1"))
        with pytest.raises(grpc.RpcError) as caught:
            stub.CreateModel(create(model("other"), reference(), "r-1"))

    assert again.model.name == "m"
    error: Any = caught.value
    assert error.code() == EXISTS
