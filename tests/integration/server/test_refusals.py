"""Bad input gets a precise status that names the field, and the log is unchanged. One line a refusal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from remission import Client, make_batch
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
    routing_pb2,
    routing_pb2_grpc,
    training_pb2,
    training_pb2_grpc,
)

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
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
NAN, INF = float("nan"), float("inf")


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
    Bad("a prediction that was ingested before", "Ingest", lambda: batch(ids=("n-1", "p-1")), INVALID, "batch.prediction_ids[1]"),
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
    Bad("times in the future", "Ingest", lambda: batch(times_us=longs(FUTURE_US, FUTURE_US)), INVALID, "batch.times_us[1]"),
    Bad("times far behind the stream", "Ingest", lambda: batch(times_us=longs(START_US - 10**12, START_US)), INVALID, "batch.times_us[0]"),
    Bad("times of another length", "Ingest", lambda: batch(times_us=longs(START_US)), INVALID, "batch.times_us"),
    Bad("the same batch id with other content", "Ingest", lambda: batch("b-1"), EXISTS, "request_id"),
    Bad("an unknown model", "IngestLabels", lambda: labels(model="ghost"), MISSING, "model"),
    Bad("a prediction never seen", "IngestLabels", lambda: labels(("p-2", "ghost"), doubles(1, 1)), MISSING, "prediction_ids[1]"),
    Bad("a prediction twice", "IngestLabels", lambda: labels(("p-2", "p-2"), doubles(1, 1)), INVALID, "prediction_ids[1]"),
    Bad("no prediction", "IngestLabels", lambda: labels((), b""), INVALID, "prediction_ids"),
    Bad("values of another length", "IngestLabels", lambda: labels(values=doubles(1, 0)), INVALID, "values"),
    Bad("a label that is NaN", "IngestLabels", lambda: labels(values=doubles(NAN)), INVALID, "values[0]"),
    Bad("a label that is no class", "IngestLabels", lambda: labels(values=doubles(7)), INVALID, "values"),
    Bad("a label that contradicts an earlier one", "IngestLabels", lambda: labels(("p-1",), doubles(0)), INVALID, "values[0]"),
    Bad("the same batch id with other content", "IngestLabels", lambda: labels(batch_id="l-1"), EXISTS, "request_id"),
    Bad("an unknown model", "IngestMetrics", lambda: metrics(point(), model="ghost"), MISSING, "model"),
    Bad("no point", "IngestMetrics", metrics, INVALID, "points"),
    Bad("a value that is NaN", "IngestMetrics", lambda: metrics(point(value=NAN)), INVALID, "points[0].value"),
    Bad("a negative tolerance", "IngestMetrics", lambda: metrics(point(tolerance=-1)), INVALID, "points[0].tolerance"),
    Bad("no direction", "IngestMetrics", lambda: metrics(point(direction=0)), INVALID, "points[0].direction"),
    Bad("a time that goes backwards", "IngestMetrics", lambda: metrics(point(), point()), INVALID, "points[1].time_us"),
    Bad("an unknown model", "GetState", lambda: health_pb2.GetStateRequest(model="ghost"), MISSING, "model"),
    Bad("no model", "BatchGetStates", health_pb2.BatchGetStatesRequest, INVALID, "models"),
    Bad("a negative page size", "ListStates", lambda: health_pb2.ListStatesRequest(page_size=-1), INVALID, "page_size"),
    Bad("an unknown model", "GetRoute", lambda: routing_pb2.GetRouteRequest(model="ghost"), MISSING, "model"),
    Bad("a generation never issued", "AcknowledgeRoute", order("ack", routing_pb2.AcknowledgeRouteRequest, generation=99, router_id="r"), INVALID, "generation"),
    Bad("another exposure than was asked", "AcknowledgeRoute", order("ack2", routing_pb2.AcknowledgeRouteRequest, generation=1, router_id="r", applied_bp=700), INVALID, "applied_bp"),
    Bad("a worker without name", "LeaseJob", lambda: training_pb2.LeaseJobRequest(request_id="j"), INVALID, "worker_id"),
    Bad("a wait without end", "LeaseJob", lambda: training_pb2.LeaseJobRequest(request_id="j", worker_id="w", wait_seconds=999), INVALID, "wait_seconds"),
    Bad("an unknown job", "CompleteJob", lambda: training_pb2.CompleteJobRequest(request_id="c", job_id="ghost", attempt=1, report_json="{}", isolation=training_pb2.ISOLATION_LEVEL_NONE), MISSING, "job_id"),
    Bad("a report that is no JSON", "CompleteJob", lambda: training_pb2.CompleteJobRequest(request_id="c", job_id="j", attempt=1, report_json="{", isolation=training_pb2.ISOLATION_LEVEL_NONE), INVALID, "report_json"),
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
    Bad("an unknown type of event", "ReadEvents", lambda: audit_pb2.ReadEventsRequest(types=["dreamt"]), INVALID, "types"),
    Bad("a page token of another server", "ReadEvents", lambda: audit_pb2.ReadEventsRequest(page_token="x"), INVALID, "page_token"),  # noqa: S106 - no password
    Bad("an event that is no decision", "ExplainDecision", lambda: audit_pb2.ExplainDecisionRequest(model="m", position=1), MISSING, "position"),
    Bad("an unknown model", "VerifyLog", lambda: audit_pb2.VerifyLogRequest(models=["ghost"]), MISSING, "models[0]"),
]  # fmt: skip
STUBS = {
    model_pb2_grpc.ModelServiceStub: ("CreateModel", "GetModel", "ListModels", "UpdateModel"),
    ingest_pb2_grpc.IngestServiceStub: ("Ingest", "IngestLabels", "IngestMetrics"),
    health_pb2_grpc.ModelHealthServiceStub: ("GetState", "BatchGetStates", "ListStates"),
    routing_pb2_grpc.RoutingServiceStub: ("GetRoute", "AcknowledgeRoute"),
    training_pb2_grpc.TrainingServiceStub: ("LeaseJob", "CompleteJob", "FailJob"),
    artifact_pb2_grpc.ArtifactServiceStub: ("GetManifest",),
    operations_pb2_grpc.OperationsServiceStub: (
        "Approve", "Reject", "Hold", "Release", "Unfreeze", "Abort", "RollBack", "StartRetraining", "ExplainWait",
    ),
    audit_pb2_grpc.AuditServiceStub: ("ReadEvents", "ExplainDecision", "VerifyLog"),
}  # fmt: skip


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("refusals")) as address, Client(address) as client:
        client.create_model(model(), reference(), request_id="r-1")
        first = batch("b-1", ("p-1", "p-2"))
        first.batch.times_us = longs(START_US, START_US)
        client.ingest_batch("m", first.batch)
        client.ingest_labels("m", ["p-1"], [1.0], batch_id="l-1")
        yield address


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: f"{bad.call}: {bad.what}")
def test_bad_input_is_refused_by_name_and_changes_nothing(target: str, bad: Bad) -> None:
    stub_of = next(stub for stub, calls in STUBS.items() if bad.call in calls)
    with grpc.insecure_channel(target) as channel, Client(target) as client:
        before = list(client.history())

        with pytest.raises(grpc.RpcError) as caught:
            getattr(stub_of(channel), bad.call)(bad.request(), timeout=20)

        assert list(client.history()) == before
    error: Any = caught.value
    assert error.code() == bad.status, error.details()
    assert bad.field in fields_of(error), error.details()


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
