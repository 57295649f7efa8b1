"""The sentences about a policy leave nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from cli.policies.diff import changes, leaves, retold
from cli.policies.source import Source
from cli.policies.words import sentences
from statemachine.policies.policy import Policy
from statemachine.policies.sections import GATES, OF_SEGMENTS

WHOLE: dict[str, Any] = leaves(Policy().to_json())
WORDS = {
    "fallback": "previous_version",
    "drift.alarms": "always",
    "quality.alarms": "never",
    "gates.mandatory": list(GATES[: -len(OF_SEGMENTS)]),
    "canary.rungs_bp": [100, 2_500],
    "windows.rows": 40,
    "budget.cooldown_seconds": 7.0,
    "timers.silence_seconds": 7.0,
    "tier": 2,
}


def another(path: str) -> Any:
    """Give a value of a field that is not its default."""
    value: Any = WORDS.get(path, WHOLE[path])
    if path in WORDS:
        return value
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else value / 2


def given(path: str) -> dict[str, Any]:
    """Give a policy that says one field."""
    section, _, name = path.rpartition(".")
    return {section: {name: another(path)}} if section else {name: another(path)}


def source(said: dict[str, Any]) -> Source:
    """Give a policy as the command reads it."""
    return Source(name="p", policy=Policy.from_json(said), said=said)


@pytest.mark.parametrize("path", WHOLE)
def test_a_field_that_changes_changes_a_sentence_and_is_the_only_difference(path: str) -> None:
    old, new = source({}), source(given(path))

    assert [(one.path, one.new) for one in changes(old, new)] == [(path, another(path))]
    assert len(retold(old, new)) == 1


def test_every_sentence_ends_and_is_said_once() -> None:
    said = list(every_sentence())

    assert [one for one in said if not one.endswith(".")] == []
    assert len(said) == len(set(said))


def every_sentence() -> Iterator[str]:
    """Give what is said of the default policy."""
    for told in sentences(Policy()).values():
        yield from told


def test_a_default_that_is_written_out_is_no_difference() -> None:
    assert changes(source({}), source({"tier": 1, "canary": {"alpha": 0.2}})) == []


CONDITIONS = [{"name": "slow", "when": "loss.up > 0.1"}, {"name": "fine", "when": "loss.up < 1.0", "then": "accept"}]


def test_conditions_are_told_and_compared_by_their_names() -> None:
    old, new = source({"conditions": CONDITIONS}), source({"conditions": [{**CONDITIONS[1], "when": "rows > 1"}]})

    paths = {one.path for one in changes(old, new)}
    assert paths == {
        f"conditions.slow.{part}" for part in ("name", "when", "then", "persistence.of", "persistence.at_least")
    } | {"conditions.fine.when"}
    assert sentences(new.policy)["Conditions of this model"] == [
        "Where `rows > 1` holds in a window, the alarm of a risen loss is accepted, on record (fine)."
    ]


def test_projections_are_told_where_there_are_some() -> None:
    said = {"drift": {"projections": 8}}

    assert (
        "Up to 8 sums of features are watched too, to see whether they go together otherwise."
        in sentences(Policy.from_json(said))["Drift"]
    )
    assert [(one.path, one.new) for one in changes(source({}), source(said))] == [("drift.projections", 8)]


def test_further_faults_that_are_looked_for_are_named_and_their_absence_is_told() -> None:
    said: dict[str, dict[str, list[str]]] = {"quality": {"looks_for": []}}

    assert (
        "Beside what counts tell, windows are searched for: nothing."
        in sentences(Policy.from_json(said))["Broken data"]
    )
    assert [one.path for one in changes(source({}), source(said))] == ["quality.looks_for"]


def test_rules_are_told_as_they_are_written() -> None:
    said = {"quality": {"rules": [{"name": "whole", "must": "part <= whole", "tolerance": 0.02}]}}

    told = sentences(Policy.from_json(said))["Broken data"]

    assert (
        "Of every row `part <= whole` must hold; up to 2 % more rows than in the reference may break it (whole)."
        in told
    )
    assert {one.path for one in changes(source({}), source(said))} == {
        f"quality.rules.whole.{part}" for part in ("name", "must", "tolerance")
    }


def test_the_entity_of_frozen_sensors_is_told_where_there_is_one() -> None:
    named = source({"quality": {"entity": "station"}})

    assert [one.path for one in changes(source({}), named)] == ["quality.entity"]
    assert len(retold(source({}), named)) == 1
    assert "`station`" in " ".join(sentences(named.policy)["Broken data"])


def test_segments_are_told_by_what_they_are_told_apart_by() -> None:
    splits = [{"name": "region", "column": "region"}, {"name": "age", "column": "age of client", "edges": [30, 50.5]}]

    told = sentences(Policy.from_json({"segments": {"splits": splits}}))["Parts of the rows"]

    assert told[:2] == [
        "Rows are told apart by `region`, by every value of the reference (region).",
        "Rows are told apart by `age of client`, by the edges 30, 50.5 (age).",
    ]
    assert sentences(Policy())["Parts of the rows"] == ["No part of the rows is watched by itself."]


def test_seasons_of_a_loss_are_told_where_there_are_some() -> None:
    said = {"loss": {"seasons": ["month", "hour"]}}

    told = sentences(Policy.from_json(said))["When a loss matters"]

    assert "What a row costs is held against its own month and hour, by the clock of drift." in told


def test_what_a_candidate_may_lose_in_a_segment_is_told_where_some_are_declared() -> None:
    splits = {"splits": [{"name": "region", "column": "region"}]}
    old, new = source({"segments": splits}), source({"segments": splits, "gates": {"segment_tolerance": 0.2}})

    assert len(sentences(old.policy)["What a candidate must show"]) == 4
    assert len(sentences(Policy())["What a candidate must show"]) == 3
    assert len(retold(old, new)) == 1
    assert [(one.path, one.new) for one in changes(old, new)] == [("gates.segment_tolerance", 0.2)]
