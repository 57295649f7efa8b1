"""Every call refuses what no call accepts. The cases are made from the contract's descriptors: none is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from remission import Client
from remission.errors import translate
from remission.v1 import (
    artifact_pb2,
    audit_pb2,
    health_pb2,
    ingest_pb2,
    model_pb2,
    operations_pb2,
    privacy_pb2,
    routing_pb2,
    training_pb2,
)

from tests.fixtures.contract import calls
from tests.fixtures.servers import serving
from tests.integration.server import requests as good
from tests.integration.server.requests import START_US

CALLS = {call.name: call for call in calls()}
SOON_SECONDS = 5.0
NOT_FOUND, INVALID = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT
EXISTS = grpc.StatusCode.ALREADY_EXISTS
PRECONDITION, ABORTED = grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ABORTED
NONE = training_pb2.ISOLATION_LEVEL_NONE
HASH = "0" * 64
ACTOR = f"actor_{HASH[:24]}"


def order(kind: type[Any], **fields: Any) -> Callable[[], Message]:
    return lambda: kind(**{"request_id": "order", "model": "m", **fields})


#: A request of each call that nothing is wrong with, but for the state of things.
VALID: dict[str, Callable[[], Message]] = {
    "CreateModel": lambda: good.create(good.model("new"), good.reference()),
    "GetModel": lambda: model_pb2.GetModelRequest(name="m"),
    "ListModels": model_pb2.ListModelsRequest,
    "UpdateModel": lambda: model_pb2.UpdateModelRequest(request_id="u", name="m", owner="x"),
    "RetireModel": lambda: model_pb2.RetireModelRequest(request_id="r", name="m"),
    "Ingest": good.batch,
    "IngestStream": lambda: ingest_pb2.IngestStreamRequest(model="m", batch=good.batch().batch),
    "IngestLabels": good.labels,
    "IngestMetrics": lambda: good.metrics(good.point()),
    "GetState": lambda: health_pb2.GetStateRequest(model="m"),
    "BatchGetStates": lambda: health_pb2.BatchGetStatesRequest(models=["m"]),
    "ListStates": lambda: health_pb2.ListStatesRequest(states=[health_pb2.STATE_HEALTHY]),
    "GetWindows": lambda: health_pb2.GetWindowsRequest(model="m"),
    "WatchStates": lambda: health_pb2.WatchStatesRequest(models=["m"]),
    "GetRoute": lambda: routing_pb2.GetRouteRequest(model="m"),
    "WatchRoutes": lambda: routing_pb2.WatchRoutesRequest(models=["m"]),
    "AcknowledgeRoute": order(routing_pb2.AcknowledgeRouteRequest, generation=1, router_id="r"),
    "LeaseJob": lambda: training_pb2.LeaseJobRequest(
        request_id="j", worker_id="w", kinds=[training_pb2.JOB_KIND_REMEDY]
    ),
    "Heartbeat": lambda: training_pb2.HeartbeatRequest(job_id="j", attempt=1),
    "UploadArtifact": lambda: training_pb2.UploadArtifactRequest(
        header=training_pb2.UploadHeader(
            sha256=HASH, size_bytes=1, kind=training_pb2.ARTIFACT_KIND_MODEL,
            initial_version=training_pb2.VersionRef(model="m", version="v1"),
        )
    ),
    "CompleteJob": lambda: training_pb2.CompleteJobRequest(
        request_id="c", job_id="j", attempt=1, report_json="{}", isolation=NONE
    ),
    "FailJob": lambda: training_pb2.FailJobRequest(
        request_id="f", job_id="j", attempt=1, failure=training_pb2.FAILURE_CLASS_CRASHED, isolation=NONE
    ),
    "GetManifest": lambda: artifact_pb2.GetManifestRequest(version=training_pb2.VersionRef(model="m", version="v1")),
    "Download": lambda: artifact_pb2.DownloadRequest(sha256=HASH),
    "Approve": order(operations_pb2.ApproveRequest),
    "Reject": order(operations_pb2.RejectRequest),
    "Hold": order(operations_pb2.HoldRequest),
    "Release": order(operations_pb2.ReleaseRequest),
    "Freeze": order(operations_pb2.FreezeRequest),
    "Unfreeze": order(operations_pb2.UnfreezeRequest),
    "StartRetraining": order(operations_pb2.StartRetrainingRequest),
    "Abort": order(operations_pb2.AbortRequest),
    "RollBack": order(operations_pb2.RollBackRequest),
    "ExplainWait": lambda: operations_pb2.ExplainWaitRequest(model="m"),
    "EraseSubject": lambda: privacy_pb2.EraseSubjectRequest(request_id="e", subject_id="somebody"),
    "GetErasure": lambda: privacy_pb2.GetErasureRequest(erasure_id=HASH[:32]),
    "ListErasures": privacy_pb2.ListErasuresRequest,
    "PlaceLegalHold": order(privacy_pb2.PlaceLegalHoldRequest),
    "LiftLegalHold": order(privacy_pb2.LiftLegalHoldRequest),
    "ResolveActors": lambda: privacy_pb2.ResolveActorsRequest(actor_ids=[ACTOR]),
    "ForgetActor": lambda: privacy_pb2.ForgetActorRequest(request_id="f", actor_id=ACTOR),
    "ReadEvents": lambda: audit_pb2.ReadEventsRequest(model="m"),
    "GetStateAsOf": lambda: audit_pb2.GetStateAsOfRequest(model="m", version=1),
    "ReplayModel": lambda: audit_pb2.ReplayModelRequest(model="m"),
    "ExplainDecision": lambda: audit_pb2.ExplainDecisionRequest(model="m", position=1),
    "VerifyLog": lambda: audit_pb2.VerifyLogRequest(models=["m"]),
    "GetCheckpoint": audit_pb2.GetCheckpointRequest,
    "GetInclusionProof": lambda: audit_pb2.GetInclusionProofRequest(position=1),
    "GetConsistencyProof": lambda: audit_pb2.GetConsistencyProofRequest(old_size=1),
    "ExportBundle": lambda: audit_pb2.ExportBundleRequest(model="m"),
    "ListInventory": audit_pb2.ListInventoryRequest,
    "FindSimilarIncidents": lambda: audit_pb2.FindSimilarIncidentsRequest(model="m"),
}  # fmt: skip
#: A model's; a worker's, whose job is given again; and those of erasures, which stand for nothing else.
OWN_IDS = frozenset(("IngestMetrics", "LeaseJob", "EraseSubject", "ForgetActor"))
HOLDS = frozenset(("PlaceLegalHold", "LiftLegalHold"))  #: what is kept of a retired model can be kept longer
STOPS = frozenset(("Hold", "Freeze", "Abort", "RollBack"))  #: they need no etag, and win
READS = frozenset(
    ("GetModel", "GetState", "BatchGetStates", "WatchStates", "GetRoute", "WatchRoutes", "ExplainWait", "ReadEvents")
) | {
    "GetWindows", "ReplayModel", "ExplainDecision", "GetStateAsOf", "VerifyLog", "GetManifest", "ExportBundle",
    "FindSimilarIncidents",
}  # fmt: skip
ID = ("", "x" * 65, "a\nb", "ä")
#: What is wrong wherever a field has this name.
WRONG: dict[str, tuple[object, ...]] = {
    **dict.fromkeys(("request_id", "batch_id", "router_id", "worker_id"), ID),
    "sha256": ("", "0" * 63, "../etc", "F" * 64),
    "reason": ("x" * 2_001,),
    "message": ("x" * 2_001,),
    "purpose": ("x" * 2_001,),
    "failure": ("x" * 2_001,),  # a text of routers; that of workers is an enum
    "subject_id": ("", "x" * 129, "a\nb"),
    "erasure_id": ("", "0" * 31, "F" * 32),
    **dict.fromkeys(
        ("actor_id", "actor_ids"), ("", "local", "ann@bank.example", "actor_1", ACTOR + "0", ACTOR.upper())
    ),
    "page_size": (-1,),
    "most": (-1,),
    "page_token": ("none of ours",),
}
MODEL_PATHS = {"CreateModel": "model.name", "GetModel": "name", "UpdateModel": "name", "RetireModel": "name"}


@dataclass(frozen=True)
class Case:
    """A valid request with one field made wrong."""

    call: str
    path: str  #: as the answer must name it
    value: Any
    status: grpc.StatusCode

    def __str__(self) -> str:
        return f"{self.call}.{self.path}={str(self.value)[:12]!r}"

    def request(self) -> Message:
        message = VALID[self.call]()
        put(message, self.path, self.value)
        return message


def put(message: Message, path: str, value: object) -> None:
    """Set the field at a dotted path; a path that ends with [0] is the first of a list."""
    *heads, last = path.split(".")
    for head in heads:
        name, listed, _ = head.partition("[0]")
        message = getattr(message, name)[0] if listed else getattr(message, name)
    if last.endswith("[0]"):
        getattr(message, last.removesuffix("[0]"))[0] = value
    else:
        setattr(message, last, value)


def paths(message: Message, at: str = "") -> Iterator[tuple[str, Any]]:
    """Give the path of every single value in a message, set or not, where the messages around it are set."""
    fields: Any = message.DESCRIPTOR.fields
    for one in fields:
        held = getattr(message, one.name)
        where = f"{at}{one.name}"
        if one.type == FieldDescriptor.TYPE_MESSAGE:
            if one.is_repeated:
                if len(held) and not one.message_type.GetOptions().map_entry:
                    yield from paths(held[0], f"{where}[0].")
            elif message.HasField(one.name):
                yield from paths(held, f"{where}.")
        elif not one.is_repeated:
            yield where, one
        elif len(held):
            yield f"{where}[0]", one


def names_model(call: str, path: str) -> bool:
    """Say whether a path names a model that the call is about."""
    if call in MODEL_PATHS:
        return path == MODEL_PATHS[call]
    return path.rpartition(".")[2].removesuffix("[0]") in ("model", "models")


def cases() -> Iterator[Case]:
    """Make the cases of all calls."""
    for name, valid in VALID.items():
        for path, one in paths(valid()):
            yield from _wrong(name, path, one)


def _wrong(call: str, path: str, one: FieldDescriptor) -> Iterator[Case]:
    last = path.rpartition(".")[2].removesuffix("[0]")
    if names_model(call, path):
        if not (call == "ReadEvents" and path == "model"):  # there, none means all
            yield Case(call, path, "", INVALID)
        yield from (Case(call, path, name, INVALID) for name in ("Big", "a/b", "x" * 64, "m\n"))
        if call != "CreateModel":
            yield Case(call, path, "ghost", NOT_FOUND)
    elif last == "etag" and call not in STOPS and call != "CreateModel":
        yield Case(call, path, '"0"', ABORTED)
    elif path == "request_id" and call not in OWN_IDS:
        yield from (Case(call, path, value, INVALID) for value in ID)
        yield Case(call, path, "taken", EXISTS)
    elif one.type == FieldDescriptor.TYPE_ENUM:
        yield Case(call, path, 99, INVALID)
    else:
        yield from (Case(call, path, value, INVALID) for value in WRONG.get(last, ()))


def named(error: grpc.RpcError) -> list[str]:
    """Give the fields that an error names."""
    return [one.field for one in translate(error).violations]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with two models, one of them retired."""
    with serving(tmp_path_factory.mktemp("matrix")) as address, Client(address) as client:
        for name in ("m", "retired"):
            client.create_model(good.model(name), good.reference())
            first = good.batch(f"b-{name}", ("p-1", "p-2"))
            first.batch.times_us = good.longs(START_US, START_US)
            client.ingest_batch(name, first.batch)
        client.models.retire("retired", request_id="taken")
        yield address


@pytest.fixture(scope="module")
def channel(target: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(target) as made:
        yield made


def refusal(channel: grpc.Channel, target: str, call: str, request: Message) -> grpc.RpcError:
    """Send what must be refused, and change nothing; give the error."""
    with Client(target) as client:
        before = list(client.history())
        with pytest.raises(grpc.RpcError) as caught:
            CALLS[call].answers(channel, request.SerializeToString(), timeout=SOON_SECONDS)
        assert list(client.history()) == before
    return caught.value


def test_every_call_of_the_contract_has_a_valid_request() -> None:
    assert set(VALID) == set(CALLS)


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_a_wrong_value_is_refused_by_the_name_of_its_field(channel: grpc.Channel, target: str, case: Case) -> None:
    error: Any = refusal(channel, target, case.call, case.request())

    assert error.code() == case.status, error.details()
    assert case.path in named(error), error.details()


CHANGES = [
    (call, path)
    for call, valid in VALID.items()
    for path, _ in paths(valid())
    if call not in READS and call != "CreateModel" and call not in HOLDS
    if names_model(call, path)
]


@pytest.mark.parametrize(("call", "path"), CHANGES)
def test_nothing_changes_a_retired_model(channel: grpc.Channel, target: str, call: str, path: str) -> None:
    request = VALID[call]()
    put(request, path, "retired")

    error: Any = refusal(channel, target, call, request)

    assert error.code() == PRECONDITION, error.details()
    assert "retired" in error.details()
