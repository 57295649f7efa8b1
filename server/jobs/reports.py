"""The report of a bake-off as a worker hands it in: checked whole against its job, before any judge reads it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Annotated, Any, Literal

import msgspec

from retraining.scope import Entrant, Spec
from server.errors import Invalid
from server.jobs import figures
from server.jobs.figures import Block

MOST_SHARE = 1e300  #: NaN is no number below it
MOST_REASON = 2_000  #: characters that say why an entrant did not compete
Count = Annotated[int, msgspec.Meta(ge=0, le=figures.MOST_INTEGER)]
Span = tuple[Count, Count]  #: first row, and one past the last
Finite = Annotated[float, msgspec.Meta(ge=-MOST_SHARE, le=MOST_SHARE)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Reason = Annotated[str, msgspec.Meta(max_length=MOST_REASON)]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What the champion lost in one segment."""

    name: str
    champion: list[Block]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entrant, and how it did."""

    name: Word
    remedy: Literal["recalibrate", "reweight", "restore", "refit"]
    rows: list[Span]
    lead: list[Block]
    calibration: Finite
    churn: Share
    extreme: Share
    segments: list[list[Block]] = []


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What judges read of a report; what else it holds is the worker's."""

    rows: Count
    holdout: Span
    champion: list[Block]
    entrants: list[Entry]
    skipped: dict[str, Reason]
    chosen: Word
    semantic_sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
    segments: list[Part] = []


def checked(report: dict[str, Any], spec: Spec) -> dict[str, Any]:
    """Give what judges read of *report*, if they can, and if it is of what the *spec* of its job asks for.

    Raises:
        Invalid: A field is missing, of another type, not the job's, or contradicts another one; it is named.
    """
    try:
        found = msgspec.convert(report, Report)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise Invalid(f"report_json{where.rstrip('`')}", what) from error
    if found.holdout != spec.holdout:
        told = f"{list(found.holdout)} is not accepted; {list(spec.holdout)} as in the job is"
        raise Invalid("report_json.holdout", told)
    _check_entrants(found, spec)
    _check_names(found, [one.name for one in spec.segments])
    _check_figures(found, spec)
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return kept


def _check_entrants(found: Report, spec: Spec) -> None:
    """Refuse who was not asked for, or is not as it was asked for, and look where each that was asked for is."""
    asked, seen = {one.name: one for one in spec.entrants}, set[str]()
    for i, entry in enumerate(found.entrants):
        where = f"report_json.entrants[{i}]"
        if entry.name in seen:
            raise Invalid(f"{where}.name", f"{entry.name!r} stands twice; each once is accepted")
        if entry.name not in asked:
            raise Invalid(f"{where}.name", f"{entry.name!r} is not accepted; {_listed(asked)} as in the job is")
        _check_entrant(where, entry, asked[entry.name])
        seen.add(entry.name)
    for name in found.skipped:
        if name in seen or name not in asked:
            told = f"{name!r} is not accepted; entrants of the job that did not compete are: {_listed(asked, seen)}"
            raise Invalid("report_json.skipped", told)
    missing = [name for name in asked if name not in seen and name not in found.skipped]
    if missing:
        told = (
            f"{_listed(missing)} of the job is neither in it nor skipped; each with its figures or a reason is accepted"
        )
        raise Invalid("report_json.entrants", told)


def _check_entrant(where: str, entry: Entry, asked: Entrant) -> None:
    """Refuse what was not to be tried: a version that nobody has would be restored, or more changed than was asked."""
    if entry.remedy != asked.remedy:
        raise Invalid(f"{where}.remedy", f"{entry.remedy!r} is not accepted; {asked.remedy!r} as in the job is")
    if tuple(entry.rows) != asked.rows:
        told = f"{_ranges(entry.rows)} is not accepted; {_ranges(asked.rows)} as in the job is"
        raise Invalid(f"{where}.rows", told)


def _check_names(found: Report, names: list[str]) -> None:
    """Refuse other segments than the job's."""
    told = [one.name for one in found.segments]
    if told != names:
        raise Invalid("report_json.segments", f"{_listed(told)} in it; {_listed(names)} as in the job is accepted")
    for i, entry in enumerate(found.entrants):
        if len(entry.segments) != len(names):
            told_of = f"{len(entry.segments)} segments; {len(names)} as in the job are accepted"
            raise Invalid(f"report_json.entrants[{i}].segments", told_of)


def _check_figures(found: Report, spec: Spec) -> None:
    """Refuse sums that the holdout of the job cannot have, whoever competed."""
    most = spec.rows_to_compare
    if found.rows > most:
        raise Invalid("report_json.rows", f"{found.rows} is not accepted; 0 to {most} of the job's holdout is")
    within = figures.bounds(spec.metric, found.rows)
    figures.check_parts("report_json.champion", found.champion, found.rows, spec.blocks)
    figures.check_sums("report_json.champion", found.champion, within)
    for k, part in enumerate(found.segments):
        figures.check_part(f"report_json.segments[{k}].champion", part.champion, found.champion, within)
    for i, entry in enumerate(found.entrants):
        where = f"report_json.entrants[{i}]"
        figures.check_leads(f"{where}.lead", entry.lead, found.champion, within)
        for k, (lead, part) in enumerate(zip(entry.segments, found.segments, strict=True)):
            figures.check_leads(f"{where}.segments[{k}]", lead, part.champion, within)
            figures.check_part(f"{where}.segments[{k}]", lead, entry.lead, within.of_leads)


def _ranges(rows: Iterable[tuple[int, int]]) -> list[list[int]]:
    return [list(part) for part in rows]


def _listed(names: Iterable[str], without: Container[str] = ()) -> str:
    return ", ".join(name for name in names if name not in without) or "nothing"
