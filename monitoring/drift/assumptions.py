"""What the promise of a run length rests on: stands in the evidence of each alarm, for those who doubt it."""

from __future__ import annotations

from typing import Any

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.promises import Thresholds
from monitoring.drift.seasonal import SeasonalDictionary
from monitoring.profiles.alternatives import ASTRAY, ERRORS, FORCE, RULE
from monitoring.profiles.reference import FIRST_BIN, Reference
from monitoring.profiles.seasons import Seasons

OWN = "in each season"
ROWS = "independent, or dependent by no more than blocks of the reference strayed (dispersion)"
LAW = "shares of the reference, or off by up to reference_errors standard errors, where force_left of evidence is sound"


def assumptions(
    reference: Reference, policy: Thresholds, rule: int = RULE, seasons: Seasons | None = None
) -> dict[str, Any]:
    """Return in plain values what is assumed of rows and of the reference; lists have one item for each feature."""
    plain = _assumptions(reference, policy, rule)
    if seasons is None:
        return plain
    dictionary = SeasonalDictionary.across(reference, seasons, policy.tolerance)
    known = [seasons.rows[k] for k in seasons.known]
    return {
        **plain,
        "law": f"{LAW}, {OWN}",
        "cell_errors": ERRORS,
        "alternatives": [len(names) for names in dictionary.names],
        "dispersion": [max(each, default=1.0) for each in seasons.dispersion],
        "seasons": list(seasons.calendar.names),
        "utc_offset_minutes": seasons.calendar.utc_offset_minutes,
        "cells": len(known),
        "silent_cells": len(seasons.cells) - len(known),
        "least_cell_rows": min(known, default=0),
    }


def _assumptions(reference: Reference, policy: Thresholds, rule: int) -> dict[str, Any]:
    dictionary = Dictionary.of(reference, policy.tolerance, rule)
    return {
        "rows": ROWS,
        "law": LAW,
        "rule": rule,
        "run_length_windows": policy.false_alarm_windows,
        "tolerance": policy.tolerance,
        "reference_rows": reference.rows,
        "reference_errors": ASTRAY,
        "force_left": FORCE,
        "bins": [feature.slots - FIRST_BIN for feature in reference.features],
        "alternatives": [len(names) for names in dictionary.names],
        "dispersion": [max(feature.dispersion, default=1.0) for feature in reference.features],
    }
