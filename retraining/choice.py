"""The choice: the smallest change that is as good as the best. Judged from integers that the bake-off reports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from measures.losses import SCALE
from measures.sums import Block, Span, span
from retraining.segments import SEGMENTS, ruins
from statemachine.policies.policy import Policy

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
    doing nothing by the policy's margins. Where the policy wants no segment ruined, those who ruin one win only if all
    leaders do: then the gate says why.
    """
    champion = span(report["champion"])
    nothing = Choice(name=NOTHING, remedy=NOTHING, lead=0.0, errors=0.0, gain=0.0, sample=champion.rows)
    entries = {entry["name"]: entry for entry in report["entrants"]}
    found = [_choice(entry, champion) for entry in entries.values()]
    leaders = [
        one for one in found if one.errors >= policy.bakeoff.least_lead and one.gain >= policy.bakeoff.least_gain
    ]
    if not leaders:
        return nothing
    if SEGMENTS in policy.gates.mandatory:
        leaders = [one for one in leaders if not ruins(report, one.name, policy)] or leaders
    best = max(leaders, key=lambda one: one.lead)
    close = [one for one in leaders if one is best or _as_good(entries[one.name], entries[best.name])]
    return min(close, key=lambda one: (WEIGHT[one.remedy], -_rows(entries[one.name]), -one.lead))


def _as_good(entry: dict[str, Any], best: dict[str, Any]) -> bool:
    """Say whether *entry* is within one standard error of *best*, row by row on the same rows."""
    apart = [(mine[0], (theirs[1] - mine[1]) / SCALE) for mine, theirs in zip(entry["lead"], best["lead"], strict=True)]
    rows, behind = sum(rows for rows, _ in apart), math.fsum(total for _, total in apart)
    if not rows:
        return True
    strays = math.fsum((total - behind / rows * rows_here) ** 2 for rows_here, total in apart)
    return behind <= math.sqrt(strays * len(apart) / max(len(apart) - 1, 1))


def _rows(entry: dict[str, Any]) -> int:
    return sum(end - first for first, end in entry["rows"])


def _choice(entry: dict[str, Any], champion: Span) -> Choice:
    blocks: list[Block] = entry["lead"]
    lead = span(blocks)
    errors = lead.total / math.sqrt(lead.variance) if lead.variance > 0 else 0.0
    gain = lead.mean / champion.mean if champion.mean > 0 else 0.0
    return Choice(
        name=entry["name"], remedy=entry["remedy"], lead=lead.mean, errors=errors, gain=gain, sample=lead.rows
    )
