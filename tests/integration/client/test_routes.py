"""A model in a serving process follows its route: against a real server, a real worker and real bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from remission import Client
from remission.assignment import assign
from remission.sklearn import MonitoredModel
from remission.v1.health_pb2 import STATE_CANARY, STATE_HEALTHY
from remission.v1.model_pb2 import OUTCOMES_EXOGENOUS, OUTCOMES_SELECTIVE
from remission.v1.routing_pb2 import Route
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from backtest.remote import Remote
from retraining.estimators import fit
from retraining.models import dump
from retraining.template import TEMPLATES
from tests.fixtures.servers import Server, start
from tests.integration.client.remedies import (
    WORDS,
    Tampering,
    Traffic,
    acknowledged,
    events,
    serve,
    serve_until,
    train,
    until,
    weak_champion,
)

REFRESH_SECONDS = 0.05


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = start(tmp_path)
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.target) as made:
        yield made


def watched(champion: LogisticRegression, server: Server) -> MonitoredModel:
    return MonitoredModel(champion, server.target, model="m", refresh_seconds=REFRESH_SECONDS)


def followed(client: Client) -> bool:
    return acknowledged(client) == client.route("m").generation


def until_exposed(model: MonitoredModel, traffic: Traffic, client: Client) -> Route:
    """Serve until a candidate has traffic, and no further: more rows would decide on it."""
    serve_until(model, traffic, lambda: client.state("m").exposure_bp)
    until(lambda: followed(client))
    return client.route("m")


def trained(client: Client, version: str) -> Any:
    """Give the estimator of a version, as its worker made it."""
    return skops.io.loads(client.artifacts.download(artifact_of(client, version)), trusted=["numpy.dtype"])


def artifact_of(client: Client, version: str) -> str:
    """Give the hash of a version's bytes."""
    manifest = client.artifacts.manifest(client.route("m").manifest_sha256s[version])
    return str(json.loads(manifest)["artifact_sha256"])


def test_a_candidate_scores_in_shadow_serves_the_units_of_the_published_rule_and_takes_over(
    server: Server, client: Client
) -> None:
    traffic = Traffic()
    champion = weak_champion(client, traffic, OUTCOMES_EXOGENOUS)
    train(client, Remote(client))
    candidate = trained(client, "remedy-1")
    with watched(champion, server) as model:
        until(lambda: followed(client))
        shadow = serve(model, traffic)
        route = until_exposed(model, traffic, client)
        matrix, _ = traffic.rows(200)
        units = traffic.units(200)

        rung = model.answer(matrix, unit_ids=units)
        nameless = model.answer(matrix)

        serve_until(model, traffic, lambda: client.state("m").state == STATE_HEALTHY and followed(client))
        promoted = model.answer(matrix)
        counts = model.counts

    chosen = assign(route.salt, units, route.exposure_bp)
    mine, its = champion.predict(matrix), WORDS[candidate.predict(matrix).astype(int)]
    assert set(shadow.served_by) == {"v1"}
    assert (route.exposure_bp, list(route.shadow_versions)) == (5_000, ["remedy-1"])
    assert rung.served_by == ["remedy-1" if one else "v1" for one in chosen]
    assert np.array_equal(rung.answers, np.where(chosen, its, mine))
    assert not np.array_equal(mine, its)
    assert np.array_equal(nameless.answers, mine)
    assert set(promoted.served_by) == {"remedy-1"}
    assert np.array_equal(promoted.answers, its)
    assert (counts.dropped, counts.refused) == (0, 0)


def test_a_process_that_starts_after_a_promotion_loads_what_was_promoted(server: Server, client: Client) -> None:
    traffic = Traffic()
    champion = weak_champion(client, traffic, OUTCOMES_EXOGENOUS)
    train(client, Remote(client))
    with watched(champion, server) as model:
        serve_until(model, traffic, lambda: client.state("m").champion == "remedy-1")

    with watched(champion, server) as fresh:
        until(lambda: set(serve(fresh, traffic).served_by) == {"remedy-1"})
        refused = fresh.counts.refused

    assert refused == 0


def test_when_the_server_is_gone_the_route_expires_and_the_champion_serves_everything(
    server: Server, client: Client
) -> None:
    traffic = Traffic()
    champion = weak_champion(client, traffic, OUTCOMES_SELECTIVE)
    train(client, Remote(client))
    with watched(champion, server) as model:
        route = until_exposed(model, traffic, client)
        (matrix, _), units = traffic.rows(50), traffic.units(50)
        before = model.answer(matrix, unit_ids=units)
        server.kill()

        until(lambda: "remedy-1" not in model.answer(matrix, unit_ids=units).served_by)

        after = model.answer(matrix, unit_ids=units)
        model.close(timeout=0)
    chosen = assign(route.salt, units, route.exposure_bp)
    assert before.served_by == ["remedy-1" if one else "v1" for one in chosen]
    assert chosen.any()
    assert (
        list(route.shadow_versions) == []
    )  # where only the served answer has an outcome, nothing is learned in shadow
    assert np.array_equal(after.answers, champion.predict(matrix))


def hostile(manifest: dict[str, Any], artifact: bytes) -> tuple[dict[str, Any], bytes]:
    """Put code of one's own into the model."""
    honest = skops.io.loads(artifact, trusted=["numpy.dtype"])
    return manifest, skops.io.dumps(make_pipeline(FunctionTransformer(eval), honest))


def unreadable(manifest: dict[str, Any], artifact: bytes) -> tuple[dict[str, Any], bytes]:
    """Cut the model short."""
    return manifest, artifact[:100]


def other_columns(manifest: dict[str, Any], artifact: bytes) -> tuple[dict[str, Any], bytes]:
    """Hand in a model of one column more than there are: it loads, and fails at work."""
    del artifact
    rows = np.random.default_rng(0).normal(size=(50, len(manifest["features"]) + 1))
    return manifest, dump(fit(TEMPLATES["linear"], "binary", rows, (rows[:, 0] > 0).astype(float), 0))


@pytest.mark.parametrize(
    ("change", "said", "outcomes"),
    [
        (hostile, "UntrustedArtifact", OUTCOMES_EXOGENOUS),
        (unreadable, "BadZipFile", OUTCOMES_SELECTIVE),
        (other_columns, "failed at work: ValueError", OUTCOMES_EXOGENOUS),
        (other_columns, "failed at work: ValueError", OUTCOMES_SELECTIVE),
    ],
)
def test_a_candidate_that_cannot_be_used_is_turned_back_and_no_caller_notices(
    server: Server, client: Client, change: Any, said: str, outcomes: Any
) -> None:
    traffic = Traffic()
    champion = weak_champion(client, traffic, outcomes)
    train(client, Tampering(client, change))
    with watched(champion, server) as model:
        told = serve_until(model, traffic, lambda: client.state("m").state != STATE_CANARY)

        counts = model.counts
    notes = [event.payload_json for event in events(client, "state_changed")]
    assert {version for one in told for version in one.served_by} == {"v1"}
    assert any(said in note for note in notes)
    assert client.state("m").champion == "v1"
    assert (counts.dropped, counts.refused) == (0, 0)


def test_bytes_that_were_altered_on_the_way_are_not_loaded(server: Server, client: Client, tmp_path: Path) -> None:
    traffic = Traffic()
    champion = weak_champion(client, traffic, OUTCOMES_EXOGENOUS)
    train(client, Remote(client))
    sha256 = artifact_of(client, "remedy-1")
    [kept] = [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file() and sha256 in str(path)]
    kept.chmod(0o600)
    kept.write_bytes(b"\0" + kept.read_bytes()[1:])
    with watched(champion, server) as model:
        until(lambda: client.state("m").state != STATE_CANARY)

        served = model.answer(traffic.rows(20)[0], unit_ids=traffic.units(20))

        error = model.route_error
    assert set(served.served_by) == {"v1"}
    assert "DATA_LOSS" in str(error)
