"""Serving rows by a plan: who scores, who answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from remission.assignment import assign
from remission.columns import Floats
from remission.following import Plan
from remission.questions import Question
from remission.scorers import Answers, Rows, Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What was answered, and what every version said."""

    answers: Answers  #: (rows,) class labels or values
    probabilities: Floats | None  #: (rows, classes), where the versions that served give them
    outputs: dict[str, Floats]  #: by version, NaN where it did not score
    served_by: list[str]  #: the version that answered, one a row
    failures: Mapping[str, Exception] = field(default_factory=dict)  #: versions that could not score, and why
    fault: Exception | None = None  #: why this cannot be reported


class UnusableScores(ValueError):
    """A version on trial gives something that cannot be served in the champion's place."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{type(self).__doc__} {what}")


class CountsDifferError(ValueError):
    """The estimator gives more or fewer answers than there are rows."""

    def __init__(self, rows: int, answers: int) -> None:
        super().__init__(f"{type(self).__doc__} It gives {answers} for {rows}.")
        self.rows, self.answers = rows, answers


def serve(plan: Plan, question: Question) -> Served:
    """Answer *question* by *plan*.

    The champion scores every row: whatever happens to the others, there is an answer. What the champion raises, rises.
    """
    champion = plan.scorers[plan.champion].score(question.rows)
    fault = question.fault or champion.fault or _miscounted(question.rows, champion)
    if fault is not None:
        return _serve_alone(plan.champion, champion, fault)
    return _serve_assigned(plan, question, champion)


def _serve_alone(version: str, scores: Scores, fault: Exception) -> Served:
    return Served(
        answers=scores.answers,
        probabilities=scores.probabilities,
        outputs={version: scores.output},
        served_by=[version] * len(scores.answers),
        fault=fault,
    )


def _serve_assigned(plan: Plan, question: Question, champion: Scores) -> Served:
    to_candidate = _assigned(plan, question)
    others, failures = _score_others(plan, question.rows, champion, needed=bool(to_candidate.any()))
    if plan.candidate not in others:
        to_candidate[:] = False
    outputs = {plan.champion: champion.output}
    for version, scores in others.items():
        counts = np.ones(question.rows.count, dtype=np.bool_) if version in plan.shadows else to_candidate
        outputs[version] = np.where(counts, scores.output, np.nan)
    candidate = others.get(plan.candidate, champion)
    mixed = bool(to_candidate.any())
    return Served(
        answers=np.where(to_candidate, candidate.answers, champion.answers) if mixed else champion.answers,
        probabilities=_mix(champion, candidate, to_candidate) if mixed else champion.probabilities,
        outputs=outputs,
        served_by=[plan.candidate if chosen else plan.champion for chosen in to_candidate.tolist()],
        failures=failures,
    )


def _miscounted(rows: Rows, scores: Scores) -> Exception | None:
    return None if len(scores.answers) == rows.count else CountsDifferError(rows.count, len(scores.answers))


def _assigned(plan: Plan, question: Question) -> NDArray[np.bool_]:
    if not (plan.candidate and plan.exposure_bp):
        return np.zeros(question.rows.count, dtype=np.bool_)
    return assign(plan.salt, question.unit_ids, plan.exposure_bp)


def _score_others(
    plan: Plan, rows: Rows, champion: Scores, *, needed: bool
) -> tuple[dict[str, Scores], dict[str, Exception]]:
    wanted = {*plan.shadows, *([plan.candidate] if needed else [])} - {plan.champion}
    scored: dict[str, Scores] = {}
    failures: dict[str, Exception] = {}
    for version in sorted(wanted):
        try:
            scores = plan.scorers[version].score(rows)
            _require_usable(scores, champion, may_serve=version == plan.candidate)
            scored[version] = scores
        except Exception as error:  # noqa: BLE001 - a version on trial may fail in any way, and must not fail the champion
            failures[version] = error
    return scored, failures


def _require_usable(scores: Scores, champion: Scores, *, may_serve: bool) -> None:
    if scores.fault is not None:
        raise scores.fault
    if scores.answers.shape != champion.answers.shape or scores.output.shape != champion.output.shape:
        raise UnusableScores("It does not give one answer a row.")
    if not np.isfinite(scores.output).all():
        raise UnusableScores("Its output is not finite.")
    if may_serve and champion.probabilities is not None and _shape(scores) != champion.probabilities.shape:
        raise UnusableScores("It does not give one probability a row and class.")


def _shape(scores: Scores) -> tuple[int, ...]:
    return () if scores.probabilities is None else scores.probabilities.shape


def _mix(champion: Scores, candidate: Scores, to_candidate: NDArray[np.bool_]) -> Floats | None:
    if champion.probabilities is None or candidate.probabilities is None:
        return None
    return np.where(to_candidate[:, None], candidate.probabilities, champion.probabilities)
