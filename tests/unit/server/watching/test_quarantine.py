"""Claims about rows that are in quarantine, as the quarantine counts them and as jobs are given them."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from monitoring.quality.faults import QualityFinding
from retraining.dataset import Dataset
from retraining.scope import Spec
from server.service import Service
from server.watching.quarantine import Quarantine, held
from tests.scenarios.lines import read
from tests.scenarios.service_stage import MODEL, ServiceStage, on_stage

BROKEN = (720, 810)  #: the rows of which some miss a value, in `BLIP`
BLIP = ["watch", "rows 120", "rows 90 missing=0.6", "rows 120"]
DECLINE = ["rows 120 wrong=0.6", "rows 60 wrong=0.6"]


def a_fault(onset_row: int, feature: str = "x", kind: str = "missing", rows: tuple[int, ...] = ()) -> QualityFinding:
    return QualityFinding(
        feature=feature, kind=kind, share=0.5, tolerated=0.05, log_evidence=40.0, onset_row=onset_row, row=0,
        slots=(0,), rows=rows,
    )  # fmt: skip


def filled(*faults: tuple[int, int, str], accepted: int = 300) -> Quarantine:
    """Give a quarantine that has seen faults of some features from a first row to an end."""
    found = Quarantine(accepted)
    for onset, end, feature in faults:
        found.take([a_fault(onset, feature)], end)
    return found


def test_nothing_is_held_before_a_fault() -> None:
    assert filled().within(0, 1_000) == ()


@pytest.mark.parametrize(
    "kind",
    ["missing", "invalid", "stuck", "sentinel", "unit", "absurd", "rule", "resent", "frozen", "labels", "label_class",
     "clock_still", "clock_behind"],
)  # fmt: skip
def test_what_is_broken_whatever_the_world_does_is_held(kind: str) -> None:
    found = Quarantine(300)
    found.take([a_fault(100, kind=kind)], 200)

    assert found.within(0, 1_000) == ((100, 200),)


@pytest.mark.parametrize("kind", ["out_of_range", "new_category", "duplicate"])
def test_what_may_be_a_world_that_passes_is_not_held(kind: str) -> None:
    found = Quarantine(300)
    found.take([a_fault(100, kind=kind)], 200)

    assert found.within(0, 1_000) == ()


def test_rows_are_held_from_the_onset_of_a_fault_to_the_last_window_that_shows_it() -> None:
    held_rows = filled((100, 150, "x"), (100, 200, "x"))

    assert held_rows.within(0, 1_000) == ((100, 200),)


def test_of_a_fault_that_knows_its_rows_those_alone_are_held() -> None:
    found = Quarantine(300)
    found.take([a_fault(110, kind="absurd", rows=(110, 111, 140))], 150)
    found.take([a_fault(110, kind="absurd", rows=(190,))], 200)

    assert found.within(0, 1_000) == ((110, 112), (140, 141), (190, 191))


def test_single_rows_of_a_fault_that_lasts_are_let_go_as_well() -> None:
    found = Quarantine(300)
    for row in (110, 210, 310, 409):
        found.take([a_fault(110, kind="absurd", rows=(row,))], row + 1)

    assert found.within(0, 1_000) == ()


def test_what_is_held_is_cut_to_what_is_asked_for() -> None:
    assert filled((100, 200, "x")).within(120, 180) == ((120, 180),)
    assert filled((100, 200, "x")).within(200, 300) == ()


@pytest.mark.parametrize("order", [1, -1])
def test_faults_that_overlap_or_touch_are_one_range_in_whatever_order_they_came(order: int) -> None:
    faults = [(100, 200, "x"), (150, 180, "y"), (200, 250, "z"), (400, 450, "x")][::order]

    assert filled(*faults).within(0, 1_000) == ((100, 250), (400, 450))


def test_a_fault_that_lasts_as_long_as_the_policy_accepts_is_let_go() -> None:
    assert filled((100, 399, "x")).within(0, 1_000) == ((100, 399),)
    assert filled((100, 399, "x"), (100, 400, "x")).within(0, 1_000) == ()


def test_a_world_that_was_accepted_frees_no_other_fault_within_it() -> None:
    assert filled((100, 900, "x"), (200, 260, "y")).within(0, 1_000) == ((200, 260),)


def test_a_holdout_without_faults_begins_where_it_always_did() -> None:
    assert filled().reach(100, 1_000, 600) == 900
    assert filled((700, 800, "x")).reach(100, 1_000, 600) == 900


def test_a_holdout_reaches_back_over_rows_that_are_held() -> None:
    assert filled((880, 920, "x")).reach(100, 1_000, 600) == 860


def test_a_holdout_reaches_back_no_further_than_it_may() -> None:
    assert filled((650, 940, "x")).reach(200, 1_000, 600) == 600
    assert filled((650, 940, "x")).reach(600, 1_000, 600) == 400


@pytest.mark.parametrize("seed", range(20))
def test_ranges_say_of_every_row_what_counting_it_says(seed: int) -> None:
    chance = np.random.default_rng(seed)
    faults = [(int(a), int(a + chance.integers(1, 400)), f"x{i}") for i, a in enumerate(chance.integers(0, 900, 8))]
    counted = np.zeros(1_500, dtype=bool)
    for onset, end, _ in faults:
        counted[onset:end] |= end - onset < 300

    found = held(filled(*faults).within(50, 1_200), 50, 1_200)

    assert (found == counted[50:1_200]).all()


def test_a_remedy_after_a_fault_learns_none_of_its_rows() -> None:
    with on_stage() as stage:
        spec, data = proposed(stage, [*BLIP, *DECLINE])
        numbers = data.first_row + np.arange(len(data.labels))
        broken = (numbers >= BROKEN[0]) & (numbers < BROKEN[1])

        assert spec.quarantined == (BROKEN,)
        assert np.isnan(data.labels[broken]).all()
        assert not np.isnan(data.labels[~broken]).any()


def test_a_remedy_without_a_fault_has_a_spec_of_the_form_that_any_worker_reads() -> None:
    with on_stage() as stage:
        play(stage, ["watch", "rows 120", *DECLINE])

        assert "quarantined" not in lease(stage.service)


def test_a_person_who_overrules_has_broken_rows_learned() -> None:
    with on_stage() as stage:
        spec, data = proposed(stage, [*BLIP[:3], "retrain"])

        assert spec.quarantined == ()
        assert not np.isnan(data.labels).any()


def test_what_is_quarantined_is_read_back_from_a_spec() -> None:
    with on_stage() as stage:
        spec, _ = proposed(stage, [*BLIP, *DECLINE])

        assert Spec.from_json(orjson.loads(orjson.dumps(spec.to_json()))) == spec


def proposed(stage: ServiceStage, lines: list[str]) -> tuple[Spec, Dataset]:
    """Play *lines*; give what a worker is then asked to do, and the rows that it gets."""
    play(stage, lines)
    spec = Spec.from_json(lease(stage.service))
    return spec, Dataset.from_bytes(stage.service.desk.blobs.get(spec.dataset))


def play(stage: ServiceStage, lines: list[str]) -> None:
    for line in lines:
        stage.play(read(line))


def lease(service: Service) -> dict[str, Any]:
    job = service.jobs.lease("w").result()
    assert job is not None, service.state(MODEL)
    found: dict[str, Any] = job.spec["spec"]
    return found
