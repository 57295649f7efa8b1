"""What windows of rows showed, as a person asks a real server for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from remission import Client, make_reference
from remission.errors import InvalidArgumentError, NotFoundError
from remission.v1 import health_pb2, model_pb2

from tests.fixtures.servers import serving

REFERENCE, WINDOW, SECOND_US = 600, 100, 1_000_000
POLICY = json.dumps({
    "windows": {"rows": 100},
    "segments": {"splits": [{"name": "colour", "column": "c"}, {"name": "x", "column": "x", "edges": [-3, 0]}]},
    "conditions": [
        {"name": "slow", "when": "latency.p99_ms > 5.0", "then": "suspect"},
        {"name": "late", "when": "labels.delay_p90_s > 600.0", "then": "suspect"},
    ],
})  # fmt: skip


def columns(chance: np.random.Generator, rows: int, shift: float, new: int) -> dict[str, list[float] | list[str]]:
    """Give rows of one number and one word; the last *new* words are such as nobody knew."""
    words = [("red", "green")[i] for i in chance.integers(0, 2, rows - new)] + ["plum"] * new
    return {"x": (chance.normal(size=rows) + shift).tolist(), "c": words}


def a_model(name: str) -> model_pb2.Model:
    return model_pb2.Model(
        name=name, owner="risk", task=model_pb2.TASK_BINARY, champion="v1", policy_json=POLICY,
        label_delay_rows=WINDOW,
        features=[
            model_pb2.FeatureSpec(name="x", kind=model_pb2.FEATURE_KIND_NUMERIC),
            model_pb2.FeatureSpec(name="c", kind=model_pb2.FEATURE_KIND_CATEGORICAL, categories=["red", "green"]),
        ],
    )  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path, clock="stream") as address, Client(address) as made:
        register(made, "m")
        yield made


def register(client: Client, name: str) -> None:
    chance = np.random.default_rng(1)
    reference = make_reference(
        columns(chance, REFERENCE, 0.0, 0), labels=chance.integers(0, 2, REFERENCE),
        outputs=chance.uniform(size=REFERENCE), times_us=range(REFERENCE),
    )  # fmt: skip
    client.create_model(a_model(name), reference)


def ingest(client: Client, window: int, shift: float = 0.0, new: int = 0, latency_us: int = 0) -> None:
    """Send the rows of one window; each tenth is about somebody."""
    chance, numbers = np.random.default_rng(100 + window), range(window * WINDOW, (window + 1) * WINDOW)
    client.ingest(
        "m", columns(chance, WINDOW, shift, new), outputs={"v1": chance.uniform(size=WINDOW)},
        prediction_ids=[f"p-{n}" for n in numbers], times_us=[SECOND_US * (1 + n) for n in numbers],
        latency_us=[latency_us] * WINDOW if latency_us else (),
        subject_ids=["somebody" if n % 10 == 0 else f"s-{n}" for n in numbers],
    )  # fmt: skip


def of(window: health_pb2.RowWindow, name: str) -> health_pb2.FeatureWindow:
    return next(one for one in window.features if one.name == name)


def test_a_window_shows_which_feature_moved_by_how_much_and_what_is_new(client: Client) -> None:
    ingest(client, 0)
    ingest(client, 1, shift=1.0, new=40)

    before, after = client.health.windows("m", 2)

    assert (before.first_row, before.end_row, after.end_row) == (REFERENCE, REFERENCE + WINDOW, REFERENCE + 2 * WINDOW)
    assert [one.name for one in after.features] == ["x", "c", "@output"]
    assert of(after, "x").wasserstein == pytest.approx(1.0, abs=0.25)
    assert of(after, "x").mean == pytest.approx(1.0, abs=0.25)
    assert of(after, "x").psi > of(before, "x").psi
    assert of(after, "x").log_evidence > of(before, "x").log_evidence
    assert of(after, "x").change.startswith("shift +")
    assert of(after, "c").new == pytest.approx(0.4)
    assert [(one.category, one.rows) for one in of(after, "c").new_categories] == [("plum", 40)]
    assert (of(after, "c").HasField("wasserstein"), of(after, "c").HasField("mean")) == (False, False)
    assert {(one.feature, one.kind) for one in after.faults} == {("c", "new_category")}


def test_a_window_shows_what_labels_and_latencies_tell_and_nothing_that_was_not_told(client: Client) -> None:
    ingest(client, 0)
    ingest(client, 1, latency_us=2_000)
    numbers = range(WINDOW, WINDOW + 50)
    client.ingest_labels("m", [f"p-{n}" for n in numbers], [1.0] * 50, times_us=[SECOND_US * (WINDOW + 350)] * 50)

    silent, told = client.health.windows("m", 50)

    assert (silent.label_coverage, told.label_coverage) == (0.0, 0.5)
    assert (silent.HasField("loss"), told.HasField("loss")) == (False, True)
    assert 0.2 < told.loss < 0.8
    assert not silent.HasField("latency_p99_us")
    assert not silent.HasField("label_delay_p50_us")
    assert 300 * 7 / 8 <= told.label_delay_p50_us / SECOND_US <= told.label_delay_p90_us / SECOND_US <= 349
    assert 2_000 * 7 / 8 <= told.latency_p50_us <= told.latency_p99_us <= 2_000


def test_a_window_shows_each_segment_with_what_is_accepted_of_it(client: Client) -> None:
    ingest(client, 0, new=40)
    client.ingest_labels("m", [f"p-{n}" for n in range(50)], [1.0] * 50, times_us=[SECOND_US * 150] * 50)

    [window] = client.health.windows("m")

    red, green, far, low, high = window.segments
    assert [one.name for one in window.segments] == ["colour=red", "colour=green", "x<-3", "-3<=x<0", "x>=0"]
    assert (red.rows + green.rows, far.rows + low.rows + high.rows) == (60, 100)
    assert red.labelled + green.labelled == 50
    assert 0 < red.loss < 1
    assert 0.5 < red.accepted < 0.7
    assert (far.HasField("accepted"), high.HasField("accepted")) == (False, True)


def test_a_condition_on_latency_raises_suspicion(client: Client) -> None:
    ingest(client, 0, latency_us=1_000)
    quick = client.state("m").state
    ingest(client, 1, latency_us=20_000)

    slow = client.state("m").state

    assert (quick, slow) == (health_pb2.STATE_HEALTHY, health_pb2.STATE_SUSPECT)


def test_a_condition_on_the_delay_of_labels_holds_where_they_came_late(client: Client) -> None:
    for window in range(2):
        ingest(client, window)
    client.ingest_labels(
        "m", [f"p-{n}" for n in range(WINDOW, 2 * WINDOW)], [1.0] * WINDOW,
        times_us=[SECOND_US * (2 * WINDOW + 1_000)] * WINDOW,
    )  # fmt: skip
    before = client.state("m").state
    ingest(client, 2)

    after = client.state("m").state

    assert (before, after) == (health_pb2.STATE_HEALTHY, health_pb2.STATE_SUSPECT)


def test_erased_rows_are_in_no_window(client: Client) -> None:
    ingest(client, 0)
    client.privacy.erase_subject("somebody")

    (window,) = client.health.windows("m")

    assert window.rows == WINDOW - 10
    assert of(window, "x").missing == 0


def test_a_model_without_windows_has_none_and_one_that_is_not_here_is_named(client: Client) -> None:
    found = client.health.windows("m")

    with pytest.raises(NotFoundError, match="ghost"):
        client.health.windows("ghost")
    with pytest.raises(InvalidArgumentError, match=r"windows: 51 is not accepted; 0 to 50 is"):
        client.health.windows("m", 51)
    assert not found
