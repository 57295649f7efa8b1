"""A server diagnoses an open incident anew, and tells both diagnoses to whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from remission import Client, make_reference
from remission.v1 import audit_pb2, model_pb2

from tests.fixtures.servers import serving
from tests.fixtures.services import MINUTE_US
from tests.fixtures.turning import BLAMED, CALM_WINDOWS, NAMES, PAST, POLICY, World, columns

TURNED_WINDOWS = 12
EQUAL = audit_pb2.DERIVATION_STATUS_EQUAL


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Give a server with a model whose answers were blamed by chance, some windows later."""
    with serving(tmp_path_factory.mktemp("anew"), clock="stream") as target, Client(target, timeout=30.0) as made:
        world = World(BLAMED)
        x, outputs, labels = world.past
        features = [model_pb2.FeatureSpec(name=name, kind=model_pb2.FEATURE_KIND_NUMERIC) for name in NAMES]
        asked = model_pb2.Model(
            name="m", owner="risk", task=model_pb2.TASK_BINARY, champion="v1", features=features,
            policy_json=json.dumps(POLICY),
        )  # fmt: skip
        past = np.arange(PAST) * MINUTE_US
        made.create_model(asked, make_reference(columns(x), labels=labels, outputs=outputs, times_us=past))
        for number in range(CALM_WINDOWS + TURNED_WINDOWS):
            send(made, world, turned=number >= CALM_WINDOWS)
        yield made


def send(client: Client, world: World, *, turned: bool) -> None:
    """Send a window of rows and their labels."""
    numbers, x, outputs, labels = world.window(turned=turned)
    ids, times_us = [f"p-{row}" for row in numbers], np.array(numbers) * MINUTE_US
    client.ingest("m", columns(x), outputs={"v1": outputs}, prediction_ids=ids, times_us=times_us)
    client.ingest_labels("m", ids, labels, times_us=times_us)


def test_the_remedy_that_few_rows_kept_away_is_under_way(client: Client) -> None:
    told = [one.type for one in client.history("m") if one.type in ("diagnosis_made", "remediation_started")]

    assert told == ["diagnosis_made", "diagnosis_made", "remediation_started"]
    assert client.operations.explain_wait("m").concern.cause == "concept_change"


def test_each_diagnosis_is_explained_and_comes_out_the_same_again(client: Client) -> None:
    made = [one.position for one in client.history("m") if one.type == "diagnosis_made"]
    first, second = (client.audit.explain("m", position) for position in made)

    assert [json.loads(one.decision.verdict_json)["cause"] for one in (first, second)] == ["serving", "concept_change"]
    assert json.loads(second.decision.verdict_json)["instead_of"] == "serving"
    assert (first.status, second.status) == (EQUAL, EQUAL)
    found = client.audit.verify("m")
    assert (found.first_failure, found.chain_ok, found.replay_equal) == ("", True, True)
    assert found.rederived == found.decisions
