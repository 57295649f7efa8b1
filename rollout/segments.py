"""Segments of a canary: is a candidate worse in a part of the rows, though the whole does well?

In each segment the evidence is that of the house (`measures/sums.py`), which holds however often one looks; all of them
share one chance of error (Bonferroni).
"""

from __future__ import annotations

import math
from typing import Any

from measures.sums import excess, log_e, span
from statemachine.policies.policy import Policy

DESIGN_WINDOWS = 2


def harmed(inputs: dict[str, Any], policy: Policy) -> str:
    """Name the segment in which the candidate is shown to be worse than the policy tolerates; nothing where none is.

    `inputs`: `window` rows, and `segments`, each with `name`, `champion` blocks of its loss there and `leads` blocks of
    champion minus candidate on the same rows.
    """
    told = inputs["segments"]
    needed = math.log(len(told) / policy.gates.segment_alpha) if told else 0.0
    found = {
        str(one["name"]): _evidence(one, DESIGN_WINDOWS * int(inputs["window"]) / len(told), policy) for one in told
    }
    loudest = max(found, key=lambda name: found[name], default="")
    return loudest if found and found[loudest] >= needed else ""


def _evidence(segment: dict[str, Any], design_rows: float, policy: Policy) -> float:
    beyond = excess(span(segment["champion"]), span(segment["leads"]), policy.gates.segment_tolerance)
    return log_e(beyond, design_rows) if beyond.rows >= policy.segments.least_rows else 0.0
