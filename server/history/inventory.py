"""The inventory: what a model is, who answers for it, what validated its champion, and when to look again."""

from __future__ import annotations

from typing import Any

from server.errors import ModelMissing
from server.history import folding
from server.history.folding import Step
from server.history.unreadable import Listing, listing
from statemachine import events as e
from statemachine.health import ModelHealth
from statemachine.words import HEALTHY, RETIRED, Automation
from store.ports import Readable

DAY_US = 86_400 * 1_000_000

#: Days from a validation to the next review, by the tier of the policy; tier 1 matters most.
REVIEW_DAYS = {1: 180, 2: 365, 3: 730}


class Inventory:
    """Hears the steps of one model in order."""

    def __init__(self) -> None:
        self._health = ModelHealth()
        self._registered_us = 0
        self._validated: dict[str, dict[str, Any]] = {}  #: by version: what let it in
        self._unwell_us = 0  #: since when it is not healthy

    def take(self, step: Step) -> None:
        """Hear one event."""
        if isinstance(step.fact, e.ModelRegistered):
            self._registered_us = step.recorded.occurred_us
            self._validated[step.fact.champion] = _validation("registration", step, {})
        elif isinstance(step.fact, e.GatesJudged) and step.fact.passed:
            self._validated[step.before.candidate] = _validation("gates", step, _counts(step.fact.gates))
        if step.before.place == HEALTHY != step.after.place:
            self._unwell_us = step.recorded.occurred_us
        self._health = step.after

    def told(self) -> dict[str, Any]:
        """Tell the entry."""
        health = self._health
        validation = self._validated.get(health.champion)
        findings = self._findings()
        return {
            "model": health.model, "owner": health.owner, "purpose": health.purpose, "tier": health.policy.tier,
            "task": health.task, "metric": health.metric, "outcomes": health.outcomes, "template": health.template,
            "champion": health.champion, "state": str(health.place.state), "phase": str(health.place.phase),
            "automation": str(health.automation), "version": health.version, "policy_version": health.policy_version,
            "reference_rows": health.reference_rows, "registered_us": self._registered_us, "validation": validation,
            "next_review": self._next_review(validation, findings), "findings": findings,
        }  # fmt: skip

    def _findings(self) -> list[dict[str, Any]]:
        """Name what is open now: a decline or a doubt, an escalation, a model that waits for a person."""
        health, found = self._health, []
        if health.alarm is not None:
            about = " ".join(part for part in (health.alarm.signal, health.alarm.subject, health.cause) if part)
            found.append({"what": "incident", "since_us": self._unwell_us, "about": about})
        if health.escalation:
            level = f"level {health.escalation} of {health.policy.escalation_levels}"
            found.append({"what": "escalation", "since_us": health.armed_us, "about": level})
        if health.automation != Automation.AUTO:
            found.append({"what": str(health.automation), "since_us": health.armed_us, "about": "a person decides"})
        return found if health.place != RETIRED else []

    def _next_review(self, validation: dict[str, Any] | None, findings: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Say when the model is to be reviewed and why: what is open comes first, then the tier's period."""
        if self._health.place == RETIRED:
            return None
        if findings:
            return {"at_us": min(one["since_us"] for one in findings), "why": findings[0]["what"]}
        days = REVIEW_DAYS[self._health.policy.tier]
        since_us = validation["at_us"] if validation else self._registered_us
        return {"at_us": since_us + days * DAY_US, "why": f"{days} days after its validation, as its tier asks"}


def entries(store: Readable, after: str, limit: int) -> Listing[dict[str, Any]]:
    """Tell models by name, from behind *after*."""
    found = store.read(lambda reader: [one.stream for one in reader.projections(after, limit)])
    return listing(found, limit, lambda model: entry(store, model))


def entry(store: Readable, model: str) -> dict[str, Any]:
    """Tell one model, from the fold of its log.

    Raises:
        ModelMissing: It has none.
    """
    told, until = Inventory(), folding.version_of(store, model)
    if not until:
        raise ModelMissing(model)
    for step in folding.life(store, model, until):
        told.take(step)
    return told.told()


def _validation(how: str, step: Step, gates: dict[str, int]) -> dict[str, Any]:
    place = step.recorded
    return {"how": how, "position": place.position, "at_us": place.occurred_us, "gates": gates}


def _counts(gates: list[dict[str, Any]]) -> dict[str, int]:
    verdicts = [str(gate["verdict"]) for gate in gates]
    return {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
