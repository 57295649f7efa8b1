"""Serving rows by a plan: who scores, who answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from remission.assignment import assign
from remission.columns import Floats
from remission.following import Plan
from remission.scorers import Answers, Rows, Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What was answered, and what every version said."""

    answers: Answers  #: (rows,) class labels or values
    probabilities: Floats | None  #: (rows, classes), where every version that served gives them
    outputs: dict[str, Floats]  #: by version, NaN where it did not score
    served_by: list[str]  #: the version that answered, one a row
    failure: Exception | None = None  #: why a version other than the champion could not score


def serve(plan: Plan, rows: Rows, unit_ids: Sequence[str]) -> Served:
    """Answer *rows* by *plan*.

    The champion scores every row: whatever happens to the others, there is an answer. What the champion raises, rises.
    """
    champion = plan.scorers[plan.champion].score(rows)
    to_candidate = _assigned(plan, rows, unit_ids)
    others, failure = _score_others(plan, rows, needed=bool(to_candidate.any()))
    if plan.candidate not in others:
        to_candidate[:] = False
    outputs = {plan.champion: champion.output}
    for version, scores in others.items():
        counts = np.ones(rows.count, dtype=np.bool_) if version in plan.shadows else to_candidate
        outputs[version] = np.where(counts, scores.output, np.nan)
    candidate = others.get(plan.candidate, champion)
    return Served(
        answers=np.where(to_candidate, candidate.answers, champion.answers) if to_candidate.any() else champion.answers,
        probabilities=_mix(champion, candidate, to_candidate),
        outputs=outputs,
        served_by=[plan.candidate if chosen else plan.champion for chosen in to_candidate.tolist()],
        failure=failure,
    )


def _assigned(plan: Plan, rows: Rows, unit_ids: Sequence[str]) -> NDArray[np.bool_]:
    if not (plan.candidate and plan.exposure_bp and unit_ids):
        return np.zeros(rows.count, dtype=np.bool_)
    return assign(plan.salt, unit_ids, plan.exposure_bp)


def _score_others(plan: Plan, rows: Rows, *, needed: bool) -> tuple[dict[str, Scores], Exception | None]:
    wanted = {*plan.shadows, *([plan.candidate] if needed else [])} - {plan.champion}
    scored: dict[str, Scores] = {}
    failure = None
    for version in sorted(wanted):
        try:
            scored[version] = plan.scorers[version].score(rows)
        except Exception as error:  # noqa: BLE001 - a version on trial may fail in any way, and must not fail the champion
            failure = error
    return scored, failure


def _mix(champion: Scores, candidate: Scores, to_candidate: NDArray[np.bool_]) -> Floats | None:
    if champion.probabilities is None or not to_candidate.any():
        return champion.probabilities
    if candidate.probabilities is None:
        return None
    return np.where(to_candidate[:, None], candidate.probabilities, champion.probabilities)
