"""What a worker hands in is checked whole: nonsense is refused by the name of its field, and the job stays its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from remission import Client
from remission.errors import InvalidArgumentError, translate
from remission.v1 import training_pb2, training_pb2_grpc

from tests.fixtures.jobs import a_report, blocks_of
from tests.fixtures.listeners import in_memory
from tests.integration.server.life import QUIET, Life


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


FIELDS = (
    "champion", "chosen", "entrants", "holdout", "rows", "semantic_sha256", "skipped",
)  # fmt: skip
Change = Callable[[dict[str, Any]], object]


def told(**changes: Any) -> Change:
    """Change what the report says of the whole."""
    return lambda report: report.update(changes)


def of_it(**changes: Any) -> Change:
    """Change what the report says of its one entrant."""
    return lambda report: report["entrants"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *[(told(**{name: None}), f"report_json.{name}") for name in FIELDS],
        (told(rows=-1), "report_json.rows"),
        (told(rows="many"), "report_json.rows"),
        (told(rows=1 << 63), "report_json.rows"),
        (told(holdout=[1]), "report_json.holdout"),
        (told(holdout=[5, 1]), "report_json.holdout"),
        (told(holdout=[0, 1 << 50]), "report_json.holdout"),
        (told(champion=[[1, 2]]), "report_json.champion[0]"),
        (told(champion=7), "report_json.champion"),
        (told(entrants=7), "report_json.entrants"),
        (told(entrants=[7]), "report_json.entrants[0]"),
        (lambda report: report["entrants"].append(report["entrants"][0]), "report_json.entrants[1].name"),
        (of_it(name="stranger"), "report_json.entrants[0].name"),
        (told(entrants=[]), "report_json.entrants"),
        (told(skipped={}), "report_json.entrants"),
        (told(skipped={"stranger": "shy"}), "report_json.skipped"),
        (of_it(remedy="prayer"), "report_json.entrants[0].remedy"),
        (of_it(remedy="restore"), "report_json.entrants[0].remedy"),
        (lambda report: report["entrants"][0]["lead"].pop(), "report_json.entrants[0].lead"),
        (of_it(lead=[[1.5, 0, 0]] * 10), "report_json.entrants[0].lead[0][0]"),
        (of_it(lead=[[-1, 0, 0]] * 10), "report_json.entrants[0].lead[0][0]"),
        (of_it(lead=[[1, -(1 << 63), 0]] * 10), "report_json.entrants[0].lead[0][1]"),
        (of_it(extreme=1e301), "report_json.entrants[0].extreme"),
        (of_it(rows=[[1]]), "report_json.entrants[0].rows[0]"),
        (of_it(rows=[[0, 1]]), "report_json.entrants[0].rows"),
        (of_it(churn="high"), "report_json.entrants[0].churn"),
        (told(skipped=["a"]), "report_json.skipped"),
        (told(chosen=""), "report_json.chosen"),
        (told(chosen="nobody"), "report_json.chosen"),
        (told(semantic_sha256="f" * 65), "report_json.semantic_sha256"),
        (told(), "artifact_sha256s"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused_by_the_name_of_its_field(
    leased: Life, change: Change, field: str
) -> None:
    report, before = leased.report(), list(leased.client.history())
    change(report)

    with pytest.raises(InvalidArgumentError) as caught:
        leased.hand_in(report)

    assert [one.field for one in caught.value.violations] == [field]
    assert list(leased.client.history()) == before
    assert not leased.client.training.heartbeat(leased.job).abandon


def test_a_worker_does_not_choose_the_rows_that_it_is_compared_on(leased: Life) -> None:
    rows = leased.report()["rows"]
    report = {**a_report(leased.job), "rows": rows - 1, "champion": blocks_of(leased.job, np.full(rows - 1, 0.1))}

    with pytest.raises(InvalidArgumentError, match=f"{rows} is") as caught:
        leased.hand_in(report)

    assert [one.field for one in caught.value.violations] == ["report_json.rows"]
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
        leased.hand_in(leased.report(), sha)

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
