"""Judges a plain metric series: a name, a direction in which it gets worse, and a tolerance.

The first points give the baseline. A later point is bad if it is worse than the baseline's middle by more than the
tolerance, and farther from it than any baseline point. Were the series what it was, points would be exchangeable, and
the chance that the next one is bad, given t later points with j bad ones, at most (j + 1) / (k + t + 1): so the
evidence needs no law of the values. Most series go on as they are for a while, and their points are not exchangeable:
evidence is weighed by the course of those before it. An alarm raises suspicion; only points after it confirm it, or
clear it.

Three rules are known, and a state says which it goes by: with neither `course` nor `trial` the first, which takes
points for exchangeable; with a `course` alone the second; with both the third, which bets on a suspicion by all points
before (`bets.learned`), and cuts no course short where points were bad and nothing came of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from statistics import median
from typing import Any

from monitoring.signals.bets import Counts, fixed, learned
from monitoring.signals.course import NO_POINTS, Course
from monitoring.signals.terms import Direction, Phase, SeriesFinding, Thresholds, Verdict

#: A suspicion stands: it was raised, and not cleared since.
STANDING = ("suspect", "confirmed")
COURSES = ("course", "trial")
#: Baselines that are remembered: one a series, of as many series as are looked at by turns.
BASELINES = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesWatch:
    """The state of a watch; `observe` returns its next self.

    `relative` makes the tolerance a share of the baseline instead of an amount in the series' own unit.
    """

    name: str
    direction: Direction
    tolerance: float
    relative: bool = False
    phase: Phase = "learning"
    points: int = 0
    first: tuple[float, ...] = ()
    later: int = 0  #: points since the baseline, without those of the present suspicion
    bad: int = 0
    evidence: float = 0.0  #: nats for a change
    reverse: float = 0.0  #: nats against it
    run: tuple[int, int] = (0, 0)  #: points and bad points since the evidence was last 0, and of the suspicion
    onset: int = -1
    recent: tuple[bool, ...] = ()
    course: Course | None = NO_POINTS  #: while nothing spoke for a change; None: points are taken for exchangeable
    trial: Course | None = NO_POINTS  #: the course, were the run of now to come to nothing; None: runs are left out

    def observe(self, value: float, policy: Thresholds) -> tuple[SeriesWatch, SeriesFinding]:
        """Take the next point and say what it taught.

        Raises:
            ValueError: *value* is not finite.
        """
        if not math.isfinite(value):
            message = f"a point of {self.name} is {value}"
            raise ValueError(message)
        verdict: Verdict
        if self.phase == "learning":
            after, verdict = self._learn(value, policy), "none"
        elif self.phase == "watching":
            after, verdict = self._watch(value, policy)
        else:
            after, verdict = self._judge(value, policy)
        return after, self._finding(after, verdict, value)

    def baseline(self) -> float:
        """Return the middle of the first points."""
        return self._bounds()[0]

    def limit(self) -> float:
        """Return the value beyond which a point is bad."""
        return self._bounds()[1]

    def _bounds(self) -> tuple[float, float]:
        return _bounds(self.first, self.direction, self.tolerance, self.relative)

    def suspected(self) -> SeriesWatch:
        """Return the watch as it stands when its suspicion has just been raised: only points from now on count."""
        return replace(self, phase="suspect", evidence=0.0, reverse=0.0, recent=())

    def _is_bad(self, value: float) -> bool:
        limit = self.limit()
        return value > limit if self.direction == "higher_is_worse" else value < limit

    def _learn(self, value: float, policy: Thresholds) -> SeriesWatch:
        first = (*self.first, value)
        phase: Phase = "watching" if len(first) >= policy.baseline_points else "learning"
        course, trial = (known and known.observe(value) for known in (self.course, self.trial))
        return replace(self, first=first, points=self.points + 1, phase=phase, course=course, trial=trial)

    def _normal(self) -> Counts:
        return Counts(len(self.first) + self.later, self.bad)

    def _weight(self) -> float:
        return self.course.weight() if self.course else 1.0

    def _gain(self, *, bad: bool) -> float:
        return self._weight() * fixed(bad=bad, normal=self._normal())

    def _watch(self, value: float, policy: Thresholds) -> tuple[SeriesWatch, Verdict]:
        bad = self._is_bad(value)
        anew = self.evidence <= 0
        seen, ill = (0, 0) if anew else self.run
        evidence = round(max(self.evidence, 0.0) + self._gain(bad=bad), 9)
        course, trial = self._courses(value, going=evidence > 0)
        after = replace(
            self,
            points=self.points + 1,
            later=self.later + 1,
            bad=self.bad + bad,
            evidence=evidence,
            run=(seen + 1, ill + bad),
            onset=self.points if anew else self.onset,
            course=course,
            trial=trial,
        )
        # After a long calm one bad point is much evidence; it still takes two, since outliers happen.
        if evidence < math.log(policy.alarm) or after.run[1] < 2:  # noqa: PLR2004 - "two" as said above
            return after, "none"
        # What raised the suspicion is no part of what the series was, and no part of its confirmation.
        before = (after.later - after.run[0], after.bad - after.run[1])
        return replace(after, phase="suspect", later=before[0], bad=before[1], evidence=0.0, reverse=0.0), "alarm"

    def _courses(self, value: float, *, going: bool) -> tuple[Course | None, Course | None]:
        """Return course and trial behind a point; *going* says whether it is part of a run.

        Without runs a course looks too calm: what keeps high for a while is what they are made of. A bad point counts
        as one that lies as far as the farthest of the baseline, so that an outlier hides nothing.
        """
        if self.course is None:
            return None, None
        if self.trial is None:
            return (self.course.interrupted() if going else self.course.observe(value)), None
        farthest = _bounds(self.first, self.direction, 0.0, relative=False)[1]
        trial = self.trial.observe(farthest if self._is_bad(value) else value)
        return (self.course if going else trial), trial

    def _judge(self, value: float, policy: Thresholds) -> tuple[SeriesWatch, Verdict]:
        bad = self._is_bad(value)
        weight, normal, known = self._weight(), self._normal(), self.trial is not None
        against = weight * fixed(bad=bad, normal=normal)
        gain = weight * learned(bad=bad, normal=normal, suspicion=Counts(*self.run)) if known else against
        reverse = max(self.reverse, 0.0) if self.phase == "confirmed" else self.reverse
        seen, ill = self.run
        after = replace(
            self,
            points=self.points + 1,
            evidence=round(self.evidence + gain, 9),
            reverse=round(reverse - against, 9),
            recent=(*self.recent, bad)[-policy.of :],
            run=(seen + 1, ill + bad) if known else self.run,
        )
        if after.reverse >= math.log(policy.clear):
            calm = replace(after, phase="watching", evidence=0.0, run=(0, 0), onset=-1, recent=())
            course = calm.course and calm.course.interrupted()
            return replace(calm, course=course, trial=course) if known else calm, "cleared"
        lasting = sum(after.recent) >= policy.persistence and after.evidence >= math.log(policy.confirm)
        if self.phase == "suspect" and lasting:
            return replace(after, phase="confirmed", reverse=0.0), "confirmed"
        return after, "none"

    def _finding(self, after: SeriesWatch, verdict: Verdict, value: float) -> SeriesFinding:
        known = after.phase != "learning"
        baseline, limit = after._bounds() if known else (None, None)
        evidence = after.evidence
        if verdict == "alarm":
            evidence = max(self.evidence, 0.0) + self._gain(bad=self._is_bad(value))
        elif verdict == "cleared":
            evidence = self.reverse - self._gain(bad=self._is_bad(value))
        return SeriesFinding(
            verdict=verdict,
            name=self.name,
            point=self.points,
            value=value,
            log_evidence=round(evidence, 6),
            baseline=baseline,
            limit=limit,
            onset=after.onset if after.evidence > 0 or after.phase in STANDING else -1,
            phase=after.phase,
            bad=known and after._is_bad(value),
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for canonical bytes."""
        plain = {name: value for name, value in asdict(self).items() if name not in COURSES}
        courses = {name: known.to_json() for name in COURSES if (known := getattr(self, name)) is not None}
        return {**plain, "first": list(self.first), "run": list(self.run), "recent": list(self.recent), **courses}


# Asked three times a point, of a baseline that stays: to work it out each time was half of a whole derivation. Zeros of
# either sign have one entry, which is as well: bounds are only ever compared.
@lru_cache(BASELINES)
def _bounds(first: tuple[float, ...], direction: Direction, tolerance: float, relative: bool) -> tuple[float, float]:  # noqa: FBT001 - a part of the key
    """Return the middle of a baseline, and the value beyond which a point is bad."""
    sign = 1.0 if direction == "higher_is_worse" else -1.0
    middle = median(first)
    room = tolerance * (abs(middle) if relative else 1.0)
    return middle, middle + sign * max(room, *(abs(each - middle) for each in first))


def restored(state: dict[str, Any]) -> SeriesWatch:
    """Undo `SeriesWatch.to_json`; a state goes on by the rule that it came from."""
    lists = {name: tuple(state[name]) for name in ("first", "run", "recent")}
    courses = {name: Course.from_json(state[name]) if name in state else None for name in COURSES}
    return SeriesWatch(**{**state, **lists, **courses})


def rule_of(state: Mapping[str, Any]) -> int:
    """Say by which rule a state goes on."""
    return 1 + sum(name in state for name in COURSES)


def judge(inputs: dict[str, Any], policy: Thresholds) -> SeriesFinding:
    """Fold the recorded values and return what the last one taught.

    *inputs* holds `points` (values), and the `state` of the series before them or, from the first point on, its `name`,
    `direction`, `tolerance` and `relative`; such a series has no course.

    Raises:
        ValueError: There are no points, or one is not finite.
    """
    watch, finding = _started(inputs), None
    for value in inputs["points"]:
        watch, finding = watch.observe(value, policy)
    if finding is None:
        message = f"{watch.name} has no points"
        raise ValueError(message)
    return finding


def raises(found: SeriesFinding, policy: Thresholds) -> bool:
    """Say whether a series in good standing is to be suspected: it alarms, or nobody could listen when it did.

    A suspicion that stands, and whose points since would raise it again, speaks with each bad point.
    """
    again = found.phase in STANDING and found.bad and found.log_evidence >= math.log(policy.alarm)
    return found.verdict == "alarm" or again


def _started(inputs: dict[str, Any]) -> SeriesWatch:
    if inputs.get("state") is not None:
        return restored(inputs["state"])
    return SeriesWatch(
        name=inputs["name"],
        direction=inputs["direction"],
        tolerance=inputs["tolerance"],
        relative=inputs["relative"],
        course=None,
        trial=None,
    )
