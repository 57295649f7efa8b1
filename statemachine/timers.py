"""The one live timer of each place: derived from the fold and the policy, never stored twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from statemachine.health import ModelHealth
from statemachine.words import (
    ABORTING,
    AWAITING_APPROVAL,
    DEGRADED,
    HEALTHY,
    LEASED,
    PROMOTING,
    QUEUED,
    RETIRED,
    ROLLED_BACK,
    RUNG,
    SCOPING,
    SHADOW,
    SUSPECT,
    VALIDATING,
    Automation,
    Place,
)

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
FALLBACK_SILENCE_SECONDS = 86_400
WINDOWS_OF_SILENCE = 10
SIGNALS = "signals"  #: the name of the timer of signals, which no place has


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """When something happens by itself if nothing else does."""

    name: str
    due_us: int
    visit: int


def live(health: ModelHealth) -> Timer | None:
    """Give the timer of *health*, or None when it is retired or not yet born."""
    if not health.registered or health.place == RETIRED:
        return None
    name, seconds = _alarm(health)
    return Timer(name=name, due_us=health.armed_us + int(seconds * SECOND_US), visit=health.visit)


def waits_for_a_person(health: ModelHealth) -> bool:
    """Whether the timer only notifies: a person is in charge, and what serves is safe."""
    resting = (HEALTHY, SUSPECT, DEGRADED, ROLLED_BACK)
    return health.automation != Automation.AUTO and health.place in resting


def _alarm(health: ModelHealth) -> tuple[str, float]:
    if waits_for_a_person(health):
        return "notify_again", health.policy.timers.notify_again_seconds
    return _NAMES[health.place], _seconds(health)


def _seconds(health: ModelHealth) -> float:
    timers, place = health.policy.timers, health.place
    pace = health.reference_rows * health.seconds_per_row
    match place:
        case _ if place == HEALTHY:
            return silence_seconds(health)
        case _ if place in (SUSPECT, DEGRADED, SHADOW, RUNG, PROMOTING):
            # What waits for data waits at least as long as the reference took to gather.
            return max(float(getattr(timers, f"{_NAMES[place]}_seconds")), pace)
        case _ if place == ABORTING:
            return float(health.route.ttl_seconds)
        case _:
            return float(getattr(timers, f"{_NAMES[place]}_seconds"))


def silence_seconds(health: ModelHealth) -> float:
    """Say how long rows or labels may stay away before that is a finding."""
    set_by_policy = health.policy.timers.silence_seconds
    if set_by_policy is not None:
        return float(set_by_policy)
    pace = health.seconds_per_row
    window = health.policy.windows.rows_for(health.reference_rows)
    return max(FALLBACK_SILENCE_SECONDS, pace * (WINDOWS_OF_SILENCE * window + 2 * health.label_delay_rows))


def awaited(health: ModelHealth) -> dict[str, int]:
    """Give the signals whose silence counts and that are heard, and how long each may stay away, in microseconds.

    While there are any, a timer of its own is live beside that of the place, whatever the place is.
    """
    if health.place == RETIRED:
        return {}
    waited = {name: one.limit_us for name, one in health.signals.items() if one.limit_us}
    return {name: limit_us for name, limit_us in waited.items() if name not in health.silent}


_NAMES: dict[Place, str] = {
    HEALTHY: "silence",
    SUSPECT: "suspect",
    DEGRADED: "degraded",
    SCOPING: "scoping",
    AWAITING_APPROVAL: "approval",
    QUEUED: "queued",
    LEASED: "leased",
    VALIDATING: "validating",
    SHADOW: "shadow",
    RUNG: "rung",
    PROMOTING: "promoting",
    ABORTING: "aborting",
    ROLLED_BACK: "rolled_back",
}

#: How each machine has computed the timer that is live. What one has set stands until events move it, so another way is
#: another machine version, with the old one beside it here.
FORMULAS: dict[str, Callable[[ModelHealth], Timer | None]] = {"1": live}
