"""Each decision that the machine knows has a sentence of its own; what is not known is told by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.decisions import sentence
from statemachine import events

DECISIONS = sorted(kind.name for kind in vars(events).values() if getattr(kind, "decision", False))
PAYLOADS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "histories" / "payloads.json").read_text(encoding="utf-8")
)


def newest(kind: str) -> dict[str, Any]:
    """Give what the newest kept payload of this kind tells."""
    return PAYLOADS[max(name for name in PAYLOADS if name.startswith(f"{kind}@"))]


@pytest.mark.parametrize("kind", DECISIONS)
def test_each_decision_is_told_in_a_sentence_of_its_own(kind: str) -> None:
    told = sentence("approval", kind, newest(kind))

    assert told.startswith("approval: ")
    assert kind not in told
    assert "{" not in told


def test_what_no_word_is_there_for_is_told_by_its_name() -> None:
    assert sentence("m", "of_later", {}) == "m: a decision of the type of_later is on record."
    assert sentence("m", "alarm_raised", {"other": 1}) == "m: a decision of the type alarm_raised is on record."


def test_an_alarm_is_told_with_its_signal_its_subject_and_its_rows() -> None:
    verdict = {"signal": "segment", "subject": "region=north", "at_row": 812, "onset_row": 640}

    assert sentence("approval", "alarm_raised", verdict) == (
        "approval: an alarm was raised at row 812 by the signal segment (region=north); "
        "the first row that looks bad is 640."
    )


def test_gates_are_told_with_the_segments_that_are_worse_or_too_small_and_with_what_was_to_be_cured() -> None:
    names = {"holdout": "pass", "segments": "fail", "cure": "insufficient"}
    names |= {"segments: a": "fail", "segments: b": "pass", "segments: c": "insufficient", "segments: d": "fail"}
    gates = [{"name": name, "verdict": verdict} for name, verdict in names.items()]

    assert sentence("m", "gates_judged", {"gates": gates, "passed": False, "chosen": "all", "remedy": "refit"}) == (
        "m: 1 of 3 gates were passed, so nothing new may serve; it is worse in a, d; too few rows to tell of c; "
        "whether it helps cannot be told."
    )


def test_a_diagnosis_that_was_made_anew_is_told_with_what_it_takes_the_place_of() -> None:
    verdict = {"onset_row": 640, "cause": "concept_change", "at_row": 812, "instead_of": "serving"}

    assert sentence("approval", "diagnosis_made", verdict) == (
        "approval: the decline since row 640 has the cause concept_change, by the rows up to 812, and not serving."
    )
