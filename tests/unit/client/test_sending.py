from __future__ import annotations

import threading
from collections import deque
from typing import Any

import grpc
import pytest
from remission.reporting import Buffer
from remission.sending import Sender

from tests.fixtures.clients import Wireless, failure
from tests.fixtures.services import a_model
from tests.unit.client.batches import outcome, scored, send, told

PATIENCE_SECONDS = 30.0
AWAY = failure(grpc.StatusCode.UNAVAILABLE)


def test_rows_and_the_labels_behind_them_arrive(intake: Wireless) -> None:
    sender, buffer = send(intake, scored("a", "b"), outcome("a"), scored("c"), outcome("c", 0.0))

    assert told(sender, buffer) == (5, 0, 0)
    assert (intake.rows(), intake.labels()) == (3, 2)
    assert intake.sizes == [3, 2]


@pytest.mark.parametrize(
    "code",
    [
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    ],
)
def test_what_may_pass_is_tried_again_under_the_same_id(intake: Wireless, code: grpc.StatusCode) -> None:
    intake.before.extend([failure(code)] * 3)

    sender, buffer = send(intake, scored("a"))

    assert told(sender, buffer) == (1, 0, 0)
    assert len(intake.batch_ids) == 4
    assert len(set(intake.batch_ids)) == 1


def test_an_answer_that_was_lost_counts_nothing_twice(intake: Wireless) -> None:
    intake.lost = 2

    sender, buffer = send(intake, scored("a", "b"), outcome("a"))

    assert told(sender, buffer) == (3, 0, 0)
    assert (intake.rows(), intake.labels()) == (2, 1)


def test_a_server_that_stumbles_over_a_batch_for_ever_does_not_hold_up_the_next(intake: Wireless) -> None:
    intake.before.extend([failure(grpc.StatusCode.INTERNAL)] * 5)

    sender, buffer = send(intake, scored("a"), scored("b", route_generation=0))

    assert told(sender, buffer) == (1, 1, 0)
    assert intake.rows() == 1


def test_labels_may_be_reported_in_any_order_of_time(intake: Wireless) -> None:
    ids = [f"p-{i}" for i in range(50)]

    sender, buffer = send(intake, scored(*ids), *(outcome(one, time_us=9_000 - i) for i, one in enumerate(ids)))

    assert told(sender, buffer) == (100, 0, 0)
    assert intake.sizes == [50, 50]


def test_the_same_label_twice_is_one_label(intake: Wireless) -> None:
    sender, buffer = send(intake, scored("a"), outcome("a"), outcome("a"))

    assert told(sender, buffer) == (3, 0, 0)
    assert intake.labels() == 1


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.FAILED_PRECONDITION])
def test_what_cannot_pass_is_given_up_at_once_and_what_comes_next_is_sent(
    intake: Wireless, code: grpc.StatusCode
) -> None:
    intake.before.append(failure(code))

    sender, buffer = send(intake, scored("a"), scored("b", route_generation=0))

    assert told(sender, buffer) == (1, 1, 0)
    assert intake.rows() == 1


def test_a_model_that_is_registered_late_is_looked_up_again(intake: Wireless) -> None:
    buffer = Buffer(100)
    sender = Sender(intake, buffer, "late", pause_seconds=0)
    runner = threading.Thread(target=sender.run)
    runner.start()
    buffer.put(scored("a"))
    assert buffer.wait_empty(PATIENCE_SECONDS)
    intake.service.create_model(a_model("late")).result()
    buffer.put(scored("b"))
    assert buffer.wait_empty(PATIENCE_SECONDS)
    buffer.close()
    runner.join(PATIENCE_SECONDS)

    assert told(sender, buffer) == (1, 1, 0)
    assert intake.rows("late") == 1


class Away(Wireless):
    """A server that is never there; says when it was asked."""

    asked: threading.Event

    def _call(self, batch_id: str, size: int, work: Any) -> Any:
        del batch_id, size, work
        self.asked.set()
        raise AWAY


def test_a_sender_that_is_stopped_counts_what_it_could_not_send_as_dropped(intake: Wireless) -> None:
    away = Away(intake.service)
    away.asked = threading.Event()
    buffer = Buffer(100)
    sender = Sender(away, buffer, "m")
    runner = threading.Thread(target=sender.run)
    runner.start()
    buffer.put(scored("a", "b"))
    assert away.asked.wait(PATIENCE_SECONDS)
    buffer.put(scored("c"))
    buffer.put(outcome("a"))
    buffer.close()

    sender.stop()
    runner.join(PATIENCE_SECONDS)

    assert not runner.is_alive()
    assert told(sender, buffer) == (0, 0, 4)
    assert buffer.wait_empty(0)


def test_what_was_said_last_against_a_report_stays_though_it_passed(intake: Wireless) -> None:
    intake.before = deque([AWAY, failure(grpc.StatusCode.ABORTED)])

    sender, _ = send(intake, scored("a"))

    assert sender.last_error is not None
    assert "ABORTED" in str(sender.last_error)
