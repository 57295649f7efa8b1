"""Drift within a part of the rows: each segment is held against what its own rows of the reference were.

A segment is what a season is, a cell with a law of its own on the bins of the whole (`expected.py`); only that its rows
are told by what they are, and not by when they came. Bins in which it has no row are rare to it and no more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from monitoring.drift.straying import learn_seasons
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.profile import Profile
from monitoring.profiles.reference import Floats, Reference
from monitoring.profiles.seasons import Calendar, Seasons
from statemachine.policies.policy import Policy
from statemachine.policies.sections import Drift

ALWAYS = Calendar(())  #: which tells no rows apart: one cell


def learn_part(reference: Reference, rows: Floats, outputs: Floats) -> Seasons:
    """Learn what *rows* (n, features) and *outputs* (n,) look like, a part of those of a *reference* in their order."""
    slots = reference.place(rows, outputs) - np.array(reference.starts[:-1])
    return learn_seasons(reference, ALWAYS, slots, np.zeros(len(rows), dtype=np.int64))


def shared(policy: Policy, segments: int) -> Drift:
    """Give the policy of drift within each of so many *segments*, which share its budget of false alarms.

    Each must have as much evidence as all of them together may: the mean of e-detectors is one.
    """
    drift = policy.drift
    return replace(drift, false_alarm_windows=drift.false_alarm_windows * max(segments, 1), projections=0, seasons=())


def judge(inputs: dict[str, Any], policy: Policy) -> DriftFinding:
    """Say what a window taught of a segment.

    *inputs* holds `reference`, what was learned of the `part`, how many `segments` share the budget, the `state` before
    the window, its `start_row` and its `profile`.
    """
    asked, part = shared(policy, int(inputs["segments"])), Seasons.from_json(inputs["part"])
    watch = DriftWatch.start(Reference.from_json(inputs["reference"]), asked, seasons=part)
    _, found = watch.restored(inputs["state"]).observe(inputs["start_row"], Profile.from_json(inputs["profile"]), asked)
    return found
