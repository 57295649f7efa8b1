"""Likeness: what two incidents have in common, part by part, so that a reader can follow and disagree.

Each part has a weight and an agreement in [0, 1]; the similarity is the weighted mean of the parts that are known of
the incident that is asked about. It is no probability, and nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from server.history.cases import Case

RIVAL = 0.5  #: agreement where the cause of one stands further down the list of the other
FAULT = "data_quality"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing that two incidents are compared in."""

    name: str
    weight: int
    agreement: float
    told: str


def likeness(asked: Case, other: Case) -> tuple[float, tuple[Part, ...]]:
    """Give the similarity of *other* to *asked*, in [0, 1], and the parts that it is made of."""
    parts = tuple(_parts(asked, other))
    whole = sum(part.weight for part in parts)
    return round(sum(part.weight * part.agreement for part in parts) / whole, 6), parts


def _parts(asked: Case, other: Case) -> Iterator[Part]:
    yield _same("signal", 2, str(asked.incident["signal"]), str(other.incident["signal"]))
    if asked.incident["subject"]:
        yield _same("subject", 1, str(asked.incident["subject"]), str(other.incident["subject"]))
    if asked.cause:
        yield _cause(asked, other)
    if asked.features:
        yield _overlap("features", 3, asked.features, other.features)
    if asked.cause == FAULT:
        yield _overlap("fault", 1, _faults(asked), _faults(other))
    if asked.model != other.model:
        yield _same("metric", 1, asked.metric, other.metric)
    elif asked.rise > 0:
        yield _size(asked.rise, other.rise)


def _same(name: str, weight: int, mine: str, theirs: str) -> Part:
    same = mine == theirs
    told = f"{mine} in both" if same else f"{theirs or 'nothing'} then, {mine} now"
    return Part(name=name, weight=weight, agreement=float(same), told=told)


def _cause(asked: Case, other: Case) -> Part:
    """Compare the first causes; one that stands further down the other's list counts half."""
    if asked.cause == other.cause:
        return _same("cause", 3, asked.cause, other.cause)
    among = asked.cause in _kinds(other) or other.cause in _kinds(asked)
    told = f"{other.cause or 'not known'} then, {asked.cause} now"
    more = "; one was a rival of the other" if among else ""
    return Part(name="cause", weight=3, agreement=RIVAL if among else 0.0, told=told + more)


def _kinds(case: Case) -> set[str]:
    return {str(one["kind"]) for one in case.causes} - {"unknown"}


def _overlap(name: str, weight: int, mine: tuple[str, ...], theirs: tuple[str, ...]) -> Part:
    both, either = [one for one in mine if one in theirs], set(mine) | set(theirs)
    told = f"{', '.join(both) or 'none'} of {', '.join(sorted(either)) or 'none'} in both"
    return Part(name=name, weight=weight, agreement=len(both) / len(either) if either else 0.0, told=told)


def _faults(case: Case) -> tuple[str, ...]:
    """Name the kinds of fault that a diagnosis found, as its note tells them: `missing in age, stuck in age`."""
    notes = [str(one.get("note", "")) for one in case.causes if one["kind"] == FAULT]
    return tuple(sorted({fault.strip().partition(" in ")[0] for note in notes for fault in note.split(",") if fault}))


def _size(mine: float, theirs: float) -> Part:
    small, large = sorted((mine, theirs))
    told = f"the loss rose by {theirs:.3g} then, by {mine:.3g} now" if theirs > 0 else "no rise was explained then"
    return Part(name="size", weight=1, agreement=max(small, 0.0) / large, told=told)
