from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from remission.assignment import assign
from remission.following import Plan
from remission.questions import Question, read_question
from remission.scorers import Scorer, Scores
from remission.serving import CountsDifferError, UnusableScores, serve

from tests.fixtures.clients import Exactly, Saying

UNITS = [f"unit-{i}" for i in range(40)]
SHARE_BP = 5_000
CHOSEN = assign("salt", UNITS, SHARE_BP)


def a_question(units: list[str] = UNITS) -> Question:
    return read_question({"x": np.arange(float(len(UNITS)))}, [], [], units)


def a_plan(champion: Scorer, candidate: Scorer, **given: Any) -> Plan:
    facts = {"candidate": "v2", "exposure_bp": SHARE_BP, "salt": "salt", "generation": 1, **given}
    return Plan(scorers={"v1": champion, "v2": candidate}, champion="v1", **facts)


def test_the_candidate_serves_its_units_and_no_others() -> None:
    served = serve(a_plan(Saying(0.1), Saying(0.9)), a_question())

    assert 0 < CHOSEN.sum() < len(UNITS)
    assert served.answers.tolist() == np.where(CHOSEN, 0.9, 0.1).tolist()
    assert served.served_by == ["v2" if chosen else "v1" for chosen in CHOSEN]


def test_a_version_is_reported_where_it_scored_and_nowhere_else() -> None:
    served = serve(a_plan(Saying(0.1), Saying(0.9)), a_question())

    assert served.outputs["v1"].tolist() == [0.1] * len(UNITS)
    assert np.array_equal(~np.isnan(served.outputs["v2"]), CHOSEN)


def test_a_candidate_in_shadow_scores_every_row_and_serves_none() -> None:
    served = serve(a_plan(Saying(0.1), Saying(0.9), shadows=("v2",), exposure_bp=0), a_question())

    assert served.outputs["v2"].tolist() == [0.9] * len(UNITS)
    assert set(served.served_by) == {"v1"}
    assert set(served.answers.tolist()) == {0.1}


def test_a_candidate_without_units_to_serve_is_not_asked() -> None:
    candidate = Saying(0.9)

    serve(a_plan(Saying(0.1), candidate), a_question([""] * len(UNITS)))

    assert candidate.asked == []


def test_probabilities_come_from_the_version_that_serves() -> None:
    mine, its = (np.column_stack([1 - p, p]) for p in (np.full(len(UNITS), 0.1), np.full(len(UNITS), 0.9)))
    plan = a_plan(Exactly(Scores(mine[:, 1], mine[:, 1], mine)), Exactly(Scores(its[:, 1], its[:, 1], its)))

    probabilities = serve(plan, a_question()).probabilities

    assert probabilities is not None
    assert probabilities[:, 1].tolist() == np.where(CHOSEN, 0.9, 0.1).tolist()


def ones(count: int = len(UNITS), **given: Any) -> Scores:
    return Scores(**{"answers": np.ones(count), "output": np.ones(count), **given})


CHANCES = np.full((len(UNITS), 2), 0.5)
FAILING: list[tuple[Scorer, type[Exception]]] = [
    (Saying(error=KeyError("a feature")), KeyError),
    (Saying(error=MemoryError()), MemoryError),
    (Saying(error=RecursionError()), RecursionError),
    (Exactly(ones(1, probabilities=CHANCES)), UnusableScores),
    (Exactly(ones(len(UNITS) + 1, probabilities=CHANCES)), UnusableScores),
    (Exactly(ones(output=np.ones(1), probabilities=CHANCES)), UnusableScores),
    (Exactly(ones(output=np.full(len(UNITS), np.nan), probabilities=CHANCES)), UnusableScores),
    (Exactly(ones(output=np.full(len(UNITS), np.inf), probabilities=CHANCES)), UnusableScores),
    (Exactly(ones(answers=np.ones((len(UNITS), 2)), probabilities=CHANCES)), UnusableScores),
    (Exactly(ones()), UnusableScores),
    (Exactly(ones(probabilities=np.ones((len(UNITS), 3)))), UnusableScores),
    (Exactly(ones(probabilities=CHANCES, fault=OSError())), OSError),
]


@pytest.mark.parametrize(("candidate", "kind"), FAILING)
def test_a_candidate_that_fails_is_named_and_the_champion_answers(candidate: Scorer, kind: type[Exception]) -> None:
    champion = Exactly(Scores(np.zeros(len(UNITS)), np.zeros(len(UNITS)), CHANCES))

    served = serve(a_plan(champion, candidate), a_question())

    assert served.answers.tolist() == [0.0] * len(UNITS)
    assert served.probabilities is CHANCES
    assert set(served.served_by) == {"v1"}
    assert list(served.outputs) == ["v1"]
    assert isinstance(served.failures["v2"], kind)


def test_a_shadow_that_fails_takes_no_traffic_from_the_candidate() -> None:
    plan = Plan(
        scorers={"v1": Saying(0.1), "v2": Saying(0.9), "v0": Saying(error=OSError())},
        champion="v1", candidate="v2", exposure_bp=SHARE_BP, salt="salt", shadows=("v0", "v2"),
    )  # fmt: skip

    served = serve(plan, a_question())

    assert served.answers.tolist() == np.where(CHOSEN, 0.9, 0.1).tolist()
    assert list(served.failures) == ["v0"]


def test_what_the_champion_raises_rises() -> None:
    with pytest.raises(ZeroDivisionError):
        serve(a_plan(Saying(error=ZeroDivisionError()), Saying(0.9)), a_question())


def test_rows_that_cannot_be_read_are_answered_by_the_champion_alone() -> None:
    candidate = Saying(0.9)
    champion = Exactly(Scores(np.array(["a"]), np.zeros(1)))

    served = serve(a_plan(champion, candidate, shadows=("v2",)), read_question(object(), [], [], []))  # type: ignore[arg-type]  # no table

    assert served.answers.tolist() == ["a"]
    assert served.served_by == ["v1"]
    assert served.fault is not None
    assert candidate.asked == []


def test_a_champion_that_gives_another_number_of_answers_is_not_reported() -> None:
    served = serve(a_plan(Exactly(Scores(np.ones(3), np.ones(3))), Saying(0.9)), a_question())

    assert served.answers.tolist() == [1, 1, 1]
    assert isinstance(served.fault, CountsDifferError)
