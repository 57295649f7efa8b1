"""The judge of canaries: climb, promote, confirm, turn back, or wait. Positive evidence only; silence never passes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from measures.sums import interval, span
from rollout.ratio import ratio_interval
from rollout.segments import harmed
from statemachine.policies.policy import Policy

PROMOTABLE_BP = 2_500
FULL_BP = 10_000
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


def judge(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a canary in shadow or on a rung.

    `inputs`: `exposure_bp`, `window` rows, `outcomes`; exogenous: `champion` blocks of its loss and `leads` blocks of
    champion minus candidate on the same rows, since the candidate scores; selective: `rows` scored since then, and
    `arms`, a list of `[exposure_bp, bad of the candidate, bad of the champion, rows]`.
    """
    exposure, window = int(inputs["exposure_bp"]), int(inputs["window"])
    gain = _gain(inputs, policy)
    limit = policy.canary.most_windows * window
    verdict, reason, rung = "wait", "INCONCLUSIVE", exposure
    if not exposure and inputs["outcomes"] == "selective" and int(inputs["rows"]) >= window:
        # Nothing is learned in shadow when only the served answer has an outcome: the smallest rung must open.
        return _verdict("climb", "SHADOW_CLEAR", policy.canary.rungs_bp[0], gain)
    if gain.sample >= window:
        if gain.upper < 0:
            verdict, reason = "abort", "HARM"
        elif gain.mean > 0 and gain.lower > -policy.canary.margin and exposure >= PROMOTABLE_BP:
            verdict, reason, rung = "promote", "NON_INFERIOR", FULL_BP
        elif gain.sample > limit:
            verdict, reason = "abort", "INCONCLUSIVE"
        else:
            rung = _highest_safe_rung(gain, exposure, policy)
            verdict, reason = ("climb", "HARM_BOUNDED") if rung > exposure else (verdict, reason)
    return _verdict(verdict, reason, rung, gain)


def watch(inputs: dict[str, Any], policy: Policy) -> Verdict:
    """Judge a promotion that is being confirmed: the same `inputs`, on rows since it took all traffic.

    It is confirmed at once on proof of gain, and at the end of the watch only if it saved loss: a candidate came to be
    better, so one that merely is not much worse goes back.
    """
    window = int(inputs["window"])
    gain = _gain(inputs, policy)
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
        return _gain_of_arms(inputs["arms"], policy)
    champion, lead = span(inputs["champion"]), span(inputs["leads"])
    lower, upper = interval(lead, policy.canary.alpha, DESIGN_WINDOWS * int(inputs["window"]))
    cost = max(champion.mean, 1 / max(champion.rows, 1))  # one unit lost, at least: nothing is relative to zero
    return _Gain(lower / cost, upper / cost, lead.mean / cost, lead.rows)


def _gain_of_arms(arms: list[list[int]], policy: Policy) -> _Gain:
    """Turn the interval of the ratio of bad rates into one of relative gain: a ratio of 0.9 saves a tenth."""
    strata = [(exposure, bad, fine) for exposure, bad, fine, _ in arms if 0 < exposure < FULL_BP]
    low, high = ratio_interval(strata, policy.canary.alpha)
    odds = sum(bad for _, bad, _ in strata)
    expected = sum((bad + fine) * exposure / FULL_BP for exposure, bad, fine in strata)
    ratio = odds / expected if expected else 1.0
    return _Gain(1 - high, 1 - low, 1 - ratio, sum(rows for *_, rows in arms))


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
