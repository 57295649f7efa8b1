"""The answer under construction: each fact is folded as it is added, so the next one sees it."""

from __future__ import annotations

from statemachine.commands import Command
from statemachine.events import RouteIntended, StateChanged
from statemachine.evolve import evolve
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.machine import GATEKEEPER, Gatekeeper
from statemachine.words import CANARY, Reason


class Draft:
    """Facts that answer one command, and the health that they lead to."""

    def __init__(self, health: ModelHealth, command: Command, now_us: int, gatekeeper: Gatekeeper = GATEKEEPER) -> None:
        self.health, self.command, self.now_us = health, command, now_us
        self.facts: list[Event] = []
        self._gatekeeper = gatekeeper

    def add(self, fact: Event) -> None:
        """Record *fact* and fold it."""
        self.facts.append(fact)
        self.health = evolve(self.health, fact, self.now_us)

    def move(self, trigger: str, reason: Reason, note: str = "") -> None:
        """Move by *trigger* through the table, or let its refusal rise."""
        dest = self._gatekeeper.fire(trigger, self.health, self.command, self.now_us)
        source = self.health.place
        self.add(StateChanged(source=str(source), dest=str(dest), trigger=trigger, reason=reason, note=note))

    def route(self, exposure_bp: int, at_row: int) -> None:
        """Ask routers for *exposure_bp*, as a new generation."""
        health = self.health
        in_canary = health.place in CANARY
        pinned = health.rollback_target if health.outcomes == "exogenous" else ""
        self.add(
            RouteIntended(
                generation=health.route.generation + 1,
                exposure_bp=exposure_bp,
                ttl_seconds=health.policy.canary.route_ttl_seconds,
                # A salt per remediation: the same users are not always the ones who go first.
                salt=f"{health.model}/{health.remediations}/{health.seed}",
                at_row=at_row,
                champion=health.champion,
                candidate=health.candidate if in_canary else "",
                shadows=[pinned] if pinned and pinned != health.champion else [],
            )
        )
