"""A model is registered, its policy changes, and people or the service are in charge."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from msgspec.structs import replace

from statemachine import events as e
from statemachine.folds.fold import Fold, Folds
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.policies.policy import Policy
from statemachine.words import ABORTING, CANARY, Automation

MOST_POLICIES = 256  #: that are kept as they were read


def _registered(_: ModelHealth, fact: e.ModelRegistered, at_us: int) -> ModelHealth:
    return ModelHealth(
        model=fact.model,
        owner=fact.owner,
        purpose=fact.purpose,
        task=fact.task,
        metric=fact.metric,
        outcomes=fact.outcomes,
        template=fact.template,
        champion=fact.champion,
        features_sha256=fact.features_sha256,
        reference_sha256=fact.reference_sha256,
        reference_rows=fact.reference_rows,
        label_delay_rows=fact.label_delay_rows,
        seconds_per_row=fact.seconds_per_row,
        seed=fact.seed,
        policy=_policy(fact.policy),
        policy_version=1,
        entered_us=at_us,
        armed_us=at_us,
    )


def _artifact_registered(health: ModelHealth, fact: e.ArtifactRegistered, _: int) -> ModelHealth:
    return replace(health, manifests={**health.manifests, fact.version: fact.manifest})


def _policy_changed(health: ModelHealth, fact: e.PolicyChanged, _: int) -> ModelHealth:
    return replace(
        health,
        policy=_policy(fact.policy),
        policy_version=health.policy_version + 1,
        owner=fact.owner,
        purpose=fact.purpose,
    )


def _policy(told: dict[str, Any]) -> Policy:
    return _read_policy(orjson.dumps(told))


# Most models have the policy of others, and a fold meets it again with each look back: to read it costs as much as to
# fold a hundred events.
@lru_cache(MOST_POLICIES)
def _read_policy(told: bytes) -> Policy:
    return Policy.from_json(orjson.loads(told))


def _put_in_charge(who: Automation) -> Fold:
    def fold(health: ModelHealth, _: Event, at_us: int) -> ModelHealth:
        return replace(
            health, automation=who, armed_us=at_us if health.place not in (*CANARY, ABORTING) else health.armed_us
        )

    return fold


FOLDS: Folds = {
    e.ModelRegistered: _registered,
    e.ArtifactRegistered: _artifact_registered,
    e.PolicyChanged: _policy_changed,
    e.Held: _put_in_charge(Automation.HELD),
    e.Released: _put_in_charge(Automation.AUTO),
    e.Frozen: _put_in_charge(Automation.FROZEN),
    e.Unfrozen: _put_in_charge(Automation.HELD),
}
