"""The judge of canaries: climb, promote, confirm, turn back, or wait. Positive evidence only; silence never passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from measures.sums import Span, interval, span
from rollout import arms
from rollout.ratio import FULL_BP, Stratum, ratio_interval
from rollout.segments import harmed
from statemachine.policies.policy import Policy

PROMOTABLE_BP = 2_500
DESIGN_WINDOWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the judge says, and the interval that it rests on.

    `lower` and `upper` bound the candidate's relative gain: loss saved, as a share of the champion's loss.
    """

    verdict: str  #: wait, climb, promote, confirm or abort
    reason: str
    exposure_bp: int
    lower: float
    upper: float
    sample: int


@dataclass(frozen=True, slots=True)
class _Gain:
    lower: float
    upper: float
    mean: float
    sample: int
    opens: bool = False  #: whether the smallest rung opens by it, though nothing is known of the candidate


def judge(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a canary in shadow or on a rung.

    `inputs`: `exposure_bp`, `window` rows, `outcomes`; exogenous: `champion` blocks of its loss and `leads` blocks of
    champion minus candidate on the same rows, since the candidate scores; selective: `rows` scored since then, and
    `arms`, a list of `[exposure_bp, bad of the candidate, bad of the champion, rows]`.
    """
    return _judged(inputs, _gain(inputs, policy), policy)


def watch(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a promotion that is being confirmed: the same `inputs`, on rows since it took all traffic.

    It is confirmed at once on proof of gain, and at the end of the watch only if it saved loss: a candidate came to be
    better, so one that merely is not much worse goes back.
    """
    return _held(_gain(inputs, policy), int(inputs["window"]), policy)


def judge_arms(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a canary of selective outcomes by the rates of its arms, and let nothing pass while their rows are unequal.

    `inputs`: those of `judge`, and `arms` as `rollout/arms.py` tells of them. Harm turns back all the same.
    """
    gain = _gain_of_arms(inputs, arms.by_rows(inputs["arms"]), policy)
    found = _judged(inputs, gain, policy)
    if found.verdict not in ("climb", "promote") or not arms.unequal(inputs["arms"]):
        return found
    late = found.sample > policy.canary.most_windows * int(inputs["window"])
    return _verdict("abort" if late else "wait", "INCONCLUSIVE", int(inputs["exposure_bp"]), gain)


def watch_arms(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a promotion of selective outcomes as `watch` does: by what the champion did on the rungs before.

    `inputs`: those of `judge_arms`, from the first rung on. Nothing serves beside a version that has all traffic, so
    what has changed in the world since the rungs counts for it or against it.
    """
    before, lead = arms.served_before(inputs["arms"]), arms.saved_since(inputs["arms"])
    gain = _relative(lead, before, policy, int(inputs["window"]))
    return _held(gain, int(inputs["window"]), policy)


def _judged(inputs: dict[str, Any], gain: _Gain, policy: Policy) -> Verdict:
    if gain.opens:
        return _verdict("climb", "SHADOW_CLEAR", policy.canary.rungs_bp[0], gain)
    exposure, window = int(inputs["exposure_bp"]), int(inputs["window"])
    verdict, reason, rung = "wait", "INCONCLUSIVE", exposure
    if gain.sample >= window:
        if gain.upper < 0:
            verdict, reason = "abort", "HARM"
        elif gain.mean > 0 and gain.lower > -policy.canary.margin and exposure >= PROMOTABLE_BP:
            verdict, reason, rung = "promote", "NON_INFERIOR", FULL_BP
        elif gain.sample > policy.canary.most_windows * window:
            verdict, reason = "abort", "INCONCLUSIVE"
        else:
            rung = _highest_safe_rung(gain, exposure, policy)
            verdict, reason = ("climb", "HARM_BOUNDED") if rung > exposure else (verdict, reason)
    return _verdict(verdict, reason, rung, gain)


def _held(gain: _Gain, window: int, policy: Policy) -> Verdict:
    verdict, reason = "wait", "INCONCLUSIVE"
    if gain.sample >= window:
        if gain.upper < 0:
            verdict, reason = "abort", "HARM"
        elif gain.lower > 0 or gain.sample >= policy.canary.confirm_windows * window:
            verdict, reason = ("confirm", "PROMOTION_HELD") if gain.mean > 0 else ("abort", "NOT_BETTER")
    return _verdict(verdict, reason, FULL_BP, gain)


def judge_with_segments(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a canary as `judge` does, and turn it back where it harms one of `segments` (see `harmed`)."""
    return _without_harm(judge(inputs, policy), inputs, policy)


def watch_with_segments(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a promotion as `watch` does, and turn it back where it harms one of `segments`."""
    return _without_harm(watch(inputs, policy), inputs, policy)


def _without_harm(found: Verdict, inputs: dict[str, Any], policy: Policy) -> Verdict:
    if not harmed(inputs, policy):
        return found
    return replace(found, verdict="abort", reason="HARM", exposure_bp=int(inputs["exposure_bp"]))


def _gain(inputs: dict[str, Any], policy: Policy) -> _Gain:
    if inputs["outcomes"] == "selective":
        return _gain_of_arms(inputs, arms.by_exposure(inputs["arms"]), policy)
    return _relative(span(inputs["leads"]), span(inputs["champion"]), policy, int(inputs["window"]))


def _relative(lead: Span, champion: Span, policy: Policy, window: int) -> _Gain:
    lower, upper = interval(lead, policy.canary.alpha, DESIGN_WINDOWS * window)
    cost = max(champion.mean, 1 / max(champion.rows, 1))  # one unit lost, at least: nothing is relative to zero
    return _Gain(lower / cost, upper / cost, lead.mean / cost, lead.rows)


def _gain_of_arms(inputs: dict[str, Any], strata: Sequence[Stratum], policy: Policy) -> _Gain:
    """Turn the interval of the ratio of bad rates into one of relative gain: a ratio of 0.9 saves a tenth.

    Only the served answer has an outcome, so nothing is learned of a candidate in shadow, and a window of it is enough.
    """
    low, high = ratio_interval(strata, policy.canary.alpha)
    odds = sum(bad for _, bad, _ in strata)
    expected = sum((bad + fine) * exposure / FULL_BP for exposure, bad, fine in strata)
    ratio = odds / expected if expected else 1.0
    opens = not inputs["exposure_bp"] and int(inputs["rows"]) >= int(inputs["window"])
    return _Gain(1 - high, 1 - low, 1 - ratio, sum(sum(arm[3:]) for arm in inputs["arms"]), opens)


def _highest_safe_rung(gain: _Gain, exposure: int, policy: Policy) -> int:
    if gain.mean < 0:
        return exposure
    worst = max(-gain.lower, 0.0)
    safe = [rung for rung in policy.canary.rungs_bp if rung * worst <= policy.canary.exposed_harm * FULL_BP]
    return max([exposure, *safe])


def _verdict(verdict: str, reason: str, rung: int, gain: _Gain) -> Verdict:
    return Verdict(
        verdict=verdict, reason=reason, exposure_bp=rung, lower=gain.lower, upper=gain.upper, sample=gain.sample
    )
