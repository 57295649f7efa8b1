"""The story of a model: what its events tell, folded once and heard by all who tell a part of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.act import SERVICE
from server.bundling.period import Period
from server.history.folding import Step
from server.history.incidents import Incidents, mark
from server.history.inventory import Inventory
from server.history.lineage import Documents, Lineage
from statemachine import events as e
from statemachine.health import ModelHealth
from statemachine.record.envelope import PayloadErased, RecordedEvent
from statemachine.replay import refold
from statemachine.words import Reason

ASKED_BY_PEOPLE = (Reason.REQUESTED, Reason.OPERATOR, Reason.RETIRED)  #: of moves that a person can ask for


class Story:
    """Folds events one by one, up to the first whose payload was erased: what follows from that cannot be told."""

    def __init__(self, period: Period, documents: Documents, brought_us: Callable[[int], int | None]) -> None:
        self.period = period
        self.incidents, self.lineage, self.inventory = Incidents(brought_us), Lineage(documents), Inventory()
        self.gates: list[dict[str, Any]] = []
        self.moves: list[dict[str, Any]] = []
        self.people: list[dict[str, Any]] = []
        self.health = ModelHealth()
        self.erased_from: int | None = None  #: version of the first event without its payload

    def take(self, event: RecordedEvent) -> None:
        """Fold one event.

        Raises:
            IllegalHistory: It cannot have happened there.
        """
        if self.erased_from is not None:
            return
        try:
            fact, after = refold(self.health, event)
        except PayloadErased:
            self.erased_from = event.version
            return
        self._hear(Step(recorded=event, fact=fact, before=self.health, after=after))
        self.health = after

    def documents(self) -> dict[str, dict[str, Any]]:
        """Give what was told, by the name of its file."""
        incidents = self.incidents.told(self.period.from_us)
        told = {
            "gates": {"gates": self.gates},
            "incidents": {"incidents": incidents, "open": sum(one["open"] for one in incidents)},
            "inventory": {"models": [self.inventory.told()]},
            "lineage": self.lineage.told(),
        }
        return {name: {**what, "erased_from_version": self.erased_from} for name, what in told.items()}

    def _hear(self, step: Step) -> None:
        for listener in (self.incidents, self.lineage, self.inventory):
            listener.take(step)
        if not self.period.has_begun(step.recorded.occurred_us):
            return
        match step.fact:
            case e.GatesJudged() as fact:
                self.gates.append(_gates(step, fact))
            case e.StateChanged() as move:
                self.moves.append(
                    mark(step, source=move.source, dest=move.dest, trigger=move.trigger, reason=str(move.reason))
                )
                if move.reason in ASKED_BY_PEOPLE and step.recorded.actor != SERVICE.actor:
                    self.people.append(mark(step, what=move.trigger, actor=step.recorded.actor, note=move.note))
            case e.PolicyChanged():
                told = f"version {step.after.policy_version}"
                self.people.append(mark(step, what=step.recorded.type, actor=step.recorded.actor, note=told))
            case e.ApprovalGiven() | e.ApprovalRefused() | e.LegalHoldPlaced() | e.LegalHoldLifted() as fact:
                self.people.append(mark(step, what=step.recorded.type, actor=step.recorded.actor, note=fact.note))
            case e.Held() | e.Released() | e.Frozen() | e.Unfrozen() | e.Erased() as fact:
                self.people.append(mark(step, what=step.recorded.type, actor=step.recorded.actor, note=fact.note))
            case _:
                pass  # it stands in the record


def _gates(step: Step, fact: e.GatesJudged) -> dict[str, Any]:
    return mark(
        step, candidate=step.before.candidate, passed=fact.passed, chosen=fact.chosen, remedy=str(fact.remedy),
        gates=fact.gates, measured=fact.measured, evidence=fact.evidence, policy_version=step.recorded.policy_version,
    )  # fmt: skip
