"""Asking: the judges of diagnosis on every cause in a stream, through the same code that the service uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from benchmarks.causes.catalogue import CAUSES
from benchmarks.causes.ground import Ground, ground, served
from benchmarks.causes.planting import Planted, planted
from server.judges.table import rule
from server.reactions.explaining import JUDGE, tables
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical

BEFORE = "diagnosis@2"  #: what was asked before, on the same tables of losses
LOOKED_AT = 3  #: causes of a diagnosis


def asked(data: Path, entry: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    """Plant every cause that can be in one stream, and give the place at which each judge names it."""
    on = ground(data, entry, seed)
    found = ((name, planted(cause, on, seed)) for name, cause in CAUSES.items())
    return [_answered(on, name, one) for name, one in found if one is not None]


def _answered(on: Ground, name: str, one: Planted) -> dict[str, Any]:
    inputs = orjson.loads(canonical(tables(served(on, one.sick, warily=CAUSES[name].warily), on.health)))
    causes = _named(JUDGE, inputs)
    first = [{**each, "features": each["features"][:1]} for each in causes[:1]]
    return {
        "stream": on.name, "cause": name, "kinds": one.kinds, "features": one.features,
        "place": place(one, causes), "place_before": place(one, _named(BEFORE, inputs)),
        "first_feature": place(one, first) == 1,
        "named": [[each["kind"], each["features"], each["share"]] for each in causes[:LOOKED_AT]],
    }  # fmt: skip


def _named(judge: str, inputs: dict[str, Any]) -> list[dict[str, Any]]:
    ruling, _ = rule(judge, inputs, Policy(), _unasked)
    return list(ruling.payload["causes"]) if ruling else []


def _unasked(sha256: str) -> bytes:
    raise LookupError(sha256)  # a diagnosis holds all that it is made from


def place(one: Planted, causes: list[dict[str, Any]]) -> int | None:
    """Give the place, from 1, of the first cause of a right kind that names a feature in which the planted one lies."""
    return next((number for number, each in enumerate(causes, 1) if _right(one, each)), None)


def _right(one: Planted, cause: dict[str, Any]) -> bool:
    return cause["kind"] in one.kinds and (not one.features or bool(set(one.features) & set(cause["features"])))
