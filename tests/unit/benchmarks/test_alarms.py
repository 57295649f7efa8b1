"""How alarms are held against what is known of a stream: nothing drifts in twins, and dates are dates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.alarms import dates, losses, twins
from benchmarks.alarms.runs import RECORDED, Order
from benchmarks.alarms.twins import Twin
from measures.losses import fixed

ENTRY = {
    "name": "toy", "rows": 1_000,
    "drift_points": [
        {"row": 100, "what": "in the reference"}, {"row": 400, "what": "a change"},
        {"row": 500, "what": "a storm", "transient": True}, {"row": 700, "what": "another"},
    ],
}  # fmt: skip


def an_alarm(row: int, onset: int, *, verdict: str = "confirmed", signal: str = "loss") -> dict[str, Any]:
    return {"row": row, "onset_row": onset, "verdict": verdict, "signal": signal, "cause": "", "retrained": False}


def a_note(row: int, onset: int) -> dict[str, Any]:
    return {"row": row, "onset_row": onset, "subject": "x", "detector": "d@1"}


def a_report(
    *alarms: dict[str, Any],
    moves: tuple[tuple[int, str, str], ...] = (),
    drifted: tuple[dict[str, Any], ...] = (),
    moved: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    transitions = [{"row": row, "to": to, "reason": reason} for row, to, reason in moves]
    return {
        "rows": 1_000, "reference_rows": 200, "alarms": list(alarms), "transitions": transitions, "promotions": 1,
        "promoted": [{"gain": -0.1}], "drifted": list(drifted), "moved": list(moved),
    }  # fmt: skip


def test_a_shuffled_order_holds_every_row_once_and_is_that_of_its_seed() -> None:
    first, again, other = (Order("x", seed).of(500) for seed in (1, 1, 2))

    assert sorted(first) == list(range(500))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_recorded_order_moves_nothing() -> None:
    assert RECORDED.of(9).tolist() == list(range(9))


def test_rows_shuffled_between_dates_stay_between_them() -> None:
    order = dates.apart(ENTRY, 1).of(1_000)

    assert [set(order[a:b]) for a, b in ((0, 100), (100, 400), (400, 700), (700, 1_000))] == [
        set(range(100)), set(range(100, 400)), set(range(400, 700)), set(range(700, 1_000)),
    ]  # fmt: skip
    assert not np.array_equal(order, np.arange(1_000))


def test_changes_in_the_reference_and_transient_ones_are_not_counted() -> None:
    assert dates.dated_rows(ENTRY) == [400, 700]


def test_a_change_is_answered_by_the_first_decline_between_its_date_and_the_next() -> None:
    report = a_report(an_alarm(300, 290), an_alarm(420, 395), an_alarm(450, 440), an_alarm(750, 600))

    first, second = dates.changes(ENTRY, report)

    assert first.declines_before == 1
    assert first.decline == dates.Answer(what="loss", cause="", delay=2.0, off=-0.5)
    assert second.decline is not None
    assert (first.decline.dated, second.decline.off, second.decline.dated) == (True, -10.0, False)


@pytest.mark.parametrize("verdict", ["cleared", "open", "overtaken"])
def test_an_alarm_that_led_to_no_decline_tells_of_a_change_and_alarms_none(verdict: str) -> None:
    first, second = dates.changes(ENTRY, a_report(an_alarm(420, 400, verdict=verdict)))

    assert first.told == dates.Answer(what="loss", cause="", delay=2.0, off=0.0)
    assert first.decline is None
    assert second.told is None


def test_what_is_told_first_counts_be_it_an_alarm_or_drift_that_is_noted() -> None:
    report = a_report(
        an_alarm(430, 300), an_alarm(720, 705), drifted=(a_note(310, 300), a_note(420, 405), a_note(750, 600))
    )

    first, second = dates.changes(ENTRY, report)

    assert first.told == dates.Answer(what="drift noted", cause="", delay=2.0, off=0.5)
    assert second.told == dates.Answer(what="loss", cause="", delay=2.0, off=0.5)
    assert [(one.told_before, one.declines_before) for one in (first, second)] == [(1, 0), (2, 1)]


def test_a_loss_that_is_noted_within_an_incident_tells_of_a_change() -> None:
    first, second = dates.changes(ENTRY, a_report(an_alarm(430, 300), moved=(a_note(420, 405), a_note(750, 690))))

    assert first.told == dates.Answer(what="loss noted", cause="", delay=2.0, off=0.5)
    assert second.told == dates.Answer(what="loss noted", cause="", delay=5.0, off=-1.0)


def test_each_dated_stream_is_run_as_recorded_and_by_each_seed() -> None:
    names = [run.order.name for run in dates.runs([ENTRY, {**ENTRY, "drift_points": []}], (4, 5))]

    assert names == ["as recorded", "with no other change, shuffled by 4", "with no other change, shuffled by 5"]


def test_a_change_tells_how_the_model_stood_when_it_came() -> None:
    moves = ((390, "canary.shadow", ""), (400, "healthy", ""))

    assert [one.state for one in dates.changes(ENTRY, a_report(moves=moves))] == ["canary", "healthy"]


def test_a_change_that_nobody_told_of_is_not_dated_and_counts_so_but_not_among_those_that_were() -> None:
    found = dates.changes(ENTRY, a_report(drifted=(a_note(420, 395),)))

    told, _, dated, among_told, chance, alarmed, _, declined = dates.lines("toy", found)

    assert (told.reached, dated.reached, dated.met, among_told.reached) == (0.5, 0.5, False, 1.0)
    assert (alarmed.reached, declined.reached, declined.met) == (0.0, 0.0, None)
    assert chance.reached == 4 / 80  # of the rows that begin windows of ten, 380 to 410 are told at 420 as since 395


def test_a_twin_that_is_improved_is_not_degraded() -> None:
    twin = Twin.of(a_report(moves=((300, "retraining.scoping", "IMPROVEMENT"), (400, "healthy", "PROMOTION_HELD"))))

    assert twin.notes == 0
    assert (twin.degraded, twin.improvements, twin.promotions, twin.idle) == (False, 1, 1, 1)


def test_the_share_of_degraded_twins_is_held_to_one_in_twenty() -> None:
    well = Twin.of(a_report(an_alarm(300, 290, verdict="cleared")))
    ill = Twin.of(a_report(an_alarm(300, 290), moves=((310, "degraded", "CONFIRMED"),)))
    met, *_ = twins.lines({"toy": [ill, *[well] * 19]})
    missed, *_ = twins.lines({"toy": [ill, *[well] * 18]})

    assert (met.met, missed.met) == (True, False)
    assert ill.declines == ("loss",)


def test_drift_that_is_noted_of_a_twin_is_counted() -> None:
    well, noted = Twin.of(a_report()), Twin.of(a_report(drifted=(a_note(420, 400), a_note(500, 480))))

    _, told, _, _ = twins.lines({"toy": [well, noted]})

    assert (told.reached, told.note) == (0.5, "2 notes")


def test_a_loss_that_is_noted_of_a_twin_is_counted_beside_the_rows_of_its_incidents() -> None:
    moves = ((300, "suspect", ""), (360, "degraded", ""), (400, "healthy", ""), (900, "suspect", ""))
    well, noted = Twin.of(a_report()), Twin.of(a_report(moves=moves, moved=(a_note(420, 400),)))

    _, _, told, _ = twins.lines({"toy": [well, noted]})

    assert (told.reached, told.note) == (0.5, "1 notes in 200 rows of incidents")


def test_notes_of_a_loss_are_counted_each_on_blocks_behind_the_last() -> None:
    steady = np.random.default_rng(1).normal(0.5, 0.1, 900)
    moved = np.repeat([0.0, 1.0, 0.0], 300) + steady

    counts = [losses.told(losses.blocks_of(fixed(each, 1.0), 200), 200) for each in (steady, moved)]

    assert counts == [0, 2]
