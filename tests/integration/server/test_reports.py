"""What a worker hands in is checked whole: nonsense is refused by the name of its field, and the job stays its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from remission import Client
from remission.errors import InvalidArgumentError, translate
from remission.v1 import training_pb2, training_pb2_grpc

from tests.fixtures.listeners import in_memory
from tests.integration.server.life import QUIET, Life, a_report

ENTRY = a_report()["entrants"][0]
BLOCKS = ENTRY["lead"]


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with in_memory() as address:
        yield address


@pytest.fixture(scope="module")
def leased(target: str) -> Iterator[Life]:
    """Give an ill model whose remedy a worker has begun to train."""
    with Client(target, timeout=10.0) as client:
        life = Life(client, QUIET)
        life.decline()
        life.lease()
        yield life


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        *[({name: None}, f"report_json.{name}") for name in sorted(a_report())],
        ({"rows": -1}, "report_json.rows"),
        ({"rows": "many"}, "report_json.rows"),
        ({"rows": 1 << 63}, "report_json.rows"),
        ({"holdout": [1]}, "report_json.holdout"),
        ({"holdout": [5, 1]}, "report_json.holdout"),
        ({"champion": [[1, 2]]}, "report_json.champion[0]"),
        ({"champion": 7}, "report_json.champion"),
        ({"entrants": 7}, "report_json.entrants"),
        ({"entrants": [7]}, "report_json.entrants[0]"),
        ({"entrants": [ENTRY, ENTRY]}, "report_json.entrants[1].name"),
        ({"entrants": [{**ENTRY, "remedy": "prayer"}]}, "report_json.entrants[0].remedy"),
        ({"entrants": [{**ENTRY, "remedy": "restore"}]}, "report_json.entrants[0].remedy"),
        ({"entrants": [{**ENTRY, "lead": BLOCKS[1:]}]}, "report_json.entrants[0].lead"),
        ({"entrants": [{**ENTRY, "lead": [[1.5, 0, 0]] * 10}]}, "report_json.entrants[0].lead[0][0]"),
        ({"entrants": [{**ENTRY, "lead": [[-1, 0, 0]] * 10}]}, "report_json.entrants[0].lead[0][0]"),
        ({"entrants": [{**ENTRY, "lead": [[1, -(1 << 63), 0]] * 10}]}, "report_json.entrants[0].lead[0][1]"),
        ({"entrants": [{**ENTRY, "extreme": 1e301}]}, "report_json.entrants[0].extreme"),
        ({"entrants": [{**ENTRY, "rows": [[1]]}]}, "report_json.entrants[0].rows[0]"),
        ({"entrants": [{**ENTRY, "churn": "high"}]}, "report_json.entrants[0].churn"),
        ({"skipped": ["a"]}, "report_json.skipped"),
        ({"chosen": ""}, "report_json.chosen"),
        ({"chosen": "nobody"}, "report_json.chosen"),
        ({"semantic_sha256": "f" * 65}, "report_json.semantic_sha256"),
        ({}, "artifact_sha256s"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused_by_the_name_of_its_field(
    leased: Life, changes: dict[str, Any], field: str
) -> None:
    before = list(leased.client.history())

    with pytest.raises(InvalidArgumentError) as caught:
        leased.hand_in({**a_report(), **changes})

    assert [one.field for one in caught.value.violations] == [field]
    assert list(leased.client.history()) == before
    assert not leased.client.training.heartbeat(leased.job).abandon


@pytest.mark.parametrize(
    "document",
    [
        b"\xff",
        b"[]",
        b"{}",
        b'{"format":"skops","task":"binary"}',
        b'{"format":"skops","task":"t","artifact_sha256":5}',
    ],
)
def test_a_manifest_that_is_none_is_refused(leased: Life, document: bytes) -> None:
    sha = leased.client.training.upload(document, training_pb2.ARTIFACT_KIND_MANIFEST, leased.job)

    with pytest.raises(InvalidArgumentError) as caught:
        leased.hand_in(a_report(), sha)

    assert [one.field for one in caught.value.violations] == ["artifact_sha256s[0]"]


@pytest.mark.parametrize("text", ["", "{", "[]", "7", json.dumps("words")])
def test_a_report_that_is_no_object_is_refused(target: str, leased: Life, text: str) -> None:
    request = training_pb2.CompleteJobRequest(
        request_id="r", job_id=leased.job.job_id, attempt=leased.job.attempt, report_json=text,
        isolation=training_pb2.ISOLATION_LEVEL_NONE,
    )  # fmt: skip

    with grpc.insecure_channel(target) as channel, pytest.raises(grpc.RpcError) as caught:
        training_pb2_grpc.TrainingServiceStub(channel).CompleteJob(request)

    assert [one.field for one in translate(caught.value).violations] == ["report_json"]
