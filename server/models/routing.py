"""Routes: what serving is asked to do, and what it says that it does."""

from __future__ import annotations

from server.act import Caller
from server.desk import Desk
from server.errors import Invalid
from server.views import RouteView
from statemachine import commands as c
from statemachine.words import CANARY
from store.ports import Reader, Unit


def route_of(desk: Desk, reader: Reader, model: str) -> RouteView:
    """Give the route in force: the one that is committed, whatever the writer is at."""
    health = desk.as_committed(reader, model)
    in_canary = health.place in CANARY
    on_trial = [health.candidate] if in_canary else []
    # Where the truth is known whoever served, the candidate is judged on every row, from before it serves any.
    shadows = (*(on_trial if health.outcomes == "exogenous" else ()), *health.shadows)
    return RouteView(
        model=model,
        generation=health.route.generation,
        champion=health.champion,
        candidate=health.candidate if in_canary else "",
        shadows=shadows,
        exposure_bp=health.route.exposure_bp,
        salt=health.route.salt,
        ttl_seconds=health.route.ttl_seconds,
        issued_us=health.route.issued_us,
        manifests={
            version: health.manifests[version]
            for version in (health.champion, *on_trial, *shadows)
            if version in health.manifests
        },
    )


def acknowledge(
    desk: Desk, unit: Unit, model: str, generation: int, router: str, applied_bp: int, failure: str, caller: Caller
) -> int:
    """Note that a router serves *generation*, or that it could not; give the generation in force."""
    health = desk.health(unit, model)
    head = unit.feed_head(model)
    if generation > health.route.generation:
        raise Invalid("generation", f"{generation} was never issued; {health.route.generation} is in force")
    if generation == health.route.generation and not failure and applied_bp != health.route.exposure_bp:
        raise Invalid(
            "applied_bp", f"{applied_bp} is not what generation {generation} asks for: {health.route.exposure_bp}"
        )
    if failure and generation == health.route.generation and health.place in CANARY:
        command: c.Command = c.Abort(note=f"router {router}: {failure}", at_row=head.next_row)
    else:
        command = c.AcknowledgeRoute(generation=generation, router=router, at_row=head.next_row)
    desk.act(unit, model, command, head.watermark_us, caller)
    return desk.health(unit, model).route.generation
