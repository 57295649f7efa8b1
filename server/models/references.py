"""References: the rows that a champion was trained and checked on, and what is learned from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from monitoring.drift.straying import learn_seasons
from monitoring.profiles.aims import learn_projections
from monitoring.profiles.learning import learn
from monitoring.profiles.projections import NONE, placed
from monitoring.profiles.reference import Column, Reference
from monitoring.profiles.seasons import LEAST_ROWS, Calendar, Seasons
from monitoring.quality.habits import learn_habits
from server.desk import FOLLOWER, Desk
from server.errors import Invalid
from server.ingestion import put_entry
from server.intake import feed
from server.intake.checks import NEVER, check_labels, check_range, check_times
from server.intake.schema import CATEGORICAL, Schema
from server.intake.sealing import REFERENCE
from server.requests import NewModel, ReferenceRows
from server.watching import estimates
from server.watching.blocks import baseline
from statemachine.policies.policy import Policy
from store.ports import Unit
from store.records import Cursor

LEAST_REFERENCE = 50
LEAST_BASELINE = 20  #: rows with label and output: the loss that counts as normal rests on them
LARGEST = 1e100  #: of what a reference holds, so that its spreads, and squares of them, are numbers


def check_reference(rows: ReferenceRows, schema: Schema, now_us: int | None) -> None:
    """Refuse a reference that is too small, torn, or teaches nothing.

    Raises:
        Invalid: With the field, and what it lacks.
    """
    count = len(rows.labels)
    if count < LEAST_REFERENCE:
        raise Invalid("reference", f"{count} rows are too few; at least {LEAST_REFERENCE} are needed")
    if len(rows.outputs) != count or len(rows.times_us) != count:
        raise Invalid(
            "reference", f"{count} labels, {len(rows.outputs)} outputs, {len(rows.times_us)} times; as many are needed"
        )
    _check_labels(rows, schema)
    _check_outputs(rows, schema)
    check_times("reference.times_us", rows.times_us, NEVER, now_us)
    numbers = {f"columns[{name}]": one for name, one in rows.columns.items() if isinstance(one, np.ndarray)}
    for name, values in {**numbers, "labels": rows.labels, "outputs": rows.outputs}.items():
        _check_size(f"reference.{name}", values)


def _check_labels(rows: ReferenceRows, schema: Schema) -> None:
    """Refuse labels from which nothing can be learned."""
    check_labels("reference.labels", rows.labels, schema, missing=True)
    known = rows.labels[~np.isnan(rows.labels)]
    if len(known) < LEAST_REFERENCE:
        raise Invalid("reference.labels", f"{len(known)} are known; at least {LEAST_REFERENCE} are needed")
    if np.ptp(known) == 0:
        raise Invalid(
            "reference.labels", "are constant: nothing can be learned from them; at least two values are needed"
        )


def _check_outputs(rows: ReferenceRows, schema: Schema) -> None:
    """Refuse outputs of which no loss can be told."""
    if np.isinf(rows.outputs).any() or np.isnan(rows.outputs).all():
        raise Invalid("reference.outputs", "hold an infinity, or nothing; finite values, NaN for some, are accepted")
    check_range("reference.outputs", rows.outputs, schema)
    both = int((~np.isnan(rows.outputs) & ~np.isnan(rows.labels)).sum())
    if both < LEAST_BASELINE:
        raise Invalid("reference.outputs", f"{both} stand beside a label; at least {LEAST_BASELINE} are needed")


def _check_size(field: str, values: feed.Floats) -> None:
    """Refuse what is finite, and too large to be reckoned with; infinities are named by others."""
    beyond = np.isfinite(values) & (np.abs(values) > LARGEST)
    if beyond.any():
        row = int(beyond.argmax())
        raise Invalid(f"{field}[{row}]", f"{float(values[row])!r} is not accepted; up to {LARGEST:g}, either way, is")


def learned(schema: Schema, policy: Policy, matrix: feed.Floats, rows: ReferenceRows) -> dict[str, Any]:
    """Give what is compared with from now on: profile and habits of the rows, what loss is normal, what rows cost."""
    columns = [
        Column(name=f.name, kind="categorical" if f.kind == CATEGORICAL else "numeric", categories=len(f.categories))
        for f in schema.features
    ]
    outputs = np.where(np.isnan(rows.outputs), np.nanmean(rows.outputs), rows.outputs)
    found = learn(columns, matrix.T, outputs, rows.labels)
    performance = baseline(schema, policy, rows.outputs, rows.labels)
    beside, projections = dict[str, Any](), NONE
    if policy.drift.projections:
        projections = learn_projections(found, matrix.T, outputs, policy.drift.projections)
        beside["projections"] = projections.to_json()
    if policy.drift.seasons:
        slots = placed(found, projections, matrix.T, outputs)
        beside["seasons"] = _seasons(policy, projections.joined(found), slots, rows.times_us).to_json()
    return {
        **beside,
        "profile": found.to_json(),
        "habits": learn_habits(columns, matrix.T, policy.windows.rows_for(len(rows.labels))).to_json(),
        "performance": performance,
        "estimate": estimates.learned(schema, found, matrix.T, rows.outputs, rows.labels, float(performance["unit"])),
    }


def _seasons(policy: Policy, reference: Reference, slots: feed.Ints, times_us: feed.Ints) -> Seasons:
    calendar = Calendar.of(policy.drift.seasons, policy.drift.utc_offset_minutes)
    seasons = learn_seasons(reference, calendar, slots, times_us)
    if not seasons.known:
        told = f"no season of {calendar} has {LEAST_ROWS} rows in the reference; fewer seasons are accepted"
        raise Invalid("model.policy_json", f"drift.seasons: {told}")
    return seasons


def check_learned(policy: Policy, reference: dict[str, Any], field: str) -> None:
    """Refuse a policy that asks for more than was learned when the model was registered.

    Raises:
        Invalid: Names the field of the policy, and says what is accepted.
    """
    most, asked = int(reference.get("projections", {}).get("asked", 0)), policy.drift.projections
    if asked > most:
        told = f"the reference of this model was learned with {most}, and up to as many are"
        raise Invalid(field, f"drift.projections: {asked} is not accepted; {told}")
    wanted = Calendar.of(policy.drift.seasons, policy.drift.utc_offset_minutes)
    known = Seasons.from_json(reference["seasons"]).calendar if "seasons" in reference else None
    if wanted.names and wanted != known:
        counted = f"none is, or {known}" if known else "none is: they are counted when a model is registered"
        raise Invalid(field, f"drift.seasons: {wanted} is not accepted; {counted}")


def feed_reference(desk: Desk, unit: Unit, new: NewModel, matrix: feed.Floats, rows: ReferenceRows) -> None:
    """Make the reference the first rows of the model's feed."""
    known = np.flatnonzero(~np.isnan(rows.labels))
    first = desk.sealer.keyed(new.name, _served_by(new.champion, matrix, rows), [], REFERENCE)
    truth = feed.Labels(rows=known, values=rows.labels[known], time_us=int(rows.times_us[-1]))
    of_truth = feed.Keys([desk.sealer.plain(new.name, REFERENCE)], np.zeros(len(known), dtype=np.int64))
    entries: tuple[feed.Entry, ...] = (first, truth)
    for seq, entry in enumerate(entries, start=1):
        body = desk.sealer.sealed(new.name, seq, entry, of_truth)
        put_entry(unit, new.name, seq, "reference", entry, int(rows.times_us[-1]), body)
    unit.put(Cursor(stream=new.name, name=FOLLOWER, seq=2, body=b""))


def _served_by(champion: str, matrix: feed.Floats, rows: ReferenceRows) -> feed.Rows:
    """Give the rows of a reference as those of a feed, all of which *champion* has served."""
    count = len(rows.labels)
    return feed.Rows(
        first_row=0,
        ids=[f"reference/{row}" for row in range(count)],
        times_us=rows.times_us,
        features=matrix,
        outputs={champion: rows.outputs},
        served_by=[champion],
        served=np.zeros(count, dtype=np.uint8),
        generation=0,
    )
