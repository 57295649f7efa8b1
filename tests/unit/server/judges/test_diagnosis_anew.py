"""A diagnosis that is made anew: what it takes the place of, and what stays to blame."""

from __future__ import annotations

from typing import Any

import pytest

from diagnosis.noise import ALL
from monitoring.profiles.packing import packed
from server.judges.remedies import diagnosis_anew
from server.judges.rulings import Ruling
from statemachine.policies.policy import Policy
from tests.unit.diagnosis.conftest import FIRST_ROW, inputs_of

END = FIRST_ROW + 1_500
BEYOND = {"kind": "rule", "slots": [], "log_evidence": 30.0, "onset_row": FIRST_ROW, "share": 0.3}


def again(fault: str, named: str, *found: dict[str, Any]) -> Ruling | None:
    """Diagnose a world anew in which *named* was to blame, and in which windows *found* more faults."""
    inputs = inputs_of(fault, 1)
    inputs["relations"] = _packed(inputs["relations"])
    quality = [*inputs["quality"], *found]
    return diagnosis_anew({**inputs, "quality": quality, "named": named, "at_row": END}, Policy(), ALL)


def _packed(relations: dict[str, Any]) -> dict[str, Any]:
    """Give relations as evidence holds them."""
    first, second = (packed(one) for one in relations["unlabelled"])
    tables = {name: packed(relations[name]) for name in ("before", "after")}
    return {**relations, **tables, "unlabelled": [first, second]}


def test_what_names_the_same_says_nothing_new() -> None:
    assert again("concept", "concept_change") is None


def test_another_cause_says_what_it_takes_the_place_of_and_up_to_which_row_it_looked() -> None:
    ruling = again("concept", "serving")

    assert ruling is not None
    assert {name: ruling.payload[name] for name in ("cause", "instead_of", "at_row", "onset_row")} == {
        "cause": "concept_change", "instead_of": "serving", "at_row": END, "onset_row": FIRST_ROW,
    }  # fmt: skip


def test_a_fault_of_features_gives_way_to_what_explains_the_loss() -> None:
    ruling = again("concept", "data_quality")

    assert ruling is not None
    assert ruling.payload["cause"] == "concept_change"


@pytest.mark.parametrize("named", ["data_quality", "label_quality"])
@pytest.mark.parametrize("where", ["rule:near", "@row", "@label"])
def test_a_fault_that_lies_in_no_feature_stays_to_blame_while_windows_find_it(where: str, named: str) -> None:
    assert again("concept", named, {**BEYOND, "feature": where}) is None


def test_other_causes_give_way_whatever_windows_find() -> None:
    ruling = again("concept", "serving", {**BEYOND, "feature": "rule:near"})

    assert ruling is not None
    assert ruling.payload["instead_of"] == "serving"
