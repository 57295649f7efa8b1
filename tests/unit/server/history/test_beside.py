"""A timer is held against the formula of the machine that has set it, which a later one may have changed since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import msgspec
import pytest

from server.history.beside import Said, Stored
from server.history.folding import Step
from statemachine import timers
from statemachine.health import ModelHealth
from statemachine.moves import MACHINE_VERSION
from store.records import FeedHead, Timer
from tests.fixtures.steps import of_scenario

OLD = "0"
HOUR_US = 3_600_000_000


def slower(health: ModelHealth) -> timers.Timer | None:
    """Compute timers as an older machine might have: an hour later than today's."""
    found = timers.live(health)
    return None if found is None else replace(found, due_us=found.due_us + HOUR_US)


@pytest.fixture(autouse=True)
def _older(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(timers.FORMULAS, OLD, slower)


@pytest.fixture
def steps() -> list[Step]:
    """Give a history of a decline, up to its diagnosis, which leaves the timer as it is."""
    found = of_scenario("lasting_decline")
    return found[: 1 + next(at for at, step in enumerate(found) if step.fact.name == "diagnosis_made")]


def by(machine: str, steps: Iterable[Step]) -> list[Step]:
    return [one._replace(recorded=msgspec.structs.replace(one.recorded, machine_version=machine)) for one in steps]


def faults(steps: Iterable[Step], found: timers.Timer | None) -> list[str]:
    """Say what is wrong with a timer that is stored beside *steps*."""
    assert found is not None
    kept = Timer(stream="m", name=found.name, due_us=found.due_us, visit=found.visit)
    stored = Stored(0, None, (kept,), (), None, FeedHead(seq=0, next_row=0, watermark_us=0))
    said = Said()
    for step in steps:
        said.take(step)
    return [one for one in said.faults(stored) if one.startswith("timer")]


def test_a_timer_that_no_event_has_moved_since_an_older_machine_set_it_is_as_that_one_computes(
    steps: list[Step],
) -> None:
    health = steps[-1].after
    both = by(OLD, steps[:-1]) + steps[-1:]

    assert faults(by(OLD, steps), slower(health)) == faults(both, slower(health)) == []
    assert faults(both, timers.live(health)) == [
        f"timer degraded: is due at {health.armed_us + 24 * HOUR_US}, log and feed say {health.armed_us + 25 * HOUR_US}"
    ]


def test_a_timer_that_events_have_moved_since_is_as_their_machine_computes(steps: list[Step]) -> None:
    health = steps[-1].after
    both = by(OLD, steps[:2]) + steps[2:]

    assert faults(both, timers.live(health)) == faults(by(MACHINE_VERSION, steps), timers.live(health)) == []
    assert len(faults(both, slower(health))) == 1


def test_servers_of_two_releases_on_one_log_each_leave_the_timers_that_they_have_set(steps: list[Step]) -> None:
    health = steps[-1].after
    turns = [by(OLD if at % 2 else MACHINE_VERSION, [step])[0] for at, step in enumerate(steps)]
    moved = max(at for at, step in enumerate(steps) if timers.live(step.before) != timers.live(step.after))

    assert faults(turns, slower(health) if moved % 2 else timers.live(health)) == []
    assert len(faults(turns, timers.live(health) if moved % 2 else slower(health))) == 1


@pytest.mark.parametrize("machine", [OLD, MACHINE_VERSION])
def test_a_timer_that_no_machine_computes_so_is_named(steps: list[Step], machine: str) -> None:
    found = timers.FORMULAS[machine](steps[-1].after)
    assert found is not None

    assert len(faults(by(machine, steps), replace(found, due_us=found.due_us + 1))) == 1
    assert len(faults(by(machine, steps), replace(found, visit=found.visit + 1))) == 1
