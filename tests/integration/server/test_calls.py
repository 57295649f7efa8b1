"""What calls promise beside their answers: order, resuming, damage, pages, and the same answer again."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

import grpc
import pytest
from remission import Client, make_batch
from remission.errors import (
    CallError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    translate,
)
from remission.v1 import (
    artifact_pb2,
    artifact_pb2_grpc,
    audit_pb2,
    audit_pb2_grpc,
    health_pb2,
    health_pb2_grpc,
    ingest_pb2,
    ingest_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    training_pb2,
    training_pb2_grpc,
)

from tests.fixtures.servers import PATIENCE_SECONDS, serving
from tests.integration.server.examples import a_model, a_reference, decline, points

CHUNK_BYTES = 1 << 20
MANY = 5


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Several models, of which `ill` fell ill and `retired` is no more."""
    with serving(tmp_path_factory.mktemp("calls"), clock="stream") as address, Client(address) as client:
        for i in range(MANY):
            client.create_model(a_model(f"many-{i}"), a_reference())
        client.create_model(a_model("retired"), a_reference())
        client.models.retire("retired")
        client.create_model(a_model("ill"), a_reference())
        decline(client, "ill")
        yield address


@pytest.fixture
def client(target: str) -> Iterator[Client]:
    with Client(target) as made:
        yield made


@pytest.fixture
def channel(target: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(target) as made:
        yield made


def batch(number: int) -> ingest_pb2.Batch:
    return make_batch(
        f"b-{number}", {"x": [1.0, 2.0]}, outputs={"v1": [0.5, 0.5]},
        prediction_ids=[f"p-{number}-0", f"p-{number}-1"], times_us=[number * 1_000, number * 1_000],
    )  # fmt: skip


def test_a_watcher_that_comes_back_misses_nothing_and_sees_nothing_twice(client: Client) -> None:
    moves = [one for one in client.history("ill") if one.type == "state_changed"]
    whole = list(itertools.islice(client.watch("ill", after_position=1), len(moves)))

    for at, one in enumerate(whole[:-1]):
        again = client.watch("ill", after_position=one.position)
        assert list(itertools.islice(again, len(whole) - at - 1)) == whole[at + 1 :]


def test_who_goes_on_behind_what_is_not_reached_yet_is_told_where_the_log_ends(client: Client) -> None:
    head = max(one.position for one in client.history())

    for asked in (
        lambda: client.watch(after_position=head + 1),
        lambda: client.history("ill", after_position=head + 1),
    ):
        with pytest.raises(OutOfRangeError) as refused:
            next(iter(asked()))
        assert refused.value.metadata == {"given": str(head + 1), "first": "0", "newest": str(head)}
        assert [one.field for one in refused.value.violations] == ["after_position"]
    assert list(client.history("ill", after_position=head)) == []


def test_a_change_is_told_with_the_state_that_it_led_to(client: Client) -> None:
    first, second = itertools.islice(client.watch("ill", after_position=1), 2)

    assert (first.trigger, first.previous, first.state.state) == (
        "raise_alarm", health_pb2.STATE_HEALTHY, health_pb2.STATE_SUSPECT,
    )  # fmt: skip
    assert (second.previous, second.state.state) == (health_pb2.STATE_SUSPECT, health_pb2.STATE_DEGRADED)
    assert first.state.version < second.state.version


def test_a_replay_begins_with_nothing_and_ends_where_the_model_stands(client: Client) -> None:
    *steps, last = client.replay("ill")

    assert not steps[0].step.HasField("before")
    assert steps[1].step.before == steps[0].step.after
    assert last.summary.equal
    assert last.summary.chain_ok
    assert last.summary.replayed.version == len(steps)


def test_a_replay_of_some_versions_shows_these_and_sums_up_all(client: Client) -> None:
    *whole, last = client.replay("ill")
    *some, end = client.audit.replay("ill", after_version=2, until_version=5)

    assert [part.step for part in some] == [part.step for part in whole[2:5]]
    assert end.summary == last.summary


@pytest.mark.parametrize("size", [1, 3, 1_000, 5_000])
def test_a_replay_in_pages_shows_the_same_steps_as_one_by_one(channel: grpc.Channel, size: int) -> None:
    stub = audit_pb2_grpc.AuditServiceStub(channel)
    *alone, end = stub.ReplayModel(audit_pb2.ReplayModelRequest(model="ill"))
    *pages, last = stub.ReplayModel(audit_pb2.ReplayModelRequest(model="ill", page_size=size))

    told = [list(part.page.steps) for part in pages]
    assert [step for steps in told for step in steps] == [part.step for part in alone]
    assert {len(steps) for steps in told[:-1]} <= {size}
    assert len(told[-1]) <= size
    assert last.summary == end.summary


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"after_version": -1}, "after_version"), ({"after_version": 3, "until_version": 3}, "until_version")],
)
def test_versions_that_are_none_are_refused_by_name(client: Client, asked: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        list(client.audit.replay("ill", **asked))

    assert [one.field for one in caught.value.violations] == [field]


def test_as_of_each_version_is_what_the_replay_saw_there(client: Client) -> None:
    *steps, _ = client.replay("ill")

    for part in steps:
        found = client.audit.as_of("ill", version=part.step.event.version)
        assert (found.state, found.event) == (part.step.after, part.step.event)
        assert found == client.audit.as_of("ill", position=part.step.event.position)


def test_as_of_now_is_the_present_state_and_its_policy(client: Client) -> None:
    found, now = client.audit.as_of("ill", at_us=2**62), client.state("ill")

    assert (found.state.version, found.state.reason) == (now.version, now.reason)
    assert found.policy_json == client.models.get("ill").effective_policy_json


def test_two_moments_at_once_are_refused_before_anything_is_sent(client: Client) -> None:
    with pytest.raises(ValueError, match="at_us and version: one moment is accepted"):
        client.audit.as_of("ill", at_us=1, version=1)


def test_before_the_first_event_the_first_instant_is_named(client: Client) -> None:
    first = next(iter(client.history("ill")))

    with pytest.raises(OutOfRangeError) as caught:
        client.audit.as_of("ill", at_us=first.occurred_us - 1)

    assert caught.value.metadata["first"] == str(first.occurred_us)
    assert caught.value.reason == "OUT_OF_RECORD"


def test_the_evidence_of_a_decision_has_the_hash_that_the_event_names(client: Client) -> None:
    alarm = next(one for one in client.history("ill") if one.type == "alarm_raised")

    found = client.audit.explain("ill", alarm.position)

    evidence = found.decision.inputs_json.encode()
    assert hashlib.sha256(evidence).hexdigest() == found.decision.evidence_sha256
    assert found.equal
    assert found.status == audit_pb2.DERIVATION_STATUS_EQUAL
    assert not found.differences
    assert found.rederived_verdict_json == found.decision.verdict_json


def test_a_stream_acknowledges_batches_in_order_until_one_is_refused(channel: grpc.Channel) -> None:
    requests = [
        ingest_pb2.IngestStreamRequest(model="many-0", batch=batch(1)),
        ingest_pb2.IngestStreamRequest(batch=batch(2)),
        ingest_pb2.IngestStreamRequest(model="many-1", batch=batch(3)),
    ]
    stub = ingest_pb2_grpc.IngestServiceStub(channel)
    answers = iter(stub.IngestStream(iter(requests), timeout=PATIENCE_SECONDS))

    receipts = [next(answers).receipt, next(answers).receipt]
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)

    assert [(one.batch_id, one.first_row, one.watermark_us) for one in receipts] == [
        ("b-1", 60, 1_000), ("b-2", 62, 2_000),
    ]  # fmt: skip
    assert translate(caught.value).code == grpc.StatusCode.INVALID_ARGUMENT


def test_models_are_listed_page_by_page(channel: grpc.Channel) -> None:
    stub = model_pb2_grpc.ModelServiceStub(channel)
    request = model_pb2.ListModelsRequest(page_size=3)
    names = []
    while True:
        page = stub.ListModels(request)
        names.append([one.name for one in page.models])
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token

    assert [len(one) for one in names[:2]] == [3, 3]
    assert [*itertools.chain(*names)] == ["ill", *(f"many-{i}" for i in range(MANY))]


def test_a_page_token_belongs_to_its_question(channel: grpc.Channel) -> None:
    stub = model_pb2_grpc.ModelServiceStub(channel)
    token = stub.ListModels(model_pb2.ListModelsRequest(page_size=1)).next_page_token

    with pytest.raises(grpc.RpcError) as caught:
        stub.ListModels(model_pb2.ListModelsRequest(page_size=1, page_token=token, include_retired=True))

    assert translate(caught.value).code == grpc.StatusCode.INVALID_ARGUMENT


def test_retired_models_are_listed_when_they_are_asked_for(client: Client) -> None:
    assert "retired" not in [one.model for one in client.health.list()]
    assert [one.model for one in client.health.list([health_pb2.STATE_RETIRED])] == ["retired"]


def test_unknown_models_cannot_be_asked_for_among_others(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        health_pb2_grpc.ModelHealthServiceStub(channel).BatchGetStates(
            health_pb2.BatchGetStatesRequest(models=["ill", "ghost"])
        )

    assert translate(caught.value).code == grpc.StatusCode.NOT_FOUND
    assert "ghost" in translate(caught.value).message


def test_damaged_bytes_are_never_kept(client: Client, channel: grpc.Channel) -> None:
    promised = hashlib.sha256(b"what was meant").hexdigest()
    header = training_pb2.UploadHeader(
        sha256=promised, size_bytes=14, kind=training_pb2.ARTIFACT_KIND_MODEL,
        initial_version=training_pb2.VersionRef(model="ill", version="v1"),
    )  # fmt: skip
    parts = [
        training_pb2.UploadArtifactRequest(header=header),
        training_pb2.UploadArtifactRequest(chunk=b"what was sent!"),
    ]

    with pytest.raises(grpc.RpcError) as caught:
        training_pb2_grpc.TrainingServiceStub(channel).UploadArtifact(iter(parts), timeout=PATIENCE_SECONDS)

    assert translate(caught.value).code == grpc.StatusCode.DATA_LOSS
    for lost in (promised, hashlib.sha256(b"what was sent!").hexdigest()):
        with pytest.raises(NotFoundError):
            client.artifacts.download(lost)


@pytest.mark.parametrize(
    ("purpose", "kind"),
    [
        (training_pb2.Job(job_id="ghost", attempt=1), NotFoundError),
        (training_pb2.VersionRef(model="ghost", version="v1"), NotFoundError),
        (training_pb2.VersionRef(model="Ghost", version="v1"), InvalidArgumentError),
    ],
)
def test_nobody_uploads_for_what_does_not_exist(
    client: Client, purpose: training_pb2.Job | training_pb2.VersionRef, kind: type[CallError]
) -> None:
    with pytest.raises(kind):
        client.training.upload(b"bytes", training_pb2.ARTIFACT_KIND_MODEL, purpose)


def test_a_download_goes_on_where_it_broke_off(client: Client, channel: grpc.Channel) -> None:
    data = bytes(range(256)) * (CHUNK_BYTES // 100)
    whose = training_pb2.VersionRef(model="ill", version="v1")
    sha = client.training.upload(data, training_pb2.ARTIFACT_KIND_MODEL, whose)
    stub = artifact_pb2_grpc.ArtifactServiceStub(channel)

    parts = list(stub.Download(artifact_pb2.DownloadRequest(sha256=sha, offset=1_000)))

    assert b"".join(one.chunk for one in parts) == data[1_000:]
    assert [one.offset for one in parts] == list(range(1_000, len(data), CHUNK_BYTES))
    assert client.artifacts.download(sha) == data
    assert list(stub.Download(artifact_pb2.DownloadRequest(sha256=sha, offset=len(data)))) == []
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.Download(artifact_pb2.DownloadRequest(sha256=sha, offset=len(data) + 1)))
    assert translate(caught.value).code == grpc.StatusCode.OUT_OF_RANGE


def test_model_bytes_are_no_manifest(client: Client) -> None:
    whose = training_pb2.VersionRef(model="ill", version="v1")
    sha = client.training.upload(b"\xff\xfe no manifest", training_pb2.ARTIFACT_KIND_MODEL, whose)

    with pytest.raises(NotFoundError):
        client.artifacts.manifest(sha)


def test_a_worker_that_waits_for_a_job_is_told_in_the_end_that_there_is_none(client: Client) -> None:
    assert client.training.lease("idle", kinds=[training_pb2.JOB_KIND_CHALLENGE], wait_seconds=1) is None


def test_an_attempt_that_was_never_leased_changes_nothing(client: Client) -> None:
    stale = training_pb2.Job(job_id="ghost", attempt=7)

    assert client.training.heartbeat(stale).abandon
    with pytest.raises((NotFoundError, FailedPreconditionError)):
        client.training.fail(stale, training_pb2.FAILURE_CLASS_CRASHED, "x", training_pb2.ISOLATION_LEVEL_NONE)


def test_a_repeated_request_gets_its_first_answer_though_the_world_moved_on(client: Client) -> None:
    first = client.operations.hold("many-2", reason="lunch", request_id="hold-1")
    client.operations.release("many-2")

    again = client.operations.hold("many-2", reason="lunch", request_id="hold-1")

    assert again == first
    assert client.state("many-2").automation == health_pb2.AUTOMATION_AUTO


def test_the_same_request_id_with_another_content_is_refused(client: Client) -> None:
    client.ingest_metrics("many-3", points(1, [0.1]), request_id="metrics-1")

    with pytest.raises(CallError) as caught:
        client.ingest_metrics("many-3", points(1, [0.2]), request_id="metrics-1")

    assert caught.value.code == grpc.StatusCode.ALREADY_EXISTS
    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert "request_id: 'metrics-1' was used before" in str(caught.value)


def test_a_batch_id_with_other_rows_is_refused_by_the_name_that_it_was_sent_under(client: Client) -> None:
    model = a_model("reused")
    client.create_model(model, a_reference())
    rows = [
        make_batch("day-0", {"x": [value]}, outputs={"v1": [0.5]}, prediction_ids=["p"], times_us=[10**12])
        for value in (0.1, 0.2)
    ]
    client.ingest_batch("reused", rows[0])

    with pytest.raises(CallError) as caught:
        client.ingest_batch("reused", rows[1])

    assert caught.value.reason == "REQUEST_ID_REUSED"
    assert "batch.batch_id: 'day-0' was used before" in str(caught.value)


def test_text_without_end_is_refused_by_name(client: Client) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        client.operations.hold("many-4", reason="x" * 2_001)

    assert [one.field for one in caught.value.violations] == ["reason"]
