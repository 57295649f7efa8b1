"""Incidents: from the alarm to the end of it, told by the events of one model and by nothing else.

An incident opens with an alarm and closes when the model is healthy again, or retired. Its times are three: from onset
to the alarm (to detect), from the alarm to the confirmation (to confirm), and from the alarm to health (to restore).
Seconds are those of the events' clock. Rows are counts of the model's feed, exact wherever an event names one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from server.history.folding import Step
from statemachine import events as e
from statemachine.words import HEALTHY, RETIRED, Place, Reason, Signal

Mark = dict[str, Any]
SECOND_US = 1_000_000

#: What became of an incident, by the move that ended it.
OUTCOMES = {
    "clear_as_blip": "blip",
    "recover": "recovered",
    "confirm_promotion": "promoted",
    "settle": "rolled_back",
    "retire": "retired",
}


def nobody_knows(row: int) -> int | None:
    """Stand for a feed of which no row is known any more."""
    del row
    return None


def mark(step: Step, **more: Any) -> Mark:  # noqa: ANN401 - facts of an event
    """Name an event by its place and time."""
    return {
        "position": step.recorded.position, "version": step.recorded.version, "at_us": step.recorded.occurred_us, **more
    }  # fmt: skip


@dataclass(slots=True)
class Incident:
    """One incident under way, as the events have told it so far."""

    number: int
    signal: str
    subject: str
    detector: str
    onset_row: int
    detected: Mark
    confirmed: Mark | None = None
    diagnoses: list[Mark] = field(default_factory=list)  #: the latest is the one that remedies follow
    restored: Mark | None = None
    outcome: str = ""
    cause: str = ""
    remedies: list[dict[str, Any]] = field(default_factory=list)
    beside: list[Mark] = field(default_factory=list)  #: what else was alarmed or noted, since its onset and within it
    escalations: list[Mark] = field(default_factory=list)
    people: list[Mark] = field(default_factory=list)

    def to_json(self, onset_us: int | None) -> dict[str, Any]:
        """Tell it, with the times that it took; None where one end of a time is not known."""
        onset = {"row": self.onset_row, "at_us": onset_us}
        return {
            "number": self.number, "open": self.restored is None, "signal": self.signal, "subject": self.subject,
            "detector": self.detector, "onset": onset, "detected": self.detected, "confirmed": self.confirmed,
            "diagnosed": self.diagnoses[-1] if self.diagnoses else None, "diagnoses": self.diagnoses,
            "cause": self.cause, "remedies": self.remedies,
            "remedy_proposed": self._first("proposed"), "canary": self._first("canary"), "restored": self.restored,
            "outcome": self.outcome, "beside": self.beside, "escalations": self.escalations, "people": self.people,
            "times": {
                "to_detect": _between(onset, self.detected), "to_confirm": _between(self.detected, self.confirmed),
                "to_restore": _between(self.detected, self.restored),
            },
        }  # fmt: skip

    def _first(self, what: str) -> Mark | None:
        return next((remedy[what] for remedy in self.remedies if remedy.get(what)), None)


class Incidents:
    """Hears the steps of one model in order. *brought_us* says when the feed held a row; None where that is gone."""

    def __init__(self, brought_us: Callable[[int], int | None] = nobody_knows) -> None:
        self._brought_us = brought_us
        self._known: list[Incident] = []
        self._open: Incident | None = None
        self._row: int | None = None  #: the newest that any event has named
        self._noted: list[Mark] = []  #: drift and losses, since the last incident was over

    def take(self, step: Step) -> None:
        """Hear one event."""
        self._row = getattr(step.fact, "at_row", self._row)
        if isinstance(step.fact, e.AlarmRaised) and self._open is None:
            self._begin(step, step.fact)
        elif self._open is not None:
            self._go_on(self._open, step)
        elif isinstance(step.fact, e.DriftNoted | e.LossNoted):
            self._noted.append(_noted(step, step.fact))
        elif isinstance(step.fact, e.PromotionConfirmed) and self._known and self._known[-1].remedies:
            _remedy(self._known[-1], "promoted", mark(step, row=self._row))  # it is told behind the move that ends it

    def told(self, from_us: int | None = None) -> list[dict[str, Any]]:
        """Tell the incidents that were open at *from_us* or later; all without it."""
        return [
            one.to_json(self._brought_us(one.onset_row))
            for one in self._known
            if from_us is None or one.restored is None or one.restored["at_us"] >= from_us
        ]

    def _begin(self, step: Step, fact: e.AlarmRaised) -> None:
        self._open = Incident(
            number=len(self._known) + 1, signal=fact.signal, subject=fact.subject, detector=fact.detector,
            onset_row=fact.onset_row, detected=mark(step, row=fact.at_row),
            beside=[one for one in self._noted if one["row"] >= fact.onset_row],
        )  # fmt: skip
        self._known.append(self._open)
        self._noted = []

    def _go_on(self, incident: Incident, step: Step) -> None:
        match step.fact:
            case e.AlarmRaised(signal=signal, subject=subject, onset_row=onset_row):
                more = mark(step, row=self._row, signal=signal, subject=subject, onset_row=onset_row)
                incident.beside.append(more)
                incident.onset_row = onset_row
            case e.DriftNoted() | e.LossNoted() as note:
                incident.beside.append(_noted(step, note))
            case e.DeclineConfirmed():
                incident.confirmed = mark(step, row=self._row, by="evidence")
            case e.DiagnosisMade(cause=cause, onset_row=onset_row):
                incident.diagnoses.append(mark(step, row=self._row, cause=cause))
                incident.cause = cause
                incident.onset_row = onset_row if onset_row >= 0 else incident.onset_row
            case e.Escalated(level=level, reason=reason):
                incident.escalations.append(mark(step, level=level, reason=reason))
            case e.Held() | e.Released() | e.Frozen() | e.Unfrozen():
                incident.people.append(mark(step, order=step.recorded.type, actor=step.recorded.actor))
            case e.StateChanged() as move:
                self._move(incident, step, move)
            case e.RolledBack(reason=Reason.FALLBACK, version=version):
                incident.escalations.append(mark(step, reason=str(Reason.FALLBACK), serves=version))
            case _:
                _of_remedy(incident, step, self._row)

    def _move(self, incident: Incident, step: Step, move: e.StateChanged) -> None:
        if move.trigger == "give_up_waiting":
            incident.confirmed = mark(step, row=self._row, by="unresolved")
        elif move.trigger == "pass_gates":
            _remedy(incident, "canary", mark(step, row=self._row))
        elif move.trigger == "abandon":
            _remedy(incident, "abandoned", mark(step, row=self._row, reason=str(move.reason)))
        if Place.named(move.dest) in (HEALTHY, RETIRED):
            incident.restored = mark(step, row=self._row)
            incident.outcome = OUTCOMES.get(move.trigger, move.trigger)
            self._open = None


def _noted(step: Step, fact: e.DriftNoted | e.LossNoted) -> Mark:
    signal = Signal.DRIFT if isinstance(fact, e.DriftNoted) else Signal.LOSS
    return mark(step, row=fact.at_row, signal=str(signal), subject=fact.subject, onset_row=fact.onset_row)


def _of_remedy(incident: Incident, step: Step, row: int | None) -> None:
    """Hear of a remedy that is sought within an incident."""
    match step.fact:
        case e.RemediationStarted(number=number, requested_by=requested_by):
            found = {"number": number, "requested_by": requested_by, "started": mark(step, row=row), "approvals": []}
            incident.remedies.append(found)
        case e.ScopeProposed(job=job):
            _remedy(incident, "proposed", mark(step, row=row, job=job))
        case e.ApprovalGiven() | e.ApprovalRefused() if incident.remedies:
            said = mark(step, said=step.recorded.type, actor=step.recorded.actor)
            incident.remedies[-1]["approvals"].append(said)
        case e.CandidateTrained(version=version, remedy=remedy):
            _remedy(incident, "trained", mark(step, row=row, candidate=version, remedy=str(remedy)))
        case e.GatesJudged(passed=passed):
            _remedy(incident, "judged", mark(step, row=row, passed=passed))
        case e.RouteIntended(exposure_bp=exposure) if exposure and incident.remedies:
            incident.remedies[-1].setdefault("exposures", []).append(mark(step, row=row, exposure_bp=exposure))
        case e.RolledBack(reason=reason):
            _remedy(incident, "turned_back", mark(step, row=row, reason=str(reason)))
        case _:
            pass  # whatever else happens leaves the incident as it is


def _remedy(incident: Incident, what: str, found: Mark) -> None:
    """Note what became of the latest remedy; a fallback has none."""
    if incident.remedies:
        incident.remedies[-1][what] = found


def _between(start: Mark, end: Mark | None) -> dict[str, float | int | None]:
    if end is None:
        return {"seconds": None, "rows": None}
    times, rows = (start["at_us"], end["at_us"]), (start["row"], end["row"])
    return {
        "seconds": (times[1] - times[0]) / SECOND_US if None not in times else None,
        "rows": rows[1] - rows[0] if None not in rows else None,
    }
