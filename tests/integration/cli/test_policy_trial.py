"""Policies are tried before they are used: on a recorded stream, and on the decisions in a model's log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from remission import Client
from remission.v1 import ingest_pb2

from tests.fixtures.commands import remission
from tests.fixtures.servers import serving
from tests.integration.server.requests import create, model, reference

ROWS, CHANGE = 1_500, 800
DEAF = "loss: {tolerance: 10}\nregret: {every: 0}\ndrift: {alarms: never}\nquality: {alarms: never}\n"


def decline(path: Path) -> Path:
    """Write a stream whose truth turns round, for good."""
    chance = np.random.default_rng(5)
    x = chance.normal(size=ROWS)
    truth = (x + chance.normal(scale=0.3, size=ROWS) > 0).astype(int)
    turned = np.where(np.arange(ROWS) >= CHANGE, 1 - truth, truth)
    pd.DataFrame({"x": x, "label": turned}).to_csv(path, index=False)
    return path


def test_a_deaf_policy_is_told_beside_one_that_hears(tmp_path: Path) -> None:
    decline(tmp_path / "decline.csv")
    (tmp_path / "deaf.yaml").write_text(DEAF, encoding="utf-8")

    done = remission(
        "policy", "try", "deaf.yaml", "--stream", "decline.csv", "--target", "label", "--json", folder=tmp_path
    )

    told = json.loads(done.out)
    assert (done.code, told["names"]) == (0, {"old": "defaults", "new": "deaf.yaml"})
    assert told["old"]["alarms"] >= 1
    assert told["old"]["confirmed"] >= 1
    assert [told["new"][name] for name in ("alarms", "confirmed", "remedies", "transitions")] == [0, 0, 0, []]
    assert told["old"]["loss"] < told["new"]["loss"] == told["new"]["static_loss"]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a server that watches a model which fell ill by a metric."""
    with serving(tmp_path_factory.mktemp("trial")) as target, Client(target) as client:
        asked = create(model("m"), reference())
        client.create_model(asked.model, asked.reference)
        worse = ingest_pb2.DIRECTION_HIGHER_IS_WORSE
        points = [
            ingest_pb2.MetricPoint(name="rate", time_us=1_000_000 * i, value=v, direction=worse, tolerance=0.2)
            for i, v in enumerate([0.1] * 12 + [0.5] * 12, 1)
        ]
        watching = client.watch("m")
        client.ingest_metrics("m", points)
        while next(watching).trigger != "confirm_decline":
            pass
        yield target


def test_the_decisions_on_record_are_judged_under_another_policy(target: str, tmp_path: Path) -> None:
    (tmp_path / "patient.yaml").write_text("metrics: {alarm: 1e+6, confirm: 1e+6}\n", encoding="utf-8")

    same = remission("policy", "try", "defaults", "--model", "m", "--json", folder=tmp_path, REMISSION_SERVER=target)
    other = remission("policy", "try", "patient.yaml", "--model", "m", folder=tmp_path, REMISSION_SERVER=target)

    told = {one["judge"]: one["would_decide"] for one in json.loads(same.out)["decisions"]}
    assert (same.code, other.code, other.err) == (0, 0, "")
    assert (told["series@3"], told["series_resolve@3"]) == ("alarm_raised", "decline_confirmed")
    assert [line.split()[-2] for line in other.out.splitlines() if "series@3" in line] == ["nothing"]


@pytest.mark.parametrize("asked", [(), ("--stream", "s.csv", "--target", "y", "--model", "m"), ("--stream", "s.csv")])
def test_a_trial_is_on_a_stream_or_on_a_model(asked: tuple[str, ...], tmp_path: Path) -> None:
    done = remission("policy", "try", "defaults", *asked, folder=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert "--stream" in done.err
