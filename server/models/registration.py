"""Putting models under watch, changing what is known of them, and ending the watch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import orjson

from retraining.artifact import Manifest, ManifestInvalid
from server.act import Caller
from server.desk import Desk, check_etag
from server.errors import Invalid, ModelExists, ThingMissing, one_of
from server.history.unwatched import unwatched
from server.intake.codes import coded
from server.intake.schema import CATEGORICAL, METRICS, NUMERIC, OUTCOMES, TASKS, Feature, Schema, Vocabulary
from server.models.declaring import checked, declare
from server.models.policies import make_policy, read_policy
from server.models.references import LEAST_REFERENCE, check_learned, check_reference, feed_reference, learned
from server.requests import Floats, NewModel, ReferenceRows
from server.views import ModelView, declared_now
from server.watching.splits import segments
from statemachine import commands as c
from statemachine.events import ModelRegistered
from statemachine.externals import ExternalSignal
from statemachine.policies.policy import Policy
from statemachine.policies.rules import columns_of
from statemachine.record.canonical import canonical
from store.ports import Reader, Unit
from store.records import Evidence

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MOST_FEATURES = 4_096
MOST_LABEL_DELAY = 100_000_000
MOST_NAMED = 20  #: features in a refusal
DEFAULT_TEMPLATE = "hgb-60"


def create_model(desk: Desk, unit: Unit, new: NewModel, caller: Caller) -> ModelView:
    """Register a model: its reference becomes the first rows of its feed."""
    if unit.version(new.name):
        raise ModelExists(new.name)
    schema, policy, rows = _check(desk, new)
    schema, matrix = _with_categories(schema, rows)
    _check_columns(policy, schema, "model.policy_json")
    reference = learned(schema, policy, matrix, rows)
    schema_row = Evidence(kind="schema", body=canonical(schema.to_json()), lasting=True)
    reference_row = Evidence(kind="reference", body=canonical(reference), lasting=True)
    unit.put(schema_row)
    unit.put(reference_row)
    desk.touch(new.name)
    registration = _registration(new, schema, policy, rows, schema_row.sha256, reference_row.sha256)
    desk.act(unit, new.name, c.Register(registration=registration), int(rows.times_us[-1]), caller)
    feed_reference(desk, unit, new, matrix, rows)
    if new.signals:
        declare(desk, unit, new.name, new.signals, "model.signals", caller)
    return model_view(desk, unit, new.name)


def _registration(
    new: NewModel, schema: Schema, policy: Policy, rows: ReferenceRows, features_sha256: str, reference_sha256: str
) -> ModelRegistered:
    count, span = len(rows.labels), int(rows.times_us[-1] - rows.times_us[0])
    return ModelRegistered(
        model=new.name, owner=new.owner, purpose=new.purpose, task=schema.task, metric=schema.metric,
        outcomes=new.outcomes, template=new.template or DEFAULT_TEMPLATE, champion=new.champion,
        features_sha256=features_sha256, reference_sha256=reference_sha256, reference_rows=count,
        label_delay_rows=new.label_delay_rows, seconds_per_row=span / max(count - 1, 1) / 1_000_000,
        policy=policy.to_json(), seed=new.seed,
    )  # fmt: skip


def update_model(
    desk: Desk,
    unit: Unit,
    name: str,
    etag: str,
    owner: str | None,
    purpose: str | None,
    policy_json: str | None,
    caller: Caller,
) -> ModelView:
    """Change owner, purpose or policy; what is None stays."""
    health = desk.health(unit, name)
    check_etag(health, etag)
    policy = health.policy if policy_json is None else read_policy(policy_json, "policy_json")
    if policy.drift.projections or policy.drift.seasons:
        check_learned(policy, orjson.loads(unit.evidence(health.reference_sha256)), "policy_json")
    _check_columns(policy, desk.schema(unit, name), "policy_json")
    command = c.ChangePolicy(
        policy=policy.to_json(),
        owner=health.owner if owner is None else owner,
        purpose=health.purpose if purpose is None else purpose,
    )
    desk.act(unit, name, command, unit.feed_head(name).watermark_us, caller)
    return model_view(desk, unit, name)


def declare_signals(
    desk: Desk, unit: Unit, name: str, etag: str, signals: Sequence[ExternalSignal], caller: Caller
) -> ModelView:
    """Let *signals* be those that others measure for a model."""
    check_etag(desk.health(unit, name), etag)
    declare(desk, unit, name, signals, "signals.signals", caller)
    return model_view(desk, unit, name)


def retire_model(desk: Desk, unit: Unit, name: str, etag: str, note: str, caller: Caller) -> ModelView:
    """End the watch."""
    check_etag(desk.health(unit, name), etag)
    desk.act(unit, name, c.Retire(note=note), unit.feed_head(name).watermark_us, caller)
    return model_view(desk, unit, name)


def register_artifact(desk: Desk, unit: Unit, model: str, version: str, manifest_sha: str, caller: Caller) -> None:
    """Keep the bytes of the first champion. Manifest and model must be in the blobs."""
    health = desk.health(unit, model)
    if health.manifests.get(version) == manifest_sha:
        return
    if not desk.blobs.exists(manifest_sha):
        raise ThingMissing("sha256", f"no manifest {manifest_sha} was uploaded")
    try:
        manifest = Manifest.from_bytes(desk.blobs.get(manifest_sha))
    except ManifestInvalid as error:
        raise Invalid("manifest", str(error)) from error
    misfit = manifest.misfit(health.task, desk.templates[health.template].trusted_types)
    if misfit:
        raise Invalid("manifest", misfit)
    if not desk.blobs.exists(manifest.artifact_sha256):
        raise ThingMissing("manifest.artifact_sha256", f"no artefact {manifest.artifact_sha256} was uploaded")
    base = manifest.base_manifest_sha256
    if base and not desk.blobs.exists(base):
        raise ThingMissing("manifest.base_manifest_sha256", f"no manifest {base} was uploaded")
    command = c.RegisterArtifact(version=version, manifest=manifest_sha)
    desk.act(unit, model, command, unit.feed_head(model).watermark_us, caller)


def model_view(desk: Desk, reader: Reader, model: str) -> ModelView:
    """Tell what *model* is, as the writer sees it."""
    health = desk.health(reader, model)
    first, policy = reader.events(model, 0, 1)[0], health.policy.to_json()
    return ModelView(
        name=model, owner=health.owner, purpose=health.purpose,
        schema=desk.schema(reader, model).to_json(), outcomes=health.outcomes, template=health.template,
        champion=health.champion, label_delay_rows=health.label_delay_rows, policy=policy,
        policy_version=health.policy_version, reference_rows=health.reference_rows,
        retired=health.place.state == "retired", create_time_us=first.occurred_us,
        seed=health.seed, version=health.version, signals=declared_now(health),
        unwatched=unwatched(policy, first),
    )  # fmt: skip


def _with_categories(schema: Schema, rows: ReferenceRows) -> tuple[Schema, Floats]:
    """Give *schema* with every category that the reference has, and the columns of the reference as its codes."""
    vocabulary = Vocabulary.of(schema)
    matrix, learnt = coded(schema, vocabulary, rows.columns, len(rows.labels), "reference.columns")
    for index, names in learnt.items():
        vocabulary.learn(int(index), names)
    return replace(schema, features=vocabulary.features(schema)), matrix


def _check(desk: Desk, new: NewModel) -> tuple[Schema, Policy, ReferenceRows]:
    if not NAME.fullmatch(new.name):
        raise Invalid("model.name", f"{new.name!r} is not accepted; [a-z0-9][a-z0-9_-]{{0,62}} is")
    if not VERSION.fullmatch(new.champion):
        raise Invalid("model.champion", f"{new.champion!r} is not accepted; [A-Za-z0-9][A-Za-z0-9._-]{{0,62}} is")
    if new.task not in TASKS:
        raise one_of("model.task", new.task, TASKS)
    if new.outcomes not in OUTCOMES:
        raise one_of("model.outcomes", new.outcomes, OUTCOMES)
    metric = new.metric or METRICS[new.task][0]
    if metric not in METRICS[new.task]:
        raise one_of("model.metric", metric, METRICS[new.task])
    template = new.template or DEFAULT_TEMPLATE
    if template not in desk.templates:
        raise one_of("model.template", template, sorted(desk.templates))
    if not 0 <= new.label_delay_rows <= MOST_LABEL_DELAY:
        told = f"{new.label_delay_rows} is not accepted; 0 to {MOST_LABEL_DELAY} rows are"
        raise Invalid("model.label_delay_rows", told)
    schema = Schema(task=new.task, metric=metric, features=_features(new), classes=_classes(new))
    if new.reference is None:
        raise Invalid("reference", f"is missing; at least {LEAST_REFERENCE} rows are needed")
    check_reference(new.reference, schema, desk.limit_us())
    checked(new.signals, "model.signals")
    policy = make_policy(new.policy, "model.policy_json")
    return schema, policy, new.reference


def _check_columns(policy: Policy, schema: Schema, field: str) -> None:
    """Refuse an entity, rules and splits by columns that the model does not have, or not as numbers where it must.

    Raises:
        Invalid: One does; the place in the policy and the column are named.
    """
    segments(policy, schema, field)
    names, entity = [one.name for one in schema.features], policy.quality.entity
    if entity and entity not in names:
        raise Invalid(field, f"quality.entity: {entity!r} is no feature; accepted are {_few(names)}")
    numbers = [one.name for one in schema.features if one.kind == NUMERIC]
    for i, rule in enumerate(policy.quality.rules):
        for name in columns_of(rule.must):
            if name not in numbers:
                told = f"quality.rules[{i}].must: {name!r} is no numeric feature; accepted are {_few(numbers)}"
                raise Invalid(field, told)


def _few(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMED]) + ", …" * (len(names) > MOST_NAMED) or "none here"


def _features(new: NewModel) -> tuple[Feature, ...]:
    if not 0 < len(new.features) <= MOST_FEATURES:
        raise Invalid("model.features", f"{len(new.features)} features; 1 to {MOST_FEATURES} are accepted")
    made: list[Feature] = []
    seen = {""}
    for i, feature in enumerate(new.features):
        if feature["name"] in seen:
            raise Invalid(f"model.features[{i}].name", f"{feature['name']!r} is not accepted; another name for each is")
        seen.add(feature["name"])
        if feature["kind"] not in (NUMERIC, CATEGORICAL):
            raise one_of(f"model.features[{i}].kind", feature["kind"], (NUMERIC, CATEGORICAL))
        made.append(Feature(name=feature["name"], kind=feature["kind"], categories=tuple(feature["categories"])))
    return tuple(made)


def _classes(new: NewModel) -> tuple[str, ...]:
    count = len(new.classes)
    wanted = {"binary": count in (0, 2), "multiclass": count >= 2, "regression": count == 0}  # noqa: PLR2004 - two sides
    if not wanted[new.task]:
        raise Invalid(
            "model.classes", f"{count} classes; two or none for binary, two or more for multiclass, none for regression"
        )
    if len(set(new.classes)) != count or not all(new.classes):
        raise Invalid("model.classes", "names must be unique and not empty")
    return tuple(new.classes)
