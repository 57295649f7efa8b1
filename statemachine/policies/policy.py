"""The policy of a model: what matters to it, how sure the service must be, and what it may do alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from statemachine.policies.fields import one_of, within
from statemachine.policies.parts import faults, from_json, to_json
from statemachine.policies.sections import (
    OF_SEGMENTS,
    Approvals,
    Bakeoff,
    Budget,
    Canary,
    Condition,
    Confirmation,
    Diagnosis,
    Drift,
    Gates,
    LossAlarm,
    Metrics,
    Quality,
    Refresh,
    Regret,
    Segments,
    Timers,
    Windows,
)
from statemachine.policies.values import PolicyInvalid

__all__ = ["Policy", "PolicyInvalid"]

#: What the first policies did not have, by section; of a section without names, all of it.
LATER: dict[str, tuple[str, ...]] = {
    "loss": ("seasons",), "confirmation": ("blip_windows", "lasting_share"),
    "drift": ("projections", "seasons", "utc_offset_minutes", "by_label", "shapes", "together"),
    "quality": ("looks_for", "rules", "entity"), "budget": ("unexplained",), "diagnosis": ("anew",),
    "segments": (), "conditions": (), "gates": ("segment_tolerance", "segment_alpha"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All of it. Sections that are not given keep their defaults."""

    tier: int = within(1, 3, 1)
    fallback: str = one_of("none", "previous_version")
    escalation_levels: int = within(1, 10, 3)
    windows: Windows = field(default_factory=Windows)
    loss: LossAlarm = field(default_factory=LossAlarm)
    regret: Regret = field(default_factory=Regret)
    confirmation: Confirmation = field(default_factory=Confirmation)
    drift: Drift = field(default_factory=Drift)
    quality: Quality = field(default_factory=Quality)
    diagnosis: Diagnosis = field(default_factory=Diagnosis)
    segments: Segments = field(default_factory=Segments)
    metrics: Metrics = field(default_factory=Metrics)
    bakeoff: Bakeoff = field(default_factory=Bakeoff)
    gates: Gates = field(default_factory=Gates)
    canary: Canary = field(default_factory=Canary)
    refresh: Refresh = field(default_factory=Refresh)
    budget: Budget = field(default_factory=Budget)
    approvals: Approvals = field(default_factory=Approvals)
    timers: Timers = field(default_factory=Timers)
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what can never be."""
        asked = [name for name in self.gates.mandatory if name in OF_SEGMENTS]
        if asked and not self.segments.splits:
            told = f"{asked[0]!r} is not accepted where segments.splits declares none; with one or more it is"
            raise PolicyInvalid("gates.mandatory", told)

    def to_json(self) -> dict[str, Any]:
        """Give the whole policy, defaults included, but no default of what a policy of before did not have (`LATER`).

        So one that says nothing of these has the bytes of before.
        """
        made, default = to_json(self), to_json(Policy())
        assert isinstance(made, dict)  # noqa: S101 - a dataclass becomes an object
        assert isinstance(default, dict)  # noqa: S101
        for section, names in LATER.items():
            for name in names:
                if made[section][name] == default[section][name]:
                    del made[section][name]
            if not names and made[section] == default[section]:
                del made[section]
        return made

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Policy:
        """Read a policy; what is absent keeps its default.

        Raises:
            PolicyInvalid: A key is unknown, or a value has the wrong type or lies out of bounds.
        """
        made = from_json(cls, data, "")
        assert isinstance(made, cls)  # noqa: S101 - `from_json` gives what it is asked for
        return made

    @classmethod
    def faults(cls, data: Any) -> Iterator[PolicyInvalid]:  # noqa: ANN401 - whatever was read
        """Give everything that `from_json` would refuse, not only the first."""
        return faults(cls, data, "")
