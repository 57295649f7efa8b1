"""Departures among rows of one label: each held against earlier rows of the same class, or fifth of the target.

What features look like *given the label* is what a model has learned. All rows together move when classes come in other
shares, and that is no change of it; and they hide what moves one class one way and another the other. A group of labels
is what a segment is, a cell with a law of its own on the bins of the whole (`parts.py`), and all groups share one
budget of false alarms.
"""

from __future__ import annotations

from typing import Any

from monitoring.drift.departures import Departures
from monitoring.drift.parts import shared
from monitoring.drift.watches import DriftFinding, dictionary_of
from monitoring.profiles.alternatives import RULE
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Reference
from monitoring.profiles.seasons import Seasons
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Drift


def start(reference: Reference, asked: Drift, part: Seasons) -> Departures:
    """Return the departures of a group of which nothing has been seen since its *part* was learned."""
    return Departures.start(dictionary_of(reference, asked, RULE, part))


def judge(inputs: dict[str, Any], policy: Policy) -> list[tuple[str, DriftFinding]]:
    """Say what a window of labelled rows taught, group by group.

    *inputs* holds `reference`, how many `groups` share the budget, and of each in `parts` its name as `subject`, what
    was learned of it as `part`, the `state` before the window, its `start_row` and its `profile`.
    """
    asked, reference = shared(policy, int(inputs["groups"])), Reference.from_json(inputs["reference"])
    return [(one["subject"], _judged(one, reference, asked)) for one in inputs["parts"]]


def _judged(one: dict[str, Any], reference: Reference, asked: Drift) -> DriftFinding:
    before = start(reference, asked, Seasons.from_json(one["part"])).restored(one["state"])
    return before.observe(one["start_row"], Profile.from_json(one["profile"]), asked)[1]
