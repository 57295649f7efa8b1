"""A server that is away costs a prediction nothing, and what is lost by it is counted to the row."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from remission import Client
from remission.sklearn import MonitoredModel

from cli.ports import free_port
from tests.fixtures.servers import start
from tests.integration.client.watched import (
    REFERENCE_ROWS,
    Halves,
    black_hole,
    labels_had,
    numbers,
    register,
    rows_had,
)

PATIENCE_SECONDS = 60.0
ROOM = 100  #: rows and outcomes that the buffer keeps


class Reports:
    """What a caller does, and how much of it there was."""

    def __init__(self, model: MonitoredModel) -> None:
        self.model = model
        self.rows, self.outcomes = 0, 0
        self.first_id = ""

    def make(self, calls: int, rows: int = 3) -> None:
        """Predict, and report an outcome of each call's first row."""
        for _ in range(calls):
            told = self.model.answer(numbers(rows))
            assert told.answers.tolist() == [i / 2 for i in range(rows)]
            self.model.report_outcome(told.prediction_ids[0], 0.0)
            self.first_id = self.first_id or told.prediction_ids[0]
            self.rows += rows
            self.outcomes += 1

    @property
    def made(self) -> int:
        """Count rows and outcomes."""
        return self.rows + self.outcomes


@pytest.fixture
def port(tmp_path: Path) -> int:
    """Give the port of a server that knows the model, and is gone."""
    number = free_port()
    server = start(tmp_path, port=number)
    with Client(server.target) as client:
        register(client, "m", numbers(REFERENCE_ROWS), [])
    server.stop()
    return number


@pytest.fixture
def hole() -> Iterator[str]:
    with black_hole() as address:
        yield address


def lost(client: Client, reports: Reports) -> int:
    """Count what was reported and the server never got."""
    return reports.made - rows_had(client, "m") - labels_had(client, "m", reports.first_id, 0.0)


def test_with_a_server_that_was_never_started_drops_equal_the_counter_once_it_comes_up(
    tmp_path: Path, port: int
) -> None:
    with MonitoredModel(Halves(), f"127.0.0.1:{port}", model="m", buffer_rows=ROOM) as model:
        reports = Reports(model)
        reports.make(200)
        kept = reports.made - model.counts.dropped
        server = start(tmp_path, port=port)

        assert model.flush(PATIENCE_SECONDS)

        counts = model.counts
        with Client(server.target) as client:
            missing = lost(client, reports)
    server.stop()
    assert kept == ROOM
    assert counts.dropped + counts.refused == missing == reports.made - counts.sent
    assert counts.dropped == reports.made - ROOM


def test_with_a_server_that_is_killed_in_the_middle_drops_equal_the_counter(tmp_path: Path, port: int) -> None:
    server = start(tmp_path, port=port)
    with MonitoredModel(Halves(), server.target, model="m", buffer_rows=ROOM) as model:
        reports = Reports(model)
        for _ in range(3):
            reports.make(5)
            assert model.flush(PATIENCE_SECONDS)
            reports.make(20)
            server.kill()  # whatever is on its way just now
            reports.make(100)
            server = start(tmp_path, port=port)
            assert model.flush(PATIENCE_SECONDS)

        counts = model.counts
        with Client(server.target) as client:
            missing = lost(client, reports)
    server.stop()
    assert counts.dropped > 0
    assert counts.dropped + counts.refused == missing
    assert counts.sent == reports.made - missing


def test_with_a_server_that_hangs_drops_equal_the_counter_once_it_wakes(tmp_path: Path, port: int) -> None:
    server = start(tmp_path, port=port)
    with MonitoredModel(Halves(), server.target, model="m", buffer_rows=ROOM) as model:
        reports = Reports(model)
        reports.make(5)
        assert model.flush(PATIENCE_SECONDS)
        server.process.send_signal(signal.SIGSTOP)
        reports.make(300)
        kept = reports.made - model.counts.sent - model.counts.dropped
        server.process.send_signal(signal.SIGCONT)

        assert model.flush(PATIENCE_SECONDS)

        counts = model.counts
        with Client(server.target) as client:
            missing = lost(client, reports)
    server.stop()
    assert kept == ROOM
    assert counts.dropped + counts.refused == missing
    assert counts.sent == reports.made - missing


def test_an_address_that_never_answers_holds_up_no_prediction_and_all_is_counted_at_the_end(hole: str) -> None:
    model = MonitoredModel(Halves(), hole, model="m", buffer_rows=ROOM)
    reports = Reports(model)
    reports.make(2_000)  # had each waited for an answer, however short, this would not end
    held = reports.made - model.counts.dropped

    model.close(timeout=0)

    assert held == ROOM
    assert model.counts.dropped == reports.made
    assert model.counts.sent == 0


def test_to_close_again_or_from_several_threads_is_to_close_once(hole: str) -> None:
    model = MonitoredModel(Halves(), hole, model="m", buffer_rows=ROOM)
    reports = Reports(model)
    reports.make(10)
    threads = [threading.Thread(target=model.close, args=(0.0,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    model.close()

    assert not any(thread.is_alive() for thread in threads)
    assert model.counts.dropped == reports.made
    assert [one.name for one in threading.enumerate() if one.name.startswith("remission-")] == []


def test_a_closed_model_still_answers_and_counts_what_it_cannot_report(hole: str) -> None:
    model = MonitoredModel(Halves(), hole, model="m")
    model.close(timeout=0)

    answers = model.predict(numbers(4))

    assert np.array_equal(answers, Halves().predict(numbers(4)))
    assert model.counts.dropped == 4


@pytest.mark.parametrize("target", ["nowhere.invalid:1", "127.0.0.1:1", "not an address at all"])
def test_an_address_that_cannot_be_is_no_reason_to_refuse_an_answer(target: str) -> None:
    model = MonitoredModel(Halves(), target, model="m")
    answers = model.predict(numbers(4))
    model.close(timeout=0)

    assert np.array_equal(answers, Halves().predict(numbers(4)))
    assert model.counts.dropped == 4


def test_a_close_with_time_sends_what_is_buffered(tmp_path: Path, port: int) -> None:
    server = start(tmp_path, port=port)
    model = MonitoredModel(Halves(), server.target, model="m")
    reports = Reports(model)
    reports.make(50)

    model.close(PATIENCE_SECONDS)

    with Client(server.target) as client:
        missing = lost(client, reports)
    server.stop()
    assert missing == 0
    assert model.counts.sent == reports.made
