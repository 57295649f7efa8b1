"""Shapes: a detector that learns the change itself, where no alternative of the dictionary is near to it.

What came of late, by groups of bins (`groups.py`), is the alternative: each window is bet on by what was learned of
those before it, and then learned too (Lorden and Pollak 2005, "Nonanticipating estimation applied to sequential
analysis and changepoint detection", Annals of Statistics 33). Such a bet is fixed before the window, so its factor has
a mean of at most 1 while nothing changes, and the mean of the CUSUMs of all features is an e-detector (Shin, Ramdas and
Rinaldo 2023, arXiv 2203.03532). The indifference zone cuts what was learned as it cuts what is declared
(`profiles.zone`). And since what can be learned is the error of the reference as well, each row gives up what it takes
that the square root of evidence is an e-value still under each law that the reference may be of (`given_up`).

After an alarm, what the loudest feature had learned is the alternative that later windows are asked about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from monitoring.drift.assumptions import LAW, ROWS
from monitoring.drift.detector import compared, shown
from monitoring.drift.effects import effects
from monitoring.drift.evidence import log_mean_exp
from monitoring.drift.groups import Groups
from monitoring.drift.promises import Thresholds
from monitoring.drift.watches import DriftFinding, Features, Phase, Sight
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Floats, Ints, Reference

MEMORY = 4_000  #: rows after which little is left of what was learned
PRIOR = 500  #: rows of the reference that what was learned is mixed with
FINE = 1 << 10  #: parts of a row, in which what fades is counted
#: False alarms of the dictionary for one of shapes: a tenth of its budget comes on top.
RARER = 10
FORCE = 0.5  #: of evidence that stays sound where a reference is off; a square root is the same on every machine


def run_length(policy: Thresholds) -> float:
    """Return how many windows pass on average before a false alarm, at least."""
    return RARER * policy.false_alarm_windows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearnedWatch:
    """What was learned of each feature, and what it has won by betting on it; `observe` returns its next self."""

    groups: Groups
    learned: Ints  #: rows of late, (features, groups), in parts of a row
    sums: Ints  #: CUSUM of each feature, in `NATS`
    since: Ints  #: first row after each CUSUM's last zero
    phase: Phase = "watching"
    accused: int = -1  #: the feature that windows after the alarm are asked about
    asked: tuple[int, ...] = ()  #: what a row of each of its groups says, in `NATS`
    given: int = 0  #: what is taken off in that, in `NATS`
    onset_row: int = -1
    lasting: int = 0  #: evidence since the alarm
    reverse: int = 0  #: CUSUM of what speaks for its return
    recent: tuple[bool, ...] = ()

    @classmethod
    def start(cls, reference: Reference) -> Self:
        """Return the watch that has seen nothing."""
        groups, zero = Groups.of(reference), np.zeros(len(reference.features), np.int64)
        return cls(groups=groups, learned=np.zeros(groups.shares.shape, np.int64), sums=zero, since=zero)

    def observe(self, start_row: int, window: Profile, policy: Thresholds) -> tuple[LearnedWatch, DriftFinding]:
        """Take the window of rows that begins at *start_row*, and say what it taught."""
        came = self.groups.counted(window.counts)
        after = replace(self, learned=_learned(self.learned, came, window.rows))
        ask = _watched if self.phase == "watching" else _judged
        return ask(self, after, came, Sight(start_row, window, policy))

    def features(self, log_evidence: float, counts: Ints) -> Features:
        """Tell of the accused feature: what moved, and the sizes of its change in the *counts* of a window."""
        reference, k = self.groups.reference, self.accused
        first, end = reference.starts[k : k + 2]
        sizes = effects(reference.features[k], counts[first:end].tolist())
        change = self.groups.moved(k, self.learned[k])
        return ({"name": reference.features[k].name, "change": change, "log_evidence": log_evidence, **sizes},)

    def to_json(self) -> dict[str, Any]:
        """Return the state without what the reference tells, for canonical bytes."""
        return {
            "learned": self.learned.tolist(), "sums": self.sums.tolist(), "since": self.since.tolist(),
            "phase": self.phase, "accused": self.accused, "asked": list(self.asked), "given": self.given,
            "onset_row": self.onset_row, "lasting": self.lasting, "reverse": self.reverse, "recent": list(self.recent),
        }  # fmt: skip

    def restored(self, state: dict[str, Any]) -> LearnedWatch:
        """Return a watch of this reference with the state that `to_json` gave."""
        learned, sums, since = (np.array(state[name], np.int64) for name in ("learned", "sums", "since"))
        return LearnedWatch(
            groups=self.groups, learned=learned, sums=sums, since=since, phase=state["phase"],
            accused=state["accused"], asked=tuple(state["asked"]), given=state["given"], onset_row=state["onset_row"],
            lasting=state["lasting"], reverse=state["reverse"], recent=tuple(state["recent"]),
        )  # fmt: skip


def judge(inputs: dict[str, Any], policy: Thresholds) -> DriftFinding:
    """Take the recorded window and return what it taught; *inputs* as those of `detector.judge`."""
    (window,) = inputs["windows"]
    before = LearnedWatch.start(compared(inputs, policy)).restored(inputs["state"])
    return before.observe(window["start_row"], shown(window, None), policy)[1]


def assumptions(reference: Reference, policy: Thresholds) -> dict[str, Any]:
    """Return in plain values what is assumed of rows and of the reference; lists have one item for each feature."""
    groups = Groups.of(reference)
    return {
        "rows": ROWS, "law": LAW, "run_length_windows": run_length(policy), "tolerance": policy.tolerance,
        "reference_rows": reference.rows, "reference_errors": [round(each, 3) for each in groups.errors.tolist()],
        "force_left": FORCE, "groups": [int((line > 0).sum()) for line in groups.shares],
        "memory_rows": MEMORY, "prior_rows": PRIOR, "dispersion": groups.spreads.tolist(),
    }  # fmt: skip


def _learned(before: Ints, came: Ints, rows: int) -> Ints:
    """Forget as many rows of what is remembered as came, by their share, and remember these."""
    faded: Ints = before * max(MEMORY - rows, 0) // MEMORY
    return faded + came * FINE


def _bets(watch: LearnedWatch, tolerance: float) -> tuple[Ints, Ints]:
    """Return what a row of each feature's groups says, and what is taken off in that, in `NATS`."""
    groups = watch.groups
    within = max(tolerance, groups.tolerated)
    found = cut(groups.shares, _alternative(watch), within)
    asked, given = np.zeros(found.shape, np.int64), np.zeros(len(found), np.int64)
    some = np.flatnonzero((found != 1).any(axis=1))
    offsets, spreads = _logs(given_up(groups, found, within)[some]) / FORCE, groups.spreads[some]
    asked[some] = np.rint((_logs(found[some]) - offsets[:, None]) / spreads[:, None] * NATS)
    given[some] = np.rint(offsets / spreads * NATS)
    return asked, given


def _logs(values: Floats) -> Floats:
    """Return logarithms by the library whose bits are recorded, which is not numpy's."""
    return np.reshape(list(map(math.log, values.ravel().tolist())), values.shape)


def _alternative(watch: LearnedWatch) -> Floats:
    """Return the law of each feature by what was learned, which leans towards the reference while that is little."""
    rows = watch.learned.sum(axis=1, keepdims=True)
    found: Floats = (PRIOR * watch.groups.shares + watch.learned / FINE) / (PRIOR + rows / FINE)
    return found


def cut(p: Floats, q: Floats, tolerance: float) -> Floats:
    """Return what `profiles.zone.ratios` does of each line of *p* and *q*; ones where *q* is within the zone."""
    raw = np.divide(q, p, out=np.ones_like(q), where=p > 0)
    order = np.argsort(raw, axis=1, kind="stable")
    mass, other = (np.take_along_axis(each, order, axis=1) for each in (p, q))
    most = (_running(other[:, ::-1]) / (_running(mass[:, ::-1]) + tolerance)).max(axis=1, keepdims=True)
    below = _running(mass) - tolerance
    joined = np.divide(_running(other), below, out=np.full_like(q, np.inf), where=below > 0)
    least = joined.min(axis=1, keepdims=True)
    return np.asarray(np.where(most > 1, np.minimum(np.maximum(raw, least), most), 1.0))


def given_up(groups: Groups, found: Floats, tolerance: float) -> Floats:
    """Return by what the square root of each feature's ratios must be divided, so that its mean is at most 1.

    Under each law that is within *tolerance* of one whose chi-square distance from the reference is at most errors^2 /
    rows: the first moves a mean from the least root to the most, and no farther than to 1, since *found* is cut; the
    second moves it by at most so many of its standard errors (Cauchy and Schwarz), whatever was learned.
    """
    roots = np.sqrt(found)
    mean = _running(groups.shares * roots)[:, -1]
    variance = np.maximum(_running(groups.shares * found)[:, -1] - mean * mean, 0.0)
    off = groups.errors * np.sqrt(variance * groups.spreads / groups.reference.rows)
    farthest = mean + tolerance * (roots.max(axis=1) - roots.min(axis=1))
    return np.asarray(np.maximum(np.minimum(farthest, 1.0) + off, 1.0))


def _running(lines: Floats) -> Floats:
    """Return running sums of each line: added one after another, which is the same on every machine."""
    found: Floats = np.add.accumulate(lines, axis=1)
    return found


def _watched(before: LearnedWatch, after: LearnedWatch, came: Ints, sight: Sight) -> tuple[LearnedWatch, DriftFinding]:
    """Add to CUSUMs, and alarm where their mean is high enough."""
    asked, given = _bets(before, sight.policy.tolerance)
    gained = (came * asked).sum(axis=1)
    since = np.where(before.sums <= 0, sight.start_row, before.since)
    sums = np.maximum(before.sums, 0) + gained
    log_e = log_mean_exp(sums.tolist())
    if log_e < math.log(run_length(sight.policy)):
        return replace(after, sums=sums, since=since), sight.finding("none", log_e, -1)
    # Of those that have gained now: such a one can be asked about.
    k = int(np.argmax(np.where(gained > 0, sums, np.iinfo(np.int64).min)))
    suspect = replace(
        after, sums=np.zeros_like(sums), since=since, phase="suspect", accused=k, asked=tuple(asked[k].tolist()),
        given=int(given[k]), onset_row=int(since[k]), lasting=0, reverse=0, recent=(),
    )  # fmt: skip
    features = suspect.features(round(int(sums[k]) / NATS, 6), sight.window.counts)
    return suspect, sight.finding("alarm", log_e, suspect.onset_row, features)


def _judged(before: LearnedWatch, after: LearnedWatch, came: Ints, sight: Sight) -> tuple[LearnedWatch, DriftFinding]:
    """Ask whether it lasts or came back, by what had been learned when it was told; as `watches.py` does."""
    policy, mine = sight.policy, came[before.accused].tolist()
    gained = sum(count * units for count, units in zip(mine, before.asked, strict=True))
    reverse = max(before.reverse, 0) - gained - sight.window.rows * before.given
    enough = policy.false_alarm_windows if before.phase == "confirmed" else policy.clear
    if reverse >= math.log(enough) * NATS:
        fresh = replace(LearnedWatch.start(before.groups.reference), learned=after.learned)
        return fresh, sight.finding("cleared", round(reverse / NATS, 6), before.onset_row)
    # No window counts for more than its part of the confirmation, so that a blip does not confirm itself.
    lasting = before.lasting + min(gained, round(math.log(policy.confirm) / policy.persistence * NATS))
    recent = (*before.recent, gained > 0)[-policy.of :]
    log_e, watch = round(lasting / NATS, 6), replace(after, lasting=lasting, reverse=reverse, recent=recent)
    lasts = sum(recent) >= policy.persistence and log_e >= math.log(policy.confirm)
    if before.phase == "confirmed" or not lasts:
        return watch, sight.finding("none", log_e, before.onset_row)
    confirmed = replace(watch, phase="confirmed", reverse=0)
    features = confirmed.features(log_e, sight.window.counts)
    return confirmed, sight.finding("confirmed", log_e, before.onset_row, features)
