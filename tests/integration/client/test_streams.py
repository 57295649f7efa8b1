"""What a client asks for many at once: batches in a stream, and the states of several models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from remission import Client, make_batch
from remission.errors import NotFoundError
from remission.v1 import ingest_pb2

from tests.fixtures.servers import serving
from tests.integration.server.examples import a_model, a_reference


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder: Path = tmp_path_factory.mktemp("streams")
    with serving(folder) as address, Client(address) as reached:
        for name in ("one", "two"):
            reached.create_model(a_model(name), a_reference())
        yield reached


def batches(name: str, sizes: tuple[int, ...]) -> Iterator[ingest_pb2.Batch]:
    for number, rows in enumerate(sizes):
        times = [1_000 * (number + 1) + row for row in range(rows)]
        yield make_batch(
            f"{name}-{number}", {"x": [1.0] * rows}, outputs={"v1": [0.5] * rows},
            prediction_ids=[f"{name}-{time}" for time in times], times_us=times,
        )  # fmt: skip


def test_each_batch_of_a_stream_gets_its_receipt_in_order(client: Client) -> None:
    receipts = list(client.ingest_stream("one", batches("a", (3, 1, 2))))

    assert [(one.accepted_rows, one.duplicate) for one in receipts] == [(3, False), (1, False), (2, False)]


def test_batches_that_are_streamed_again_are_not_counted_twice(client: Client) -> None:
    first = list(client.ingest_stream("one", batches("b", (2, 2))))
    again = list(client.ingest_stream("one", batches("b", (2, 2, 1))))

    assert [one.duplicate for one in first] == [False, False]
    assert [(one.accepted_rows, one.duplicate) for one in again] == [(2, True), (2, True), (1, False)]


def test_states_of_several_models_come_in_the_order_of_the_question_or_not_at_all(client: Client) -> None:
    found = client.health.get_all(["two", "one"])

    assert [one.model for one in found] == ["two", "one"]
    with pytest.raises(NotFoundError, match="ghost"):
        client.health.get_all(["one", "ghost"])
