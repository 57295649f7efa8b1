"""Claims about putting a model under watch, changing it, and ending the watch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from server.act import Caller
from server.errors import EtagMismatch, Invalid, ModelExists, ThingMissing
from server.requests import Categories, NewModel
from server.service import Service
from statemachine.errors import Refused
from tests.fixtures.jobs import a_manifest, uploaded
from tests.fixtures.services import REFERENCE_ROWS, Feed, a_model, a_service

ANN = Caller(actor="ann", authentication="tests")
STALE = '"0"'
BY_COLOUR: dict[str, Any] = {"segments": {"splits": [{"name": "colour", "column": "colour"}]}}
NAN = float("nan")


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service() as made:
        yield made


@pytest.fixture
def watched(service: Service) -> Service:
    service.create_model(a_model()).result()
    return service


def with_reference(**changes: Any) -> NewModel:
    known = a_model()
    assert known.reference is not None
    return replace(known, reference=replace(known.reference, **changes))


def of_rows(rows: int) -> NewModel:
    return with_reference(
        columns={"x": np.arange(rows) * 1.0, "colour": Categories(dictionary=["red"], codes=np.zeros(rows, np.int32))},
        labels=np.arange(rows) % 2 * 1.0, outputs=np.full(rows, 0.5), times_us=np.arange(rows),
    )  # fmt: skip


def refusal(service: Service, new: NewModel) -> Invalid:
    with pytest.raises(Invalid) as caught:
        service.create_model(new).result()
    return caught.value


# Creating.


def test_what_was_registered_is_told_as_it_was_asked_for(service: Service) -> None:
    view = service.create_model(replace(a_model(), purpose="loans", policy={"tier": 2}), ANN).result()

    assert (view.name, view.owner, view.purpose, view.champion) == ("m", "risk", "loans", "v1")
    assert (view.template, view.schema["metric"], view.reference_rows) == ("hgb-60", "accuracy", REFERENCE_ROWS)
    assert (view.policy["tier"], view.policy["loss"]["memory"]) == (2, 20)
    assert view == service.model("m")


def test_categories_of_the_reference_are_learned_in_the_order_of_their_names(service: Service) -> None:
    new = a_model()
    new.features[1]["categories"] = []

    view = service.create_model(new).result()

    assert view.schema["features"][1]["categories"] == ["green", "red"]


def test_a_name_is_taken_once(watched: Service) -> None:
    with pytest.raises(ModelExists, match="UpdateModel"):
        watched.create_model(a_model()).result()


@pytest.mark.parametrize(
    ("changes", "field", "named"),
    [
        ({"name": ""}, "model.name", "''"),
        ({"name": "Loans"}, "model.name", "'Loans'"),
        ({"name": "a" * 64}, "model.name", "is not accepted"),
        ({"name": "../m"}, "model.name", "'../m'"),
        ({"name": "m\n"}, "model.name", "is not accepted"),
        ({"champion": "v 1"}, "model.champion", "'v 1'"),
        ({"champion": ""}, "model.champion", "''"),
        ({"task": "ranking"}, "model.task", "one of binary, multiclass, regression"),
        ({"outcomes": "unknown"}, "model.outcomes", "one of exogenous, selective"),
        ({"metric": "mae"}, "model.metric", "one of accuracy, roc_auc"),
        ({"template": "deep"}, "model.template", "one of hgb-60, linear"),
        ({"label_delay_rows": -1}, "model.label_delay_rows", "0 to 100000000"),
        ({"features": []}, "model.features", "0 features"),
        ({"features": [{"name": "x", "kind": "numeric", "categories": []}] * 2}, "model.features[1].name", "'x'"),
        ({"features": [{"name": "", "kind": "numeric", "categories": []}]}, "model.features[0].name", "''"),
        ({"features": [{"name": "x", "kind": "image", "categories": []}]}, "model.features[0].kind", "'image'"),
        ({"classes": ["only"]}, "model.classes", "1 classes"),
        ({"task": "multiclass", "classes": ["only"]}, "model.classes", "1 classes"),
        ({"task": "regression", "classes": ["low", "high"]}, "model.classes", "2 classes"),
        ({"policy": {"tyre": 1}}, "model.policy_json", "tyre"),
        ({"policy": {"tier": 9}}, "model.policy_json", "tier"),
        ({"policy": {"quality": {"entity": "y"}}}, "model.policy_json", "'y' is no feature; accepted are x, colour"),
        ({"reference": None}, "reference", "is missing"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field_and_nothing_is_kept(
    service: Service, changes: dict[str, Any], field: str, named: str
) -> None:
    error = refusal(service, replace(a_model(), **changes))

    assert error.violations[0][0] == field
    assert named in error.violations[0][1]
    assert service.models("", 10, include_retired=True).told == []


HALF_KNOWN = np.where(np.arange(REFERENCE_ROWS) < 15, NAN, np.arange(REFERENCE_ROWS) % 2)
LATE_OUTPUTS = np.where(np.arange(REFERENCE_ROWS) < 41, NAN, 0.5)


@pytest.mark.parametrize(
    ("changes", "field", "named"),
    [
        ({"labels": np.zeros(49)}, "reference", "49 rows are too few"),
        ({"outputs": np.zeros(3)}, "reference", "3 outputs"),
        ({"times_us": np.arange(3)}, "reference", "3 times"),
        ({"labels": np.ones(REFERENCE_ROWS)}, "reference.labels", "constant"),
        ({"labels": HALF_KNOWN}, "reference.labels", "45 are known"),
        ({"labels": np.arange(REFERENCE_ROWS) % 3 * 1.0}, "reference.labels", "2.0 is no class"),
        ({"labels": np.arange(REFERENCE_ROWS) % 2 / 2}, "reference.labels", "0.5 is no class"),
        ({"labels": np.full(REFERENCE_ROWS, np.inf)}, "reference.labels[0]", "not finite; an index 0..1 is accepted"),
        ({"outputs": np.full(REFERENCE_ROWS, np.nan)}, "reference.outputs", "nothing"),
        ({"outputs": np.full(REFERENCE_ROWS, np.inf)}, "reference.outputs", "infinity"),
        ({"outputs": LATE_OUTPUTS}, "reference.outputs", "19 stand beside a label"),
        ({"times_us": np.arange(REFERENCE_ROWS)[::-1]}, "reference.times_us[1]", "backwards"),
        ({"times_us": np.arange(REFERENCE_ROWS) - 1}, "reference.times_us[0]", "negative"),
        ({"columns": {"x": np.zeros(REFERENCE_ROWS)}}, "reference.columns", "missing: ['colour']"),
    ],
)
def test_a_reference_that_teaches_nothing_is_refused_by_what_it_lacks(
    service: Service, changes: dict[str, Any], field: str, named: str
) -> None:
    error = refusal(service, with_reference(**changes))

    assert error.violations[0][0] == field
    assert named in error.violations[0][1]
    assert service.models("", 10, include_retired=True).told == []


@pytest.mark.parametrize("name", ["x", "labels", "outputs"])
def test_a_reference_of_values_too_large_to_reckon_with_is_refused_by_its_row(service: Service, name: str) -> None:
    values, known = np.arange(REFERENCE_ROWS) % 3 * 1.0, with_reference().reference
    values[7] = -1.1e100
    assert known is not None
    changes = {"columns": {**known.columns, "x": values}} if name == "x" else {name: values}

    error = refusal(service, replace(with_reference(**changes), task="regression"))

    assert error.violations[0][0] == f"reference.{'columns[x]' if name == 'x' else name}[7]"
    assert "-1.1e+100 is not accepted; up to 1e+100" in error.violations[0][1]


def test_the_largest_values_that_a_reference_may_hold_are_learned_and_watched(service: Service) -> None:
    values = np.where(np.arange(REFERENCE_ROWS) % 2, 1e100, -1e100) * (np.arange(REFERENCE_ROWS) + 1) / REFERENCE_ROWS
    known = with_reference(labels=values, outputs=-values).reference
    assert known is not None
    known.columns["x"] = values

    service.create_model(replace(a_model(), task="regression", reference=known)).result()
    Feed(service).rows(60)

    assert service.windows("m", 1)[0].features[0].standing.sizes["wasserstein"] > 0


def test_a_loss_of_next_to_nothing_can_be_counted(service: Service) -> None:
    outputs = np.where(np.arange(REFERENCE_ROWS) % 2, 5e-324, 0.0)
    known = with_reference(labels=np.where(np.arange(REFERENCE_ROWS) % 2, 0.0, 5e-324), outputs=outputs).reference

    service.create_model(replace(a_model(), task="regression", reference=known)).result()

    watch = service.store.read(lambda reader: service.desk.watch(reader, "m"))
    assert {(total, squares) for _, total, squares in watch.baseline} == {(0, 0)}


def test_fifty_rows_are_a_reference_and_fewer_are_none(service: Service) -> None:
    assert "49 rows" in str(refusal(service, of_rows(49)))
    assert service.create_model(of_rows(50)).result().reference_rows == 50


def test_outputs_may_be_unknown_for_some_rows(service: Service) -> None:
    outputs = np.where(np.arange(REFERENCE_ROWS) < 24, NAN, 0.5)

    assert service.create_model(with_reference(outputs=outputs)).result().reference_rows == REFERENCE_ROWS


# Updating.


def test_what_is_not_named_stays(watched: Service) -> None:
    before = watched.model("m")
    view = watched.update_model("m", "", "fraud", None, None, ANN).result()

    assert (view.owner, view.purpose, view.policy) == ("fraud", "", before.policy)
    assert view.policy_version == 2


def test_a_new_policy_replaces_the_old_one_whole(watched: Service) -> None:
    watched.update_model("m", "", None, None, '{"tier": 2}').result()
    view = watched.update_model("m", "", None, None, '{"escalation_levels": 1}').result()

    assert (view.policy["tier"], view.policy["escalation_levels"]) == (1, 1)


@pytest.mark.parametrize(
    ("text", "named"), [("{", "is no JSON"), ('{"tyre": 1}', "tyre"), ("[]", "object"), ('{"tier": "1"}', "tier")]
)
def test_a_policy_that_makes_no_sense_is_refused_by_its_field(watched: Service, text: str, named: str) -> None:
    before = watched.model("m")

    with pytest.raises(Invalid, match="policy_json") as caught:
        watched.update_model("m", "", None, None, text).result()

    assert named in str(caught.value)
    assert watched.model("m") == before


def test_an_older_version_changes_nothing(watched: Service) -> None:
    with pytest.raises(EtagMismatch):
        watched.update_model("m", STALE, "fraud", None, None).result()
    with pytest.raises(EtagMismatch):
        watched.retire_model("m", STALE, "done").result()
    assert watched.model("m").owner == "risk"


def test_a_policy_stands_while_a_remedy_is_bound_to_it(watched: Service) -> None:
    watched.start_retraining("m", "", "", []).result()

    with pytest.raises(Refused, match="bound to its policy"):
        watched.update_model("m", "", None, None, '{"tier": 2}').result()
    view = watched.update_model("m", "", "fraud", None, None).result()

    assert (view.owner, view.policy["tier"]) == ("fraud", 1)


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"drift": {"seasons": ["hour"], "shapes": True}}, "drift.shapes are silent where drift.seasons are named"),
        (
            {"drift": {"seasons": ["hour"]}, "segments": {"drift": True}},
            "segments.drift is silent where drift.seasons are named",
        ),
        ({}, "the policy asks for no drift.shapes; it may"),
        (BY_COLOUR, "gates.mandatory does not name segments; it may"),
    ],
)
def test_what_a_policy_asks_for_in_vain_is_told_as_not_watched(
    service: Service, policy: dict[str, Any], told: str
) -> None:
    service.create_model(replace(a_model(), policy=policy)).result()

    assert [one.rpartition(": ")[2] for one in service.model("m").unwatched if told in one] == [told]


def test_a_policy_that_lets_no_candidate_ruin_a_segment_is_told_of_none(service: Service) -> None:
    policy = {**BY_COLOUR, "gates": {"mandatory": ["holdout", "segments"]}}
    service.create_model(replace(a_model(), policy=policy)).result()

    assert [one for one in service.model("m").unwatched if "segments" in one] == []


# Retiring.


def test_a_retired_model_takes_no_rows_and_is_not_listed(watched: Service) -> None:
    feed = Feed(watched)
    view = watched.retire_model("m", watched.model("m").etag, "replaced").result()

    assert view.retired
    with pytest.raises(Refused, match="retired"):
        feed.rows(1)
    assert watched.models("", 10, include_retired=False).told == []
    assert [one.name for one in watched.models("", 10, include_retired=True).told] == ["m"]


def test_a_name_that_was_retired_stays_taken(watched: Service) -> None:
    watched.retire_model("m", "", "").result()

    with pytest.raises(ModelExists, match="or by one that was retired; another name is accepted"):
        watched.create_model(a_model()).result()


# The first champion's bytes.


def test_the_first_champions_bytes_are_kept_once(watched: Service) -> None:
    manifest = uploaded(watched)
    watched.register_artifact("m", "v1", manifest).result()
    version = watched.state("m").version
    watched.register_artifact("m", "v1", manifest).result()

    assert watched.manifest("m", "v1") == manifest
    assert watched.state("m").version == version
    with pytest.raises(Refused, match="has its bytes"):
        watched.register_artifact("m", "v1", uploaded(watched, b"another")).result()


def test_only_the_champion_has_bytes_to_register(watched: Service) -> None:
    with pytest.raises(Refused, match="v2"):
        watched.register_artifact("m", "v2", uploaded(watched)).result()


def test_bytes_that_were_never_uploaded_cannot_be_registered(watched: Service) -> None:
    lonely = watched.desk.blobs.put(a_manifest(b"elsewhere").to_bytes())
    baseless = uploaded(watched, format="recalibration", base_version="v0", base_manifest_sha256="e" * 64)
    absent = [("f" * 64, "sha256"), (lonely, "manifest.artifact_sha256"), (baseless, "manifest.base_manifest_sha256")]

    for manifest, field in absent:
        with pytest.raises(ThingMissing) as caught:
            watched.register_artifact("m", "v1", manifest).result()
        assert caught.value.field == field


@pytest.mark.parametrize(
    "changes",
    [
        {"trusted_types": ["posix.system"]},
        {"task": "regression"},
        {"format": "joblib"},
        {"seed": "x"},
        {"rows": [[60]]},
    ],
)
def test_bytes_that_may_not_be_served_are_not_registered(watched: Service, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=next(iter(changes))):
        watched.register_artifact("m", "v1", uploaded(watched, **changes)).result()
    assert orjson.loads(orjson.dumps(watched.route("m").manifests)) == {}
