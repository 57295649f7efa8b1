"""The choice: the smallest change that is as good as the best. Judged from integers that the bake-off reports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from measures.sums import Block, Span, span
from statemachine.policy import Policy

NOTHING = "nothing"
WEIGHT = {"nothing": 0, "recalibrate": 1, "reweight": 2, "restore": 3, "refit": 4}  #: lighter remedies are smaller


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who won, and by how much it leads doing nothing."""

    name: str
    remedy: str
    lead: float  #: loss saved a row, in units
    errors: float  #: the lead in standard errors
    gain: float  #: the lead as a share of the champion's loss
    sample: int


def choose(report: dict[str, Any], policy: Policy) -> Choice:
    """Choose among the entrants of a *report*; doing nothing always competes.

    The best mean wins, unless a lighter remedy is within one standard error of it; and nobody wins who does not lead
    doing nothing by the policy's margins.
    """
    champion = span(report["champion"])
    nothing = Choice(name=NOTHING, remedy=NOTHING, lead=0.0, errors=0.0, gain=0.0, sample=champion.rows)
    found = [_choice(entry, champion) for entry in report["entrants"]]
    leaders = [
        one for one in found if one.errors >= policy.bakeoff.least_lead and one.gain >= policy.bakeoff.least_gain
    ]
    if not leaders:
        return nothing
    best = max(leaders, key=lambda one: one.lead)
    error = best.lead / best.errors if best.errors else 0.0
    lighter = [one for one in leaders if WEIGHT[one.remedy] < WEIGHT[best.remedy] and one.lead >= best.lead - error]
    return min(lighter, key=lambda one: WEIGHT[one.remedy]) if lighter else best


def _choice(entry: dict[str, Any], champion: Span) -> Choice:
    blocks: list[Block] = entry["lead"]
    lead = span(blocks)
    errors = lead.total / math.sqrt(lead.variance) if lead.variance > 0 else 0.0
    gain = lead.mean / champion.mean if champion.mean > 0 else 0.0
    return Choice(
        name=entry["name"], remedy=entry["remedy"], lead=lead.mean, errors=errors, gain=gain, sample=lead.rows
    )
