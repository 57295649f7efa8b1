"""What is not watched of a model, and why: so that nobody takes silence for calm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from statemachine.record.envelope import RecordedEvent


def unwatched(policy: dict[str, Any], registered: RecordedEvent) -> tuple[str, ...]:
    """Tell what a *policy* leaves out, and what can be asked for given the one that a model was *registered* under."""
    told = orjson.loads(registered.payload)["policy"]["drift"] if registered.payload else {}
    return tuple(_told(policy, told))


def _told(policy: dict[str, Any], learned: dict[str, Any]) -> Iterator[str]:
    drift = policy["drift"]
    if not drift.get("projections"):
        most = learned.get("projections", 0)
        can = f"up to {most} may be asked for" if most else "the model was registered without, so none can be"
        yield f"features that go together otherwise: the policy asks for no drift.projections, and {can}"
    if drift.get("seasons"):
        yield "changes of shape that no alternative is near to: drift.shapes are silent where drift.seasons are named"
    elif not drift.get("shapes"):
        yield "changes of shape that no alternative is near to: the policy asks for no drift.shapes; it may"
    if not drift.get("seasons"):
        names = ", ".join(learned.get("seasons", ()))
        can = f"{names} may be" if names else "the model was registered without, so none can be"
        yield f"drift by season: the policy names no drift.seasons, and {can}"
    if not policy["loss"].get("seasons"):
        yield "loss by season: the policy names no loss.seasons; some may be named"
    segments = policy.get("segments", {})
    if segments.get("drift") and drift.get("seasons"):
        yield "drift within segments: segments.drift is silent where drift.seasons are named"
    if not segments.get("splits"):
        yield "parts of the rows: the policy declares no segments.splits; some may be declared"
    elif "segments" not in policy["gates"]["mandatory"]:
        yield "segments that a candidate ruins: gates.mandatory does not name segments; it may"
