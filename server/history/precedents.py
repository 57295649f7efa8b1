"""Precedents: past incidents that are like one of a model, and what ended them.

The library of cases is the log itself, so it grows with every incident that ends. Nothing is recorded and nothing is
decided here: whoever looks at an incident is told what was tried before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from server.errors import ThingMissing
from server.history.cases import Case, cases_of, with_losses
from server.history.likeness import Part, likeness
from server.history.reading import stored
from statemachine.replay import FOREIGN, IllegalHistory, restored
from statemachine.words import Remedy
from store.ports import Readable, Reader
from store.records import Projection

LEAST = 0.5  #: similarity below which a case says nothing about another
MOST_MODELS = 200  #: other models whose logs are read for one answer

#: What ended an incident in which no remedy was promoted.
ENDS = {
    "blip": "nothing: later data showed that it had passed",
    "recovered": "nothing was changed in the model: it did well again",
    "rolled_back": "the version before served again",
    "retired": "the model was retired",
}
REMEDIES = {
    Remedy.RECALIBRATE: "its outputs were calibrated anew",
    Remedy.REWEIGHT: "trained on rows that were weighted anew",
    Remedy.RESTORE: "an older version was restored",
    Remedy.REFIT: "trained anew",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedent:
    """A case that is like the one asked about."""

    case: Case
    similarity: float
    parts: tuple[Part, ...]

    @property
    def cure(self) -> str:
        """What ended it, in words."""
        return cure(self.case)


@dataclass(frozen=True, slots=True, kw_only=True)
class Precedents:
    """The case that was asked about, and what it is like, its own model's first."""

    asked: Case
    found: tuple[Precedent, ...]
    models_read: int  #: other models whose cases were compared
    models_left_out: int  #: that could not be read, or were too many


def precedents(store: Readable, model: str, position: int, most: int, *, own: bool) -> Precedents:
    """Find at most *most* incidents that are over and like that of *model* whose alarm is at *position*; 0: its newest.

    Raises:
        ThingMissing: The model has no such incident.
        IllegalHistory: The log of the model cannot be folded.
    """
    cases = cases_of(store, model)
    asked = _asked(model, cases, position)
    others, left_out = ([], 0) if own else _others(store, asked)
    same = _ranked(asked, [one for one in cases if one.position != asked.position])
    found = [*same, *_ranked(asked, [case for name in others for case in name])][:most]
    return store.read(partial(_told, asked, found, len(others), left_out))


def cure(case: Case) -> str:
    """Say in words what ended a case; nothing while it is open."""
    promoted = [one for one in case.attempts if one.end == "promoted"]
    if promoted:
        known = REMEDIES.get(Remedy(promoted[-1].remedy)) if promoted[-1].remedy else None
        return f"{promoted[-1].candidate or 'a candidate'} was promoted: {known or 'a remedy that is not on record'}"
    return ENDS.get(str(case.incident["outcome"]), str(case.incident["outcome"]))


def _asked(model: str, cases: list[Case], position: int) -> Case:
    if not cases:
        raise ThingMissing("model", f"no incident of {model!r} is on record, so there is nothing to compare")
    found = [one for one in cases if position in (0, one.position)]
    if not found:
        known = ", ".join(str(one.position) for one in cases[-5:])
        raise ThingMissing("position", f"no incident of {model!r} began at {position}; its newest began at {known}")
    return found[-1]


def _others(store: Readable, asked: Case) -> tuple[list[list[Case]], int]:
    """Give the cases of other models of the same task, and how many models could not be looked at."""
    names = store.read(partial(_alike, asked))
    found, left_out = list[list[Case]](), max(len(names) - MOST_MODELS, 0)
    for name in names[:MOST_MODELS]:
        try:
            found.append(cases_of(store, name))
        except IllegalHistory:  # that of another model keeps nobody from an answer; `verify` names the place
            left_out += 1
    return found, left_out


def _alike(asked: Case, reader: Reader) -> list[str]:
    """Name the other models of the same task, by their stored states."""
    return [one.stream for one in stored(reader) if one.stream != asked.model and _task(one) == asked.task]


def _task(stored: Projection) -> str:
    try:
        return restored(stored.body).task
    except FOREIGN:  # whatever was written past the store
        return ""


def _ranked(asked: Case, cases: list[Case]) -> list[Precedent]:
    """Put cases that are over and alike enough in order: the most alike first, of those the newest."""
    compared = [(*likeness(asked, one), one) for one in cases if one.over]
    found = [Precedent(case=one, similarity=same, parts=parts) for same, parts, one in compared if same >= LEAST]
    return sorted(found, key=lambda one: (-one.similarity, -one.case.position))


def _told(asked: Case, found: list[Precedent], models_read: int, left_out: int, reader: Reader) -> Precedents:
    priced = (replace(one, case=with_losses(reader, one.case)) for one in found)
    return Precedents(
        asked=with_losses(reader, asked), found=tuple(priced), models_read=models_read, models_left_out=left_out
    )
