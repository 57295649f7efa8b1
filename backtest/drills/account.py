"""The account of a drill: what happened, counted from the change that was planted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from backtest.drills.playing import Played
from backtest.stream import Floats
from measures.losses import losses

UNDER_WAY = ("retraining", "canary")
CLEAR = 4.0  #: standard errors by which the loss must have risen, that a decline must be found
KIND, NOTED = re.compile(r"quality_(.*)@"), re.compile(r"(?:^|, )([a-z_]+) in ")  #: a fault, in the words of each
LAST_WINDOWS = 5  #: by which what is served in the end is held against the model left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What the change cost the model left alone, in loss a row, above what the policy tolerates."""

    before: float
    after: float
    excess: float  #: of the rise, above the tolerated one
    error: float  #: standard error of the excess

    @property
    def verdict(self) -> str:
        """Say whether the loss rises, stays, or cannot be told."""
        if self.excess > CLEAR * self.error:
            return "rises"
        return "stays" if self.excess < self.error else "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What happened from the change on; delays are counted in windows."""

    road: tuple[str, ...]  #: public states, one after another
    places: tuple[str, ...]  #: states and phases that were come to
    reasons: tuple[str, ...]
    final: str
    stands: str  #: the last state in which no remedy is under way: healthy also while a better model is on its way
    signal: str  #: of the first alarm
    subject: str
    proved: tuple[str, ...]  #: signals of the declines that were confirmed
    cause: str  #: the first that was named
    blamed: tuple[str, ...]  #: features of it
    faults: tuple[str, ...]  #: kinds of faults of the data that the first alarm named, or else the first diagnosis
    local: tuple[str, ...]  #: segments that diagnoses say rose alone
    remedies: tuple[str, ...]  #: of the candidates that were trained for a decline
    remedied: tuple[float, ...]  #: when remedies of a decline began
    promoted: int
    suspected: float | None
    confirmed: float | None
    restored: float | None
    false_alarms: int  #: before the change
    challenged: int  #: times that challengers met the champion, which a service that does nothing never has them do
    harm: Harm
    gains: tuple[float, ...]  #: of each promotion: share of the loss that it saved against the version it replaced
    last: tuple[float, float]  #: loss a row in the last windows: served, and the model left alone
    last_error: float  #: standard error of the difference between them
    exposed: int  #: rows behind the change that another version than the first one served

    @property
    def forestalled(self) -> bool:
        """Whether a better model, found for its own sake, was in service before a decline could be proved."""
        return self.confirmed is None and self.promoted > 0


def account(played: Played, tolerance: float) -> Account:
    """Give the account of *played*, by a policy that tolerates a relative rise of the loss."""
    change = played.plan.change
    moves = [move for move in played.moves if move["row"] >= change]
    events = [event for event in played.events if played.row(event) >= change]
    alarms = [event["payload"] for event in events if event["type"] == "alarm_raised"]
    named = [event["payload"] for event in events if event["type"] == "diagnosis_made"]
    served, static = _last(played)
    begun = [m for m in moves if m["trigger"] == "start_retraining"]
    road, confirmed = _road(played), _first(moves, "degraded", change)
    return Account(
        road=road, places=tuple(move["to"] for move in moves),
        reasons=tuple(move["reason"] for move in moves), final=road[-1],
        stands=next((state for state in reversed(road) if state not in UNDER_WAY), "healthy"),
        signal=alarms[0]["signal"] if alarms else "", subject=alarms[0]["subject"] if alarms else "",
        proved=tuple(event["payload"]["signal"] for event in events if event["type"] == "decline_confirmed"),
        cause=named[0]["cause"] if named else "",
        blamed=tuple(named[0]["causes"][0]["features"]) if named else (), faults=_faults(alarms[:1], named[:1]),
        local=tuple(one["note"].split(": loss ")[0] for e in named for one in e["causes"] if one["kind"] == "segment"),
        remedies=tuple(e["payload"]["entrant"] for e in events if e["type"] == "candidate_trained"),
        remedied=tuple(played.plan.windows(move["row"]) for move in begun),
        promoted=sum(event["type"] == "promotion_confirmed" for event in events),
        suspected=_windows(played, _first(moves, "suspect", change)), confirmed=_windows(played, confirmed),
        restored=_windows(played, _first(moves, "healthy", confirmed)),
        false_alarms=sum(e["type"] == "alarm_raised" and played.row(e) < change for e in played.events),
        challenged=sum(event["type"] == "challenge_judged" for event in events),
        harm=_harm(played, tolerance), gains=_gains(played),
        last=(float(served.mean()), float(static.mean())), last_error=_error(served - static),
        exposed=int((played.served.outputs != played.served.static)[change:].sum()),
    )  # fmt: skip


def _faults(alarms: list[dict[str, Any]], named: list[dict[str, Any]]) -> tuple[str, ...]:
    """Read kinds of faults: an alarm carries one in the name of its detector, a diagnosis some, as `missing in age`."""
    told = tuple(KIND.match(one["detector"]) for one in alarms if one["signal"] == "quality")
    causes = [one["causes"][0] for one in named if one["cause"] == "data_quality"]
    noted = (kind for cause in causes for kind in NOTED.findall(cause["note"]))
    return tuple(match[1] for match in told if match) or tuple(dict.fromkeys(noted))


def _public(place: str) -> str:
    return place.partition(".")[0]


def _road(played: Played) -> tuple[str, ...]:
    """Give the public states, from the one in which the change was met."""
    before = [move for move in played.moves if move["row"] < played.plan.change]
    states = [_public(before[-1]["to"]) if before else "healthy"]
    for move in played.moves[len(before) :]:
        if _public(move["to"]) != states[-1]:
            states.append(_public(move["to"]))
    return tuple(states)


def _first(moves: list[dict[str, Any]], state: str, since: int | None) -> int | None:
    if since is None:
        return None
    return next((move["row"] for move in moves if move["to"] == state and move["row"] >= since), None)


def _gains(played: Played) -> tuple[float, ...]:
    reigns = [reign for reign in played.promoted if reign["row"] >= played.plan.change]
    return tuple(reign["gain"] for reign in reigns if reign["gain"] is not None)


def _windows(played: Played, row: int | None) -> float | None:
    return None if row is None else played.plan.windows(row + 1)


def _costs(played: Played, outputs: Floats, first: int, end: int) -> Floats:
    stream = played.planted.stream
    metric = "mae" if stream.task == "regression" else "accuracy"
    return np.asarray(losses(stream.task, metric, outputs[first:end], stream.labels[first:end]), dtype=np.float64)


def _harm(played: Played, tolerance: float) -> Harm:
    """Compare what the model left alone cost while the change lasted with what it cost before."""
    touched = np.flatnonzero(played.planted.touched)
    end = int(touched[-1]) + 1 if len(touched) else played.plan.rows
    quiet = _costs(played, played.served.static, played.plan.reference_rows, played.plan.change)
    after = _costs(played, played.served.static, played.plan.change, end)
    excess = float(after.mean() - (1 + tolerance) * quiet.mean())
    error = float(np.hypot(_error(after), (1 + tolerance) * _error(quiet)))
    return Harm(before=float(quiet.mean()), after=float(after.mean()), excess=excess, error=error)


def _error(costs: Floats) -> float:
    """Give the standard error of a mean."""
    return float(costs.std() / len(costs) ** 0.5)


def _last(played: Played) -> tuple[Floats, Floats]:
    first, end = played.plan.rows - LAST_WINDOWS * played.plan.window, played.plan.rows
    served, static = played.served.outputs, played.served.static
    return _costs(played, served, first, end), _costs(played, static, first, end)
