"""A real server and a real worker: a candidate that leads in the whole and ruins one site is turned away for it.

At the large site the champion guesses, and at the small one it is right. The recipe is a line, and what is true at one
site is false at the other, so whoever learns from both is right at the large one alone.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from remission import Client, make_reference
from remission.v1 import audit_pb2, model_pb2
from remission_verify.note import Verifier
from remission_verify.trust import Trust

from backtest.remote import Remote
from cli.decisions import sentence
from retraining.sandbox import Sandbox
from retraining.worker import Worker
from tests.fixtures.bundles import checked
from tests.fixtures.servers import serving

ROWS = 600
SMALL = "segments: site=small"
QUIET: dict[str, Any] = {"regret": {"every": 0}, "bakeoff": {"holdout": 0.5}}
BY_SITE = {"splits": [{"name": "site", "column": "site"}]}
GATED = {"mandatory": ["holdout", "gain", "sample", "sanity", "segments"]}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Give the client of a server that has judged three models, each under another policy."""
    with serving(tmp_path_factory.mktemp("sites")) as target, Client(target, timeout=30.0) as made:
        register(made, "gated", {"segments": BY_SITE, "gates": GATED})
        register(made, "told", {"segments": BY_SITE})
        register(made, "whole", {})
        with Sandbox() as sandbox:
            worker = Worker("w", Remote(made), sandbox)
            assert [worker.run_one() for _ in range(3)] == [True] * 3
        yield made


def register(client: Client, name: str, policy: dict[str, Any]) -> None:
    """Put a model under watch, and have it retrained."""
    chance = np.random.default_rng(3)
    x, small = chance.normal(size=ROWS), chance.random(ROWS) < 0.25
    labels = np.where(small, x < 0, x > 0)
    outputs = np.where(small, np.where(labels, 0.9, 0.1), np.where(chance.random(ROWS) < 0.5, 0.9, 0.1))
    asked = model_pb2.Model(
        name=name, owner="risk", task=model_pb2.TASK_BINARY, champion="v1", template="linear",
        policy_json=json.dumps({**QUIET, **policy}),
        features=[
            model_pb2.FeatureSpec(name="x", kind=model_pb2.FEATURE_KIND_NUMERIC),
            model_pb2.FeatureSpec(name="site", kind=model_pb2.FEATURE_KIND_CATEGORICAL),
        ],
    )  # fmt: skip
    times = time.time_ns() // 1_000 - 60_000_000 * np.arange(ROWS)[::-1]
    columns = {"x": x, "site": np.where(small, "small", "large").tolist()}
    client.create_model(asked, make_reference(columns, labels=labels, outputs=outputs, times_us=times))
    client.operations.start_retraining(name)


def judged(client: Client, name: str) -> tuple[audit_pb2.Event, dict[str, Any], dict[str, str]]:
    """Give the event of the gates, what it says, and the verdict of each gate."""
    [event] = [one for one in client.history(name) if one.type == "gates_judged"]
    told = json.loads(event.payload_json)
    return event, told, {gate["name"]: gate["verdict"] for gate in told["gates"]}


def test_it_is_turned_away_by_the_gate_that_names_the_site(client: Client) -> None:
    _, told, verdicts = judged(client, "gated")

    assert not told["passed"]
    assert [name for name, verdict in verdicts.items() if verdict == "fail"] == ["segments", SMALL]
    assert verdicts["segments: site=large"] == "pass"
    assert client.state("gated").reason == "GATES_FAILED"


def test_without_that_gate_it_is_tried_and_the_harm_is_on_record_where_segments_are_declared(client: Client) -> None:
    _, told, verdicts = judged(client, "told")
    _, whole, names = judged(client, "whole")

    assert (told["passed"], verdicts[SMALL], whole["passed"]) == (True, "fail", True)
    assert [name for name in names if "segment" in name or name == "cure"] == []
    assert [client.state(name).reason for name in ("told", "whole")] == ["GATES_PASSED"] * 2


@pytest.mark.parametrize(("name", "judge"), [("gated", "gates@2"), ("told", "gates@2"), ("whole", "gates@1")])
def test_the_decision_is_made_again_to_the_bit_and_all_others_with_it(client: Client, name: str, judge: str) -> None:
    event, told, _ = judged(client, name)

    again = client.audit.explain(name, event.position)
    audit = client.audit.verify(name)

    assert (again.decision.judge, again.equal) == (judge, True)
    assert json.loads(again.rederived_verdict_json)["gates"] == told["gates"]
    assert (audit.failures, audit.rederived) == (0, audit.decisions)


def test_the_sentence_about_it_names_the_site(client: Client) -> None:
    event, _, _ = judged(client, "gated")

    decision = client.audit.explain("gated", event.position).decision
    told = sentence("gated", event.type, json.loads(decision.verdict_json))

    assert told == "gated: 7 of 8 gates were passed, so nothing new may serve; it is worse in site=small."


def test_the_bundle_shows_each_segment_among_the_gates(client: Client) -> None:
    out = io.BytesIO()
    client.audit.export("gated", out)
    trust = Trust(tuple(Verifier.from_text(key) for key in client.audit.checkpoint().keys))

    with zipfile.ZipFile(out) as archive:
        [told] = json.loads(archive.read("gates.json"))["gates"]
    assert checked(out.getvalue(), trust).whole
    assert {gate["name"]: gate["verdict"] for gate in told["gates"]}[SMALL] == "fail"
