from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest
from remission.batches import MAX_BATCH_BYTES
from remission.columns import NUMERIC
from remission.errors import InvalidArgumentError, NotFoundError, make_error
from remission.reporting import Outcome, Scored
from remission.sending import BatchTooLarge

from tests.fixtures.clients import Wireless, failure
from tests.unit.client.batches import outcome, scored, send, told

PATIENCE_SECONDS = 30.0
AWAY = failure(grpc.StatusCode.UNAVAILABLE)

SENT_TOO_LARGE = failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "CLIENT: Sent message larger than max (9 vs. 4)")


def test_a_row_that_is_refused_takes_no_other_call_with_it(intake: Wireless) -> None:
    good = [scored(f"g-{i}") for i in range(20)]
    bad = scored("bad", columns={"x": np.array([np.inf]), "colour": np.array(["red"])})

    sender, buffer = send(intake, *good[:7], bad, *good[7:])

    assert told(sender, buffer) == (20, 1, 0)
    assert intake.rows() == 20
    assert isinstance(sender.last_error, InvalidArgumentError)


@pytest.mark.parametrize(
    "bad",
    [
        scored("bad", columns={"x": np.array(["word"]), "colour": np.array(["red"])}),
        scored("bad", unit_ids=[7]),
        scored(7),  # type: ignore[arg-type]  # what a caller may get wrong
        scored("bad", served_by=["v9"]),
        scored("bad", outputs={"v1": np.array([np.nan])}),
        scored("bad", outputs={"v1": np.array([0.5]), "v9": np.array([0.5])}),
        scored("\ud800"),
        scored("bad", latency_us=np.zeros(3, dtype=np.int32)),
    ],
)
def test_whatever_is_wrong_with_rows_the_others_are_sent(intake: Wireless, bad: Scored) -> None:
    sender, buffer = send(intake, scored("a"), bad, scored("b"))

    assert told(sender, buffer) == (2, 1, 0)
    assert intake.rows() == 2


def test_a_label_of_a_row_that_was_dropped_takes_no_other_with_it(intake: Wireless) -> None:
    labels = [outcome("a"), outcome("gone"), outcome("b"), outcome("gone as well")]

    sender, buffer = send(intake, scored("a", "b"), *labels)

    assert told(sender, buffer) == (4, 2, 0)
    assert intake.labels() == 2
    assert isinstance(sender.last_error, NotFoundError)


@pytest.mark.parametrize("bad", [outcome("a", 7.0), outcome("a", time_us=-1), outcome("a", time_us=1 << 70)])
def test_a_label_that_cannot_be_takes_no_other_with_it(intake: Wireless, bad: Outcome) -> None:
    sender, buffer = send(intake, scored("a", "b"), bad, outcome("b"))

    assert told(sender, buffer) == (3, 1, 0)
    assert intake.labels() == 1


def test_rows_of_a_model_that_nobody_knows_are_refused_in_one_call(intake: Wireless) -> None:
    sender, buffer = send(intake, *(scored(f"p-{i}") for i in range(100)), model="stranger")

    assert told(sender, buffer) == (0, 100, 0)
    assert intake.batch_ids == []


def test_labels_of_a_model_that_nobody_knows_are_refused_in_one_call(intake: Wireless) -> None:
    sender, buffer = send(intake, *(outcome(f"p-{i}") for i in range(100)), model="stranger")

    assert told(sender, buffer) == (0, 100, 0)
    assert len(intake.batch_ids) == 1


def test_rows_without_a_feature_are_refused_in_one_call(intake: Wireless) -> None:
    wrong = [scored(f"p-{i}", columns={"x": np.zeros(1)}) for i in range(100)]

    sender, buffer = send(intake, *wrong)

    assert told(sender, buffer) == (0, 100, 0)
    assert len(intake.batch_ids) == 1


def test_rows_that_are_all_wrong_do_not_make_a_call_each(intake: Wireless) -> None:
    wrong = [scored(f"p-{i}", outputs={"v1": np.array([np.nan])}) for i in range(2_000)]

    sender, buffer = send(intake, *wrong)

    assert told(sender, buffer) == (0, 2_000, 0)
    assert len(intake.batch_ids) < 200


class Narrow:
    """Takes a few rows at once; remembers how many came."""

    def __init__(self, most: int, error: Exception) -> None:
        self.most, self.error = most, error
        self.taken: list[int] = []

    def ingest_batch(self, model: str, batch: Any, /) -> Any:
        del model
        if batch.row_count > self.most:
            raise self.error
        self.taken.append(batch.row_count)

    def ingest_labels(self, *given: Any, **named: Any) -> Any:
        raise AssertionError(given, named)

    def feature_kinds(self, model: str, /) -> Any:
        del model
        return {"x": NUMERIC}


@pytest.mark.parametrize("error", [SENT_TOO_LARGE, BatchTooLarge(1)], ids=["told", "foreseen"])
def test_a_batch_that_is_too_large_is_divided_down_to_rows(error: Exception) -> None:
    intake = Narrow(3, error)

    sender, buffer = send(intake, scored(*map(str, range(10))), scored("last"))

    assert told(sender, buffer) == (11, 0, 0)
    assert sum(intake.taken) == 11
    assert max(intake.taken) <= 3


def test_a_row_that_is_too_large_alone_is_refused() -> None:
    sender, buffer = send(Narrow(0, SENT_TOO_LARGE), scored("a", "b"))

    assert told(sender, buffer) == (0, 2, 0)


def test_wide_rows_are_sent_in_batches_that_a_server_takes() -> None:
    ids = [f"p-{i}" for i in range(3_000)]
    wide = {f"x{i}": np.zeros(len(ids)) for i in range(1_500)}
    intake = Narrow(len(ids), AWAY)

    sender, buffer = send(intake, scored(*ids, columns=wide))

    assert told(sender, buffer) == (3_000, 0, 0)
    assert max(intake.taken) * 1_500 * 8 <= MAX_BATCH_BYTES


def test_a_server_that_is_busy_is_not_taken_for_one_that_finds_a_batch_too_large(intake: Wireless) -> None:
    intake.before.append(failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "2 calls are under way"))

    sender, buffer = send(intake, scored("a"), scored("b"))

    assert told(sender, buffer) == (2, 0, 0)
    assert intake.sizes == [2, 2]


def test_a_refusal_that_names_no_field_is_divided_too() -> None:
    error = make_error(grpc.StatusCode.INVALID_ARGUMENT, "no")
    intake = Narrow(1, error)

    sender, _ = send(intake, scored("a"), scored("b"))

    assert sender.sent == 2
    assert intake.taken == [1, 1]
