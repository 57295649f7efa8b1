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


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entrant, and how it did."""

    name: Word
    remedy: Literal["recalibrate", "reweight", "restore", "refit"]
    rows: list[Span]
    lead: list[Block]
    calibration: Finite
    churn: Finite
    extreme: Finite


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What judges read of a report; what else it holds is the worker's."""

    rows: Count
    holdout: Span
    champion: list[Block]
    entrants: list[Entry]
    skipped: dict[str, str]
    chosen: Word
    semantic_sha256: Annotated[str, msgspec.Meta(max_length=64)]


def checked(report: dict[str, Any]) -> dict[str, Any]:
    """Give *report* back, if judges can read it.

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
    return report
