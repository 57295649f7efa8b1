"""Scope: which entrants a bake-off compares, on which rows they train, and which rows none of them sees."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from measures.segments import Segment
from retraining.template import Limits

Range = tuple[int, int]  #: rows [first, end)
CHALLENGE, REMEDY = "challenge", "remedy"
LEAST_ROWS = 50
LEAST_SINCE = 20  #: rows since a change, from which on something can be learned of them alone
SINCE_CHANGE = "since_change"
MORE_DATA = 1.25  #: "all" is an entrant of its own from so many references on


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One way to change, from the lightest to the heaviest in the order of a spec."""

    name: str
    remedy: str
    rows: tuple[Range, ...] = ()
    version: str = ""  #: of an archived model, for restore


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A job for a worker: everything that its result depends on, but for the bytes of the dataset."""

    job: str
    kind: str
    model: str
    task: str
    metric: str
    template: str
    champion: str
    entrants: tuple[Entrant, ...]
    holdout: Range
    blocks: int  #: of the holdout, the units of sums
    unit: float  #: of loss
    seed: int
    dataset: str
    features: list[dict[str, Any]]
    classes: list[str]
    limits: dict[str, Any] = field(default_factory=lambda: asdict(Limits()))
    quarantined: tuple[Range, ...] = ()  #: rows under faults of the data; the dataset knows no labels of them
    segments: tuple[Segment, ...] = ()  #: parts of the rows that are to be told of by themselves

    @property
    def rows_to_compare(self) -> int:
        """The rows of the holdout of which labels may be known: those that are not in quarantine."""
        first, end = self.holdout
        return end - first - sum(max(min(stop, end) - max(begin, first), 0) for begin, stop in self.quarantined)

    def to_json(self) -> dict[str, Any]:
        """Give the spec as JSON. Without quarantine and segments it has the form that any worker knows."""
        data = {**asdict(self), "segments": [one.to_json() for one in self.segments]}
        return {name: data[name] for name in data if data[name] or name not in ("quarantined", "segments")}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Spec:
        """Read back what `to_json` wrote."""
        entrants = tuple(
            Entrant(
                name=entry["name"], remedy=entry["remedy"], version=entry["version"],
                rows=tuple((first, end) for first, end in entry["rows"]),
            )
            for entry in data["entrants"]
        )  # fmt: skip
        first, end = data["holdout"]
        quarantined = tuple((begin, stop) for begin, stop in data.get("quarantined", ()))
        segments = tuple(Segment(**one) for one in data.get("segments", ()))
        return cls(
            **{
                **data, "entrants": entrants, "holdout": (first, end), "quarantined": quarantined,
                "segments": segments,
            }
        )  # fmt: skip


def challengers(mark: int, reference_rows: int) -> tuple[Entrant, ...]:
    """Propose challengers that know rows before *mark* only: one of the champion's training size, one of all."""
    recent = Entrant(name="recent", remedy="refit", rows=((max(mark - reference_rows, 0), mark),))
    if mark <= MORE_DATA * reference_rows:
        return (recent,)
    return (recent, Entrant(name="all", remedy="refit", rows=((0, mark),)))


def remedies(
    *, onset_row: int, mark: int, reference_rows: int, task: str, pinned: str, most: int
) -> tuple[Entrant, ...]:
    """Propose entrants that know rows before *mark*, lightest first; at most *most* besides doing nothing.

    No single rule is right: recalibration wins under prior shift, rows since the change under a changed concept,
    history and new rows together under covariate shift. So several enter, and the holdout decides.
    """
    found: list[Entrant] = []
    if task != "multiclass":
        found.append(
            Entrant(
                name="recalibrate", remedy="recalibrate", rows=((max(mark - max(reference_rows // 4, 1), 0), mark),)
            )
        )
    if pinned:
        found.append(Entrant(name="restore", remedy="restore", version=pinned))
    since = mark - onset_row
    if onset_row > 0 and max(LEAST_SINCE, reference_rows // 20) < since < 0.8 * reference_rows:
        found.append(Entrant(name=SINCE_CHANGE, remedy="refit", rows=((onset_row, mark),)))
    elif reference_rows > 8 * LEAST_ROWS:
        found.append(Entrant(name="half", remedy="refit", rows=((max(mark - reference_rows // 2, 0), mark),)))
    found.append(Entrant(name="recent", remedy="refit", rows=((max(mark - reference_rows, 0), mark),)))
    if mark > MORE_DATA * reference_rows:
        found.append(Entrant(name="all", remedy="refit", rows=((0, mark),)))
    return tuple(found[:most])


def holdout_rows(size: int, since: int) -> int:
    """Say how many of the latest rows no entrant trains on: *size*, or fewer where the world changed *since* rows ago.

    A holdout that holds all there is of a new world is met by nobody who has seen it, and can but choose among the
    ignorant. So half of the rows since the change are left to learn from, as long as half of *size* is held out.

    >>> holdout_rows(200, 1_000), holdout_rows(200, 300), holdout_rows(200, 40), holdout_rows(200, 0)
    (200, 150, 100, 200)
    """
    return size if since <= 0 else min(max(since // 2, size // 2), size)


def with_holdout(entrant: Entrant, holdout: Range) -> Entrant:
    """Give *entrant* the holdout's rows too: its window moves on; one from the first row, or from a change, grows."""
    first, end = holdout
    step = end - first
    moved = tuple(
        (begin if entrant.name == SINCE_CHANGE or not begin else begin + step, stop + step)
        for begin, stop in entrant.rows
    )
    return Entrant(name=entrant.name, remedy=entrant.remedy, rows=moved, version=entrant.version)
