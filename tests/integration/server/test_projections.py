"""Features that go together otherwise, on a real server: seen by a policy that asks for it, told, derived again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from remission import Client, make_reference
from remission.errors import InvalidArgumentError
from remission.v1 import audit_pb2, model_pb2

from tests.fixtures.servers import serving

PAST, LATER, BATCH, TOGETHER = 1_000, 500, 50, 0.8
MINUTE_US = 60_000_000
NAMES = ("income", "age", "tenure")
BLIND: dict[str, Any] = {"drift": {"alarms": "always"}, "regret": {"every": 0}}
WATCHFUL: dict[str, Any] = {**BLIND, "drift": {"alarms": "always", "projections": 2}}


def columns(rng: np.random.Generator, rows: int, correlation: float) -> dict[str, NDArray[np.float64]]:
    """Draw normal features, of which income and age go together."""
    drawn = rng.normal(size=(len(NAMES), rows))
    drawn[1] = correlation * drawn[0] + np.sqrt(1 - correlation**2) * drawn[1]
    return dict(zip(NAMES, drawn, strict=True))


def lived(client: Client, name: str, policy: dict[str, Any], step_us: int = 1) -> list[audit_pb2.Event]:
    """Register a model, serve rows whose income and age have nothing to do with each other, and give its events."""
    rng = np.random.default_rng(1)
    past = columns(rng, PAST, TOGETHER)
    asked = model_pb2.Model(
        name=name, owner="risk", task=model_pb2.TASK_BINARY, champion="v1", policy_json=json.dumps(policy),
        features=[model_pb2.FeatureSpec(name=one, kind=model_pb2.FEATURE_KIND_NUMERIC) for one in NAMES],
    )  # fmt: skip
    truth = (np.arange(PAST) % 2).astype(float)
    outputs, times_us = rng.uniform(size=PAST + LATER), np.arange(PAST + LATER) * step_us
    client.create_model(asked, make_reference(past, labels=truth, outputs=outputs[:PAST], times_us=times_us[:PAST]))
    later = columns(rng, LATER, 0.0)
    for some in np.split(np.arange(LATER), LATER // BATCH):
        client.ingest(
            name, {one: values[some] for one, values in later.items()}, outputs={"v1": outputs[PAST + some]},
            prediction_ids=[f"p{k}" for k in some], times_us=times_us[PAST + some],
        )  # fmt: skip
    return list(client.history(name))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("projections"), clock="stream") as target, Client(target) as made:
        yield made


@pytest.fixture(scope="module")
def events(client: Client) -> list[audit_pb2.Event]:
    return lived(client, "watchful", WATCHFUL)


def payload(events: list[audit_pb2.Event], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(one.payload_json for one in events if one.type == kind))
    return found


def test_an_alarm_names_the_features_that_go_together_otherwise(events: list[audit_pb2.Event]) -> None:
    alarm = payload(events, "alarm_raised")

    assert (alarm["signal"], alarm["subject"].split(", ")[0]) == ("drift", "income & age (joint)")


def test_the_diagnosis_names_the_columns_and_not_what_was_made_of_them(events: list[audit_pb2.Event]) -> None:
    first = payload(events, "diagnosis_made")["causes"][0]

    assert first["kind"] == "covariate_drift"
    assert first["features"][:2] == ["income", "age"]
    assert first["note"].startswith("income and age go together otherwise (")


def test_every_decision_is_derived_again_from_what_is_recorded(client: Client, events: list[audit_pb2.Event]) -> None:
    found = client.audit.verify("watchful")

    assert (found.rederived, found.first_failure) == (found.decisions, "")
    assert found.decisions >= len(
        {"alarm_raised", "decline_confirmed", "diagnosis_made"} & {one.type for one in events}
    )


def test_the_evidence_holds_counts_of_projections_where_the_policy_asks_for_them(
    client: Client, events: list[audit_pb2.Event]
) -> None:
    alarm = next(one for one in events if one.type == "alarm_raised")
    inputs = json.loads(client.audit.explain("watchful", alarm.position).decision.inputs_json)["inputs"]

    assert inputs["windows"][0]["projections"]["rows"] == inputs["windows"][0]["profile"]["rows"]


def test_windows_tell_how_features_stand_together_behind_the_features(
    client: Client, events: list[audit_pb2.Event]
) -> None:
    assert events
    (window,) = client.health.windows("watchful", 1)
    names = [one.name for one in window.features]
    joint = window.features[len(NAMES) + 1]

    assert names[: len(NAMES) + 2] == [*NAMES, "@output", "income & age (joint)"]
    assert joint.log_evidence > 10 > max(one.log_evidence for one in window.features[: len(NAMES)])
    assert (joint.HasField("mean"), joint.missing) == (False, 0.0)


def test_a_policy_that_asks_for_none_sees_nothing(client: Client) -> None:
    events = lived(client, "blind", BLIND)

    assert "alarm_raised" not in {one.type for one in events}


def test_seasons_and_projections_are_watched_together_and_derived_again(client: Client) -> None:
    both = {**WATCHFUL, "drift": {**WATCHFUL["drift"], "seasons": ["part_of_day"]}}

    events = lived(client, "seasonal", both, step_us=20 * MINUTE_US)
    found = client.audit.verify("seasonal")

    assert payload(events, "alarm_raised")["subject"].split(", ")[0] == "income & age (joint)"
    assert (found.rederived, found.first_failure) == (found.decisions, "")


def test_more_than_the_reference_was_learned_with_are_refused(client: Client, events: list[audit_pb2.Event]) -> None:
    assert events
    etag = client.models.get("watchful").etag

    with pytest.raises(InvalidArgumentError) as caught:
        client.models.update("watchful", etag, policy={"drift": {"projections": 3}})

    told = "drift.projections: 3 is not accepted; the reference of this model was learned with 2, and up to as many are"
    assert [(one.field, one.description) for one in caught.value.violations] == [("policy_json", told)]


def test_a_model_tells_that_projections_are_not_watched_and_whether_they_can_be(client: Client) -> None:
    lived(client, "unaware", BLIND)
    lived(client, "calm", {**WATCHFUL, "drift": {"alarms": "never", "projections": 2}})
    before = client.models.get("calm")
    watched = before.unwatched

    dropped = client.models.update("calm", before.etag, policy={"regret": {"every": 0}}).unwatched

    told = "features that go together otherwise: the policy asks for no drift.projections, and "
    assert not [one for one in watched if one.startswith(told)]
    assert f"{told}up to 2 may be asked for" in dropped
    assert f"{told}the model was registered without, so none can be" in client.models.get("unaware").unwatched
