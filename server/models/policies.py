"""What a caller says of a policy, checked: each field of it, and that nothing is said twice."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import orjson

from server.errors import Invalid
from statemachine.policies.policy import Policy, PolicyInvalid


def read_policy(text: str, field: str) -> Policy:
    """Read a policy from JSON, or say which field of it is wrong."""
    try:
        data = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise Invalid(field, f"is no JSON: {error}") from error
    policy = make_policy(data, field)
    _once_each(text, field)
    return policy


def make_policy(data: dict[str, Any], field: str) -> Policy:
    """Check a policy, or say which field of it is wrong."""
    try:
        return Policy.from_json(data)
    except PolicyInvalid as error:
        raise Invalid(field, str(error)) from error


def _once_each(text: str, field: str) -> None:
    """Refuse what a policy says twice: the later would win, and nobody be told."""

    def pairs(found: list[tuple[str, object]]) -> None:
        for name, times in Counter(name for name, _ in found).items():
            if times > 1:
                raise Invalid(field, f"{name}: stands twice; once in each object is accepted")

    try:
        json.loads(text or "{}", object_pairs_hook=pairs)
    except RecursionError as error:
        raise Invalid(field, "is nested too deeply; a policy is accepted") from error
