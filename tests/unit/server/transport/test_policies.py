"""A policy is one, be it given as JSON, as YAML or as a message; what a message says that nobody knows is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from google.protobuf.json_format import ParseDict
from hypothesis import given, settings
from remission.v1 import policy_pb2 as pb

from cli.policies.files import parse
from scripts import draw_policy_proto
from server.errors import Invalid
from server.transport.policies import policy_text
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Condition
from tests.fixtures.policies import said, together

#: Lists that are messages of their own, by section, so that one that is empty is not one that is left out.
NAMES = {"gates": "mandatory", "quality": "looks_for", "drift": "seasons", "loss": "seasons"}


def as_message(told: dict[str, Any]) -> pb.Policy:
    """Say a policy in the words of the contract."""
    names = {
        section: {**told[section], name: {"values": told[section][name]}}
        for section, name in NAMES.items()
        if name in told.get(section, {})
    }
    splits = [
        {**one, "values": {"values": one["values"]}} if "values" in one else one
        for one in told.get("segments", {}).get("splits", [])
    ]
    if splits:
        names["segments"] = {**told["segments"], "splits": splits}
    return pb.Policy.FromString(ParseDict({**told, **names}, pb.Policy()).SerializeToString())


def of_text(text: str | None) -> Policy:
    """Read what the transport hands on."""
    return Policy.from_json(json.loads(text or "null"))


@settings(max_examples=30)  # each says a hundred fields
@given(said(Policy).map(together))
def test_json_and_yaml_and_a_message_are_one_policy(told: dict[str, Any]) -> None:
    expected = Policy.from_json(told)

    assert of_text(policy_text(json.dumps(told), None)) == expected
    assert of_text(policy_text(None, as_message(told))) == expected
    assert Policy.from_json(parse("p.yaml", yaml.safe_dump(told)).data) == expected


def test_a_list_that_is_set_and_empty_is_not_one_that_is_left_out() -> None:
    nothing = pb.Policy(gates=pb.Policy.Gates(mandatory=pb.Policy.Names()))

    assert of_text(policy_text(None, nothing)).gates.mandatory == ()
    assert of_text(policy_text(None, pb.Policy())) == Policy()


@pytest.mark.parametrize(
    ("message", "where"),
    [
        (pb.Policy.FromString(b"\x98\x3f\x01"), "policy"),
        (pb.Policy(canary=pb.Policy.Canary.FromString(b"\x98\x3f\x01")), "policy.canary"),
        (pb.Policy(conditions=[pb.Policy.Condition.FromString(b"\x98\x3f\x01")]), "policy.conditions[0]"),
    ],
)
def test_a_field_of_a_later_release_is_refused_where_it_stands(message: pb.Policy, where: str) -> None:
    with pytest.raises(Invalid, match="field 1011 is unknown to this release") as caught:
        policy_text(None, message)

    assert [name for name, _ in caught.value.violations] == [where]


def test_a_message_without_end_is_refused() -> None:
    endless = pb.Policy(conditions=[pb.Policy.Condition(name="c", when="x" * 70_000)])

    with pytest.raises(Invalid, match="is longer than 65536 bytes"):
        policy_text(None, endless)


def test_the_contract_is_drawn_from_the_policy() -> None:
    numbers = json.loads(draw_policy_proto.NUMBERS.read_text(encoding="utf-8"))

    found = draw_policy_proto.drawn(numbers)
    assert found == (numbers, draw_policy_proto.FILE.read_text(encoding="utf-8"))


def test_the_number_of_a_field_that_is_gone_is_reserved_and_that_of_a_new_one_is_new() -> None:
    numbers, _ = draw_policy_proto.drawn({})
    name = numbers[Condition.__name__].pop("name")

    again, text = draw_policy_proto.drawn({**numbers, "Condition": {**numbers["Condition"], "lost": name}})
    assert again["Condition"]["name"] == max(numbers["Condition"].values()) + 1
    assert f"reserved {name};" in text
