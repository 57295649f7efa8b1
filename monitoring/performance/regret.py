"""Regret: would a fresh model of the same training size do better, or only one with more data?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from measures.sums import Block, log_e, span
from monitoring.performance.decline import Resolution, resolve
from statemachine.policies.policy import Policy

SAME_SIZE, MORE_DATA = "recent", "all"  #: names of the challengers
CHALLENGERS = 2  #: that share the budget of error


@dataclass(frozen=True, slots=True, kw_only=True)
class RegretFinding:
    """What challengers showed."""

    finding: str  #: none, regret or improvement
    log_evidence: float  #: nats, for the challenger that the finding is about


def judge(inputs: dict[str, Any], policy: Policy) -> RegretFinding:
    """Judge the latest challenges together.

    `inputs`: `challenges`, oldest first, each `{"champion": blocks of its loss, "leads": {name: blocks of champion
    minus challenger}}` on rows that no challenger of that round had seen; `design_rows`.
    """
    same_size, nats = _leads(inputs, SAME_SIZE, policy)
    if same_size:
        return RegretFinding(finding="regret", log_evidence=nats)
    more_data, others = _leads(inputs, MORE_DATA, policy)
    if more_data:
        return RegretFinding(finding="improvement", log_evidence=others)
    return RegretFinding(finding="none", log_evidence=max(nats, others))


def look_again(inputs: dict[str, Any], policy: Policy) -> Resolution:
    """Say what came of a regret alarm: confirmed, improvement, cleared or open.

    `inputs`: `blocks` of champion minus the challenger of its own training size, on rows after the alarm only; `level`;
    `window`; and those of `judge`, with the rows after the alarm as the latest challenge. The decline is judged by what
    came after it was suspected. That more data make a better model was no suspicion: its evidence stands, and goes on.
    """
    decline = resolve(inputs, policy)
    if decline.verdict != "cleared":
        return decline
    more_data, nats = _leads(inputs, MORE_DATA, policy)
    return Resolution(verdict="improvement", log_evidence=nats) if more_data else decline


def weigh(inputs: dict[str, Any], policy: Policy) -> Resolution:
    """Say what came of a regret alarm, as `look_again` does, but tell a decline from the luck of a draw.

    Two models of one recipe that learned from as many rows of one world are not equally good: a champion may be beaten
    from its first day on, and nothing has declined. So a lead is decline where it is larger than the rise of a loss
    that `loss.tolerance` accepts: on fresh rows by themselves, and, within the budget that challengers share, on fresh
    rows or over all rounds that are remembered. One that lasts and is no more than that is an improvement: a better
    model is to be had.
    """
    champion = span(inputs["challenges"][-1]["champion"])
    fresh = resolve({**inputs, "level": policy.loss.tolerance * champion.mean}, policy)
    if fresh.verdict == "open":
        return fresh
    declined, nats = _leads(inputs, SAME_SIZE, policy, policy.loss.tolerance)
    if fresh.verdict == "confirmed" and (declined or fresh.log_evidence > _needed(policy)):
        return fresh
    if fresh.verdict == "confirmed" and champion.rows <= policy.confirmation.most_windows * int(inputs["window"]):
        return Resolution(verdict="open", log_evidence=nats)
    return _improved(inputs, fresh.log_evidence, policy)


def _improved(inputs: dict[str, Any], nats: float, policy: Policy) -> Resolution:
    """Clear the alarm. A challenger that still leads by what counts as a gain, if only by that, is an improvement.

    That more data make a better model was no suspicion, and its evidence stands. One of the same size was suspected to
    lead, so fresh rows must not say otherwise.
    """
    more_data, gained = _leads(inputs, MORE_DATA, policy)
    same_size, led = _leads(inputs, SAME_SIZE, policy)
    if more_data or (same_size and span(inputs["blocks"]).total > 0):
        return Resolution(verdict="improvement", log_evidence=gained if more_data else led)
    return Resolution(verdict="cleared", log_evidence=nats)


def _leads(inputs: dict[str, Any], name: str, policy: Policy, accepted: float = 0.0) -> tuple[bool, float]:
    """Say whether challenger *name* leads the champion by enough to count, with the evidence in nats.

    The evidence is that of a lead beyond the share *accepted* of the champion's loss.
    """
    rounds = inputs["challenges"][-policy.regret.memory :]
    champion = span(_joined(entry["champion"] for entry in rounds))
    lead = span(_joined(entry["leads"].get(name, []) for entry in rounds), accepted * champion.mean)
    nats = log_e(lead, float(inputs["design_rows"]))
    counts = lead.mean > policy.regret.least_gain * champion.mean
    return counts and nats > _needed(policy), nats


def _needed(policy: Policy) -> float:
    """Give the nats that one challenger must show, so that all of them share one budget."""
    return math.log(CHALLENGERS / policy.regret.alpha)


def _joined(lists: Any) -> list[Block]:  # noqa: ANN401 - an iterable of lists of blocks, as JSON gives it
    found: list[Block] = []
    for blocks in lists:
        part: Sequence[Block] = blocks
        found.extend(part)
    return found
