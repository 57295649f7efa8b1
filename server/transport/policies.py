"""Reads policies off the wire: as JSON or as a message, one of the two, and one model of both."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from remission.v1 import policy_pb2 as pb

from server.errors import Invalid
from server.models.policies import make_policy
from server.transport.fields import text
from statemachine.record.canonical import canonical

MOST_POLICY = 65_536  #: characters, or bytes of a message


def policy_text(told: str | None, message: pb.Policy | None, where: str = "") -> str | None:
    """Give the policy that is asked for as JSON, be it said so or by a message; None where neither is given.

    Raises:
        Invalid: Both are given, one is too long, or the message is no policy; fields are named behind *where*.
    """
    if told is not None and message is not None:
        raise Invalid(f"{where}policy", "is given beside policy_json; one of the two is accepted")
    if message is None:
        return None if told is None else text(told, f"{where}policy_json", MOST_POLICY)
    if message.ByteSize() > MOST_POLICY:
        raise Invalid(f"{where}policy", f"is longer than {MOST_POLICY} bytes, the most that are accepted")
    made = make_policy(overrides(message, f"{where}policy"), f"{where}policy")
    return canonical(made.to_json()).decode()


def overrides(message: Message, where: str) -> dict[str, Any]:
    """Give what *message* sets, as the JSON form says it.

    Raises:
        Invalid: It sets a field that this release does not know, which to pass over would weaken what was asked for.
    """
    strange = UnknownFieldSet(message)
    if len(strange):
        number = strange[0].field_number
        raise Invalid(where, f"field {number} is unknown to this release; those of its policy.proto are accepted")
    return {field.name: _value(value, f"{where}.{field.name}") for field, value in message.ListFields()}


def _value(value: Any, where: str) -> Any:  # noqa: ANN401 - any field of a message
    if isinstance(value, pb.Policy.Names):
        return overrides(value, where).get("values", [])
    if isinstance(value, Message):
        return overrides(value, where)
    if isinstance(value, (bool, int, float, str)):
        return value
    return [_value(one, f"{where}[{i}]") for i, one in enumerate(value)]
