"""What is remembered of a registration, of a policy, of artefacts and of who is in charge."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from statemachine import events as e
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.words import ABORTING, DEGRADED, PROMOTING, RUNG, SHADOW, SUSPECT, Automation, Place
from tests.unit.statemachine.laws import born, folded, registration


def test_a_model_enters_its_first_place_when_it_is_registered() -> None:
    registered = folded(ModelHealth(), registration().registration, at_us=40)

    assert (registered.entered_us, registered.armed_us) == (40, 40)


def test_a_policy_that_changes_is_the_next_version_and_may_have_another_owner() -> None:
    changed = folded(born(), e.PolicyChanged(policy={"tier": 2}, owner="bob", purpose="loans"))

    assert (changed.policy.tier, changed.policy_version) == (2, 2)
    assert (changed.owner, changed.purpose) == ("bob", "loans")


def test_each_version_keeps_the_manifest_of_its_own() -> None:
    kept = [e.ArtifactRegistered(version=name, manifest=f"of {name}") for name in ("v1", "v2")]

    assert folded(born(), *kept).manifests == {"v1": "of v1", "v2": "of v2"}


@pytest.mark.parametrize("fact", [e.Held(reason="", note=""), e.Released(note=""), e.Frozen(note="")])
@pytest.mark.parametrize(
    ("place", "armed_us"), [(SHADOW, 0), (RUNG, 0), (PROMOTING, 0), (ABORTING, 0), (SUSPECT, 50), (DEGRADED, 50)]
)
def test_who_takes_charge_gives_no_candidate_more_time(place: Place, armed_us: int, fact: Event) -> None:
    assert folded(replace(born(), place=place), fact, at_us=50).armed_us == armed_us


def test_what_is_unfrozen_waits_for_a_person() -> None:
    assert folded(born(), e.Frozen(note=""), e.Unfrozen(note="")).automation == Automation.HELD
