"""Planted faults through the whole service: the alarm that they raise, the cause that is named, and since which row."""

from __future__ import annotations

import pytest

from tests.fixtures.faults import LABELLED, PLANTED, REFERENCE, planted, word_on

SEEDS = range(5)
WINDOW = REFERENCE // 20


@pytest.mark.parametrize(
    ("fault", "signal", "cause", "least"),
    [
        ("missing", "quality", "data_quality", 4),
        ("stuck", "quality", "data_quality", 4),
        ("unit", "quality", "data_quality", 4),
        ("shifted", "quality", "data_quality", 4),
        ("code", "quality", "data_quality", 4),
        ("fahrenheit", "quality", "data_quality", 4),
        ("covariate", "loss", "covariate_drift", 4),
        ("concept", "loss", "concept_change", 4),
        ("prior", "loss", "label_shift", 3),  # on few rows it is hard to tell from a concept that changed
    ],
)
def test_a_planted_fault_is_named_and_dated_in_most_worlds(fault: str, signal: str, cause: str, least: int) -> None:
    right = 0
    for seed in SEEDS:
        alarm, diagnosis = word_on(planted(fault, seed))
        named = (alarm.get("signal"), diagnosis.get("cause")) == (signal, cause)
        right += named and abs(diagnosis["onset_row"] - PLANTED) <= 2 * WINDOW

    assert right >= least


@pytest.mark.parametrize("fault", ["missing", "stuck", "unit", "shifted", "code"])
def test_the_broken_feature_is_named_and_dated_to_the_row(fault: str) -> None:
    alarm, diagnosis = word_on(planted(fault, 1))

    assert alarm["subject"] == "a"
    assert diagnosis["causes"][0]["features"] == ["a"]
    assert diagnosis["onset_row"] == PLANTED


def test_the_feature_that_moved_is_named() -> None:
    _, diagnosis = word_on(planted("covariate", 1))

    assert diagnosis["causes"][0]["features"] == ["c"]


def test_without_a_fault_nothing_is_diagnosed_in_four_of_five_worlds() -> None:
    quiet = [word_on(planted("none", seed)) for seed in SEEDS]

    assert sum(not alarm and not diagnosis for alarm, diagnosis in quiet) >= 4


@pytest.mark.parametrize(
    ("fault", "signal", "cause"), [("covariate", "drift", "covariate_drift"), ("missing", "quality", "data_quality")]
)
def test_a_fault_without_labels_is_named_all_the_same(fault: str, signal: str, cause: str) -> None:
    alarm, diagnosis = word_on(planted(fault, 1, labelled=LABELLED))

    assert (alarm["signal"], diagnosis["cause"], diagnosis["onset_row"]) == (signal, cause, PLANTED)
    assert diagnosis["causes"][0]["share"] == 0  # what it costs is not known
