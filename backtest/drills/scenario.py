"""What a scenario is: what happens in it, what it is in truth, and what a policy may say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from backtest.drills import planting as p
from backtest.drills.ground import Plan, by_chance
from backtest.stream import Stream


class Kind(StrEnum):
    """What a scenario is in truth, which is what an expectation depends on."""

    NOTHING = "nothing"  #: no harm to any answer, whatever moves
    BLIP = "blip"  #: harm that is over before it could be proved to last
    CHANGE = "change"  #: the world has changed, and another model would do better
    FAULT = "fault"  #: the data are broken, and are repaired
    SILENCE = "silence"  #: something stops coming, and comes back
    METRIC = "metric"  #: a series of another monitor leaves its level, and comes back
    LOCAL = "local"  #: the truth of a segment that the policy declares has changed, and nothing else
    RELAPSE = "relapse"  #: the world changes, and is as it was just when the candidate begins to serve


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One drill."""

    name: str
    kind: Kind
    happens: str
    sound: str
    plant: Callable[[Stream, Plan, p.Chance], p.Planted]
    pick: p.Pick = by_chance
    causes: tuple[str, ...] = ()  #: what a diagnosis may name
    faults: tuple[str, ...] = ()  #: kinds of broken data by which it may be named
    alike: tuple[str, ...] = ()  #: kinds that look the same to a policy that does not say whose a row is
    loud: bool = False  #: a blip that is long enough to be met where it costs much
    lasts: bool = True  #: a remedy can still be proved before the world changes again
    stops: str = ""  #: what a silence is of: rows or labels
    looked_for: str = ""  #: the kind of fault that a policy must ask for, so that this is seen
