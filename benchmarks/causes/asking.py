"""Asking: the judges of diagnosis on every cause in a stream, through the same code that the service uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from benchmarks.causes import anew
from benchmarks.causes.catalogue import CAUSES
from benchmarks.causes.ground import Ground, calm, ground
from benchmarks.causes.planting import Planted, planted
from server.judges.table import rule
from server.reactions.explaining import JUDGE, tables
from server.watching.watch import Watch
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
    watch = calm(on, warily=CAUSES[name].warily)
    looks = [_look(on, one, watch) for _ in anew.growing(on, watch, one.sick)]
    inputs = _inputs(on, watch)
    causes = _named(JUDGE, inputs)
    first = [{**each, "features": each["features"][:1]} for each in causes[:1]]
    return {
        "stream": on.name, "cause": name, "kinds": one.kinds, "features": one.features,
        "place": place(one, causes), "place_before": place(one, _named(BEFORE, inputs)),
        "first_feature": place(one, first) == 1, "looks": looks,
        "named": [[each["kind"], each["features"], each["share"]] for each in causes[:LOOKED_AT]],
    }  # fmt: skip


def _look(on: Ground, one: Planted, watch: Watch) -> dict[str, bool]:
    """Say whether what is named first is right, and whether it keeps a model from what could be trained."""
    causes = _named(JUDGE, _inputs(on, watch))
    return {"right": place(one, causes) == 1, "held_back": anew.held_back(causes)}


def _inputs(on: Ground, watch: Watch) -> dict[str, Any]:
    inputs: dict[str, Any] = orjson.loads(canonical(tables(watch, on.health)))
    return inputs


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
