"""The report of a bake-off as a worker hands it in: checked whole before any judge reads it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from server.errors import Invalid

MOST_INTEGER = (1 << 63) - 1  #: sums of squares need the whole range
MOST_SHARE = 1e300  #: NaN is no number below it
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_INTEGER)]
Whole = Annotated[int, msgspec.Meta(ge=-MOST_INTEGER, le=MOST_INTEGER)]
Block = tuple[Count, Whole, Count]  #: rows, sum, sum of squares
Span = tuple[Count, Count]  #: first row, and one past the last
Finite = Annotated[float, msgspec.Meta(ge=-MOST_SHARE, le=MOST_SHARE)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What the champion lost in one segment."""

    name: str
    champion: list[Block]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entrant, and how it did."""

    name: Word
    remedy: Literal["recalibrate", "reweight", "restore", "refit"]
    rows: list[Span]
    lead: list[Block]
    calibration: Finite
    churn: Finite
    extreme: Finite
    segments: list[list[Block]] = []


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What judges read of a report; what else it holds is the worker's."""

    rows: Count
    holdout: Span
    champion: list[Block]
    entrants: list[Entry]
    skipped: dict[str, str]
    chosen: Word
    semantic_sha256: Annotated[str, msgspec.Meta(max_length=64)]
    segments: list[Part] = []


def checked(report: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Give *report* back, if judges can read it, and if it is of what the *spec* of its job asks for.

    Raises:
        Invalid: A field is missing, of another type, or contradicts another one; it is named.
    """
    try:
        found = msgspec.convert(report, Report)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise Invalid(f"report_json{where.rstrip('`')}", what) from error
    if found.holdout[0] > found.holdout[1]:
        raise Invalid("report_json.holdout", f"{found.holdout} ends before it begins")
    names: set[str] = set()
    for i, entry in enumerate(found.entrants):
        if entry.name in names:
            raise Invalid(f"report_json.entrants[{i}].name", f"{entry.name!r} stands twice; each once is accepted")
        if len(entry.lead) != len(found.champion):
            blocks = f"{len(entry.lead)} blocks, where the champion has {len(found.champion)}"
            raise Invalid(f"report_json.entrants[{i}].lead", f"{blocks}; as many are accepted")
        names.add(entry.name)
    _check_remedies(found, sorted({str(one["remedy"]) for one in spec["entrants"]}))
    _check_segments(found, [str(one["name"]) for one in spec.get("segments", ())])
    return report


def _check_remedies(found: Report, offered: list[str]) -> None:
    """Refuse what was not to be tried: a version that nobody has would be restored, or more changed than was asked."""
    for i, entry in enumerate(found.entrants):
        if entry.remedy not in offered:
            told = f"{entry.remedy!r} is not accepted; {_listed(offered)} as in the job is"
            raise Invalid(f"report_json.entrants[{i}].remedy", told)


def _check_segments(found: Report, names: list[str]) -> None:
    """Refuse other segments than the job's, and blocks of them that are not those of the whole."""
    told, blocks = [one.name for one in found.segments], len(found.champion)
    if told != names:
        raise Invalid("report_json.segments", f"{_listed(told)} in it; {_listed(names)} as in the job is accepted")
    for i, one in enumerate(found.segments):
        _check_blocks(f"report_json.segments[{i}].champion", one.champion, blocks)
    for i, entry in enumerate(found.entrants):
        where = f"report_json.entrants[{i}].segments"
        if len(entry.segments) != len(names):
            raise Invalid(where, f"{len(entry.segments)} segments; {len(names)} as in the job are accepted")
        for k, lead in enumerate(entry.segments):
            _check_blocks(f"{where}[{k}]", lead, blocks)


def _check_blocks(where: str, told: list[Block], blocks: int) -> None:
    if len(told) != blocks:
        raise Invalid(where, f"{len(told)} blocks, where the champion has {blocks}; as many are accepted")


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
