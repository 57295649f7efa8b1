"""Cases: the incidents of a model with what marks them, so that one can be laid beside another.

A case is read from the log each time, and kept nowhere: what was erased is not told any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from diagnosis.causes import Rise
from diagnosis.inputs import Feature, Table
from measures.sums import span
from server.history import folding
from server.history.folding import Step
from server.history.incidents import Incidents
from statemachine import events as e
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.record.envelope import PayloadErased
from store.errors import EvidenceAltered, EvidenceErased, EvidenceMissing
from store.ports import Readable, Reader

Causes = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Mean losses of two versions of things on the same measure, in loss units."""

    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A remedy that was tried within an incident, and what became of it."""

    number: int
    requested_by: str
    remedy: str  #: what the candidate changes; empty where none was trained
    candidate: str
    end: str  #: promoted, turned_back, abandoned, or empty while it is under way
    reason: str  #: why it ended so; empty for a promotion
    gates: str = ""  #: evidence of what let it in, or did not
    losses: Levels | None = None  #: on rows that neither had seen: of the champion, and of the candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An incident and what marks it."""

    model: str
    task: str
    metric: str
    incident: dict[str, Any]  #: as `server/history/incidents.py` tells it
    causes: Causes = ()
    evidence: str = ""  #: of the diagnosis
    attempts: tuple[Attempt, ...] = ()
    next_us: int | None = None  #: when the next incident of the model opened
    losses: Levels | None = None  #: of the champion, before the onset and since

    @property
    def position(self) -> int:
        """Place of its alarm in the log; no two incidents have the same."""
        return int(self.incident["detected"]["position"])

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return not self.incident["open"]

    @property
    def cause(self) -> str:
        """The first cause; empty while there is no diagnosis."""
        return str(self.incident["cause"])

    @property
    def features(self) -> tuple[str, ...]:
        """The features in which its first cause lies."""
        return tuple(self.causes[0].get("features", ())) if self.causes else ()

    @property
    def rise(self) -> float:
        """By how much the loss rose, in loss units; 0 where no cause explains a part of it."""
        share = sum(float(one["share"]) for one in self.causes if one.get("effect"))
        return sum(float(one["effect"]) for one in self.causes if one.get("effect")) / share if share > 0 else 0.0


class Cases:
    """Hears the steps of one model in order."""

    def __init__(self) -> None:
        self._incidents, self._facts, self._health = Incidents(), dict[int, Event](), ModelHealth()

    def take(self, step: Step) -> None:
        """Hear one event."""
        self._incidents.take(step)
        if isinstance(step.fact, e.DiagnosisMade | e.GatesJudged):
            self._facts[step.recorded.version] = step.fact
        self._health = step.after

    def told(self) -> list[Case]:
        """Tell the cases, oldest first."""
        incidents = self._incidents.told()
        following = [*(one["detected"]["at_us"] for one in incidents[1:]), None]
        return [self._case(one, next_us) for one, next_us in zip(incidents, following, strict=False)]

    def _case(self, incident: dict[str, Any], next_us: int | None) -> Case:
        health, fact = self._health, self._fact(incident["diagnosed"])
        diagnosed = fact if isinstance(fact, e.DiagnosisMade) else None
        return Case(
            model=health.model, task=health.task, metric=health.metric, incident=incident, next_us=next_us,
            causes=tuple(diagnosed.causes) if diagnosed else (), evidence=diagnosed.evidence if diagnosed else "",
            attempts=tuple(self._attempt(one) for one in incident["remedies"]),
        )  # fmt: skip

    def _attempt(self, remedy: dict[str, Any]) -> Attempt:
        judged, trained = self._fact(remedy.get("judged")), remedy.get("trained", {})
        gates = judged if isinstance(judged, e.GatesJudged) else None
        ends = [name for name in ("promoted", "turned_back", "abandoned") if name in remedy]
        return Attempt(
            number=remedy["number"], requested_by=remedy["requested_by"],
            remedy=trained.get("remedy", "") or (gates.remedy if gates else ""), candidate=trained.get("candidate", ""),
            end=ends[-1] if ends else "", reason=remedy[ends[-1]].get("reason", "") if ends else "",
            gates=gates.evidence if gates else "",
        )  # fmt: skip

    def _fact(self, at: dict[str, Any] | None) -> Event | None:
        return self._facts.get(at["version"]) if at else None


def cases_of(store: Readable, model: str) -> list[Case]:
    """Tell the cases of *model*, oldest first, up to the first event whose payload was erased.

    Raises:
        IllegalHistory: Its log cannot be folded.
    """
    heard = Cases()
    try:
        for step in folding.life(store, model):
            heard.take(step)
    except PayloadErased:
        pass  # what follows from that cannot be told
    return heard.told()


def with_losses(reader: Reader, case: Case) -> Case:
    """Add what rows cost, from the evidence that is still there."""
    attempts = tuple(replace(one, losses=_of_gates(reader, one)) for one in case.attempts)
    return replace(case, losses=_of_diagnosis(reader, case), attempts=attempts)


def _of_diagnosis(reader: Reader, case: Case) -> Levels | None:
    inputs = _inputs(reader, case.evidence)
    if inputs is None:
        return None
    features = [Feature(one["name"], one["start"], one["slots"]) for one in inputs["layout"]]
    rise = Rise(features, Table.from_json(inputs["reference"]), Table.from_json(inputs["current"]))
    return Levels(before=rise.mean, after=rise.mean + rise.amount) if rise.labelled else None


def _of_gates(reader: Reader, attempt: Attempt) -> Levels | None:
    inputs = _inputs(reader, attempt.gates)
    if inputs is None:
        return None
    report = inputs["report"]
    champion = span(report["champion"]).mean
    leads = [one["lead"] for one in report["entrants"] if one["name"] == report["chosen"]]
    return Levels(before=champion, after=champion - span(leads[0]).mean) if leads else None


def _inputs(reader: Reader, evidence: str) -> dict[str, Any] | None:
    """Read what a decision was made from; None where that is not on record, was erased or was altered."""
    try:
        found: dict[str, Any] = orjson.loads(reader.evidence(evidence))["inputs"]
    except (EvidenceMissing, EvidenceErased, EvidenceAltered):
        return None
    return found
