"""Old forms of events are read the oldest form first, and what nobody knows is refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from statemachine.kinds import REGISTRY, Event, event
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical
from statemachine.record.coding import PayloadUnreadable, UnknownEvent, decode, encode
from statemachine.record.upcasting import UPCASTS, NoUpcast, UpcastTaken, raised, upcast, upcast_policy

KEPT: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "histories" / "payloads.json").read_text(encoding="utf-8")
)
NAME = "measured_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Event):
    """A fact in its third form: millimetres became metres, then the unit became a field."""

    value: float
    unit: str
    who: str


@pytest.fixture(autouse=True)
def family() -> Iterator[None]:
    """Let the event exist in its third form, and the ways that lead there."""
    before = dict(UPCASTS)
    event(NAME, schema=3)(Measured)
    upcast(NAME, from_schema=1)(lambda old: {"metres": old["millimetres"] / 1_000, "who": "unknown"})
    upcast(NAME, from_schema=2)(lambda old: {"value": old["metres"], "unit": "m", "who": old["who"]})
    yield
    del REGISTRY[NAME]
    UPCASTS.clear()
    UPCASTS.update(before)


@pytest.mark.parametrize(
    ("schema", "payload", "who"),
    [
        (1, {"millimetres": 2_500}, "unknown"),
        (2, {"metres": 2.5, "who": "ann"}, "ann"),
        (3, {"value": 2.5, "unit": "m", "who": "bob"}, "bob"),
    ],
)
def test_every_form_of_an_event_is_read_as_the_newest(schema: int, payload: dict[str, Any], who: str) -> None:
    found = decode(NAME, schema, payload)

    assert found == Measured(value=2.5, unit="m", who=who)


def test_raising_a_payload_leaves_what_was_stored_alone() -> None:
    stored = {"millimetres": 2_500}

    decode(NAME, 1, stored)

    assert stored == {"millimetres": 2_500}


@pytest.mark.parametrize("schema", [0, 4, 99])
def test_a_schema_from_the_future_is_refused_with_the_ones_that_are_known(schema: int) -> None:
    with pytest.raises(UnknownEvent, match=f"'measured_once' of schema {schema}; known: schemas 1 to 3"):
        decode(NAME, schema, {})


def test_an_unknown_type_is_refused_with_the_ones_that_are_known() -> None:
    with pytest.raises(UnknownEvent, match=r"'dreamt' of schema 1; known: .*measured_once"):
        decode("dreamt", 1, {})


@pytest.mark.parametrize("payload", [{}, {"value": 1.0, "unit": "m", "who": "x", "more": 1}])
def test_a_payload_of_other_fields_is_refused_by_event_and_schema(payload: dict[str, Any]) -> None:
    with pytest.raises(PayloadUnreadable, match="'measured_once' of schema 3"):
        decode(NAME, 3, payload)


def test_an_old_payload_without_its_fields_is_refused_by_event_and_schema() -> None:
    with pytest.raises(PayloadUnreadable, match=r"'measured_once' of schema 1: 'millimetres'"):
        decode(NAME, 1, {})


def test_a_step_that_is_missing_is_named() -> None:
    del UPCASTS[NAME, 2]

    with pytest.raises(NoUpcast, match="from schema 2 to 3"):
        decode(NAME, 1, {"millimetres": 1})


def test_a_second_way_from_one_schema_is_refused() -> None:
    with pytest.raises(UpcastTaken, match="schema 1"):
        upcast(NAME, from_schema=1)(dict)


def test_a_policy_of_an_older_form_is_raised_in_every_event_that_holds_one() -> None:
    upcast_policy(model_registered=1, policy_changed=1)(
        lambda old: {**{k: v for k, v in old.items() if k != "strictness"}, "tier": old["strictness"]}
    )
    stored = {"policy": {"strictness": 3}, "owner": "risk", "purpose": ""}

    found = [raised(name, 1, 2, stored)["policy"] for name in ("model_registered", "policy_changed")]

    assert [Policy.from_json(policy).tier for policy in found] == [3, 3]


def kept_schemas() -> list[str]:
    """Name every form that an event of the service has had."""
    return [f"{name}@{schema}" for name, cls in REGISTRY.items() for schema in range(1, cls.schema + 1) if name != NAME]


def test_every_form_that_an_event_has_had_is_kept_and_leads_to_todays() -> None:
    own = [(name, cls) for name, cls in REGISTRY.items() if name != NAME]

    assert sorted(KEPT) == sorted(kept_schemas())
    assert {(name, step) for name, cls in own for step in range(1, cls.schema)} <= UPCASTS.keys()


@pytest.mark.parametrize("form", sorted(KEPT))
def test_a_kept_form_is_read_and_todays_is_written_as_it_was(form: str) -> None:
    name, _, schema = form.partition("@")

    found = decode(name, int(schema), KEPT[form])

    assert found.name == name
    if int(schema) == found.schema:
        assert encode(found) == canonical(KEPT[form])


def test_the_form_of_a_policy_is_that_of_the_events_that_hold_it() -> None:
    newest = KEPT[f"model_registered@{REGISTRY['model_registered'].schema}"]["policy"]

    assert paths(newest) == paths(Policy().to_json()), "another form of policy is another schema of its events"


def paths(value: object, where: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {where}
    return {path for name, part in value.items() for path in paths(part, f"{where}.{name}")}
