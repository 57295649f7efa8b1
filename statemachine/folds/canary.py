"""What routers serve, and what becomes of the candidate that they try."""

from __future__ import annotations

from msgspec.structs import replace

from statemachine import events as e
from statemachine.folds.fold import Folds
from statemachine.health import ModelHealth, Route
from statemachine.words import BLAMELESS


def _route_intended(health: ModelHealth, fact: e.RouteIntended, at_us: int) -> ModelHealth:
    opens = not health.route.candidate and bool(fact.candidate)
    return replace(
        health,
        shadows=tuple(fact.shadows),
        canary_row=fact.at_row if opens else health.canary_row,
        exposures=(*(() if opens else health.exposures), (fact.generation, fact.exposure_bp)),
        route=Route(
            generation=fact.generation,
            candidate=fact.candidate,
            exposure_bp=fact.exposure_bp,
            issued_us=at_us,
            since_row=fact.at_row,
            ttl_seconds=fact.ttl_seconds,
            salt=fact.salt,
        ),
    )


def _route_acknowledged(health: ModelHealth, fact: e.RouteAcknowledged, _: int) -> ModelHealth:
    if fact.generation != health.route.generation:
        return health
    return replace(health, route=replace(health.route, acknowledged=True))


def _canary_judged(health: ModelHealth, fact: e.CanaryJudged, _: int) -> ModelHealth:
    return replace(health, judged_row=fact.at_row)


def _promotion_confirmed(health: ModelHealth, fact: e.PromotionConfirmed, _: int) -> ModelHealth:
    return replace(
        health,
        champion=fact.champion,
        rollback_target=fact.rollback_target,
        epoch=health.epoch + 1,
        epoch_row=fact.at_row,
        failures=0,
        cooldown_until_us=0,
        judged_row=health.route.since_row,  # from there on it served alone, so challengers may be tried on these rows
    )


def _rolled_back(health: ModelHealth, fact: e.RolledBack, _: int) -> ModelHealth:
    after = replace(
        health,
        cooldown_until_us=fact.cooldown_until_us,
        failures=health.failures + (fact.reason not in BLAMELESS),
        improvement=False,
    )
    if fact.version and fact.version != health.champion:
        after = replace(after, champion=fact.version, rollback_target=health.champion, epoch=health.epoch + 1)
    return after


FOLDS: Folds = {
    e.RouteIntended: _route_intended,
    e.RouteAcknowledged: _route_acknowledged,
    e.CanaryJudged: _canary_judged,
    e.PromotionConfirmed: _promotion_confirmed,
    e.RolledBack: _rolled_back,
}
