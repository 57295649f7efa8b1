"""Entities: which sensor of whom stands still, of rows on a tape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from monitoring.profiles.learning import learn
from monitoring.profiles.reference import Column, Floats, Reference
from monitoring.quality.frozen import Frozen
from server.intake import feed
from server.intake.schema import CATEGORICAL, NUMERIC, Feature, Schema
from server.watching.entities import Entities
from server.watching.tape import Tape

PAST, WINDOW, STATIONS, LIMIT = 4_000, 400, 100, 5
LIMITS = {1: LIMIT}
NUMBERS = Schema(
    task="regression", metric="mae", features=(Feature(name="id", kind=NUMERIC), Feature(name="t", kind=NUMERIC))
)
WORDS = Schema(
    task="regression",
    metric="mae",
    features=(
        Feature(name="id", kind=CATEGORICAL, categories=tuple(f"s-{k}" for k in range(STATIONS - 1))),
        Feature(name="t", kind=NUMERIC),
    ),
)


def lived(windows: int, frozen: int | None = None, since: int = PAST) -> Floats:
    """Give rows of stations in turn; of the one that is *frozen* all values from the row *since* on are alike."""
    count = PAST + windows * WINDOW
    rows = np.column_stack([np.arange(count) % STATIONS, np.random.default_rng(1).normal(20, 3, count)])
    if frozen is not None:
        rows[since:][rows[since:, 0] == frozen, 1] = 21.5
    return np.asarray(rows, dtype=np.float64)


def reference_of(rows: Floats) -> Reference:
    return learn([Column(name="id"), Column(name="t")], rows[:PAST], np.zeros(PAST))


def entities(rows: Floats, schema: Schema = NUMBERS, erased: Sequence[int] = ()) -> Entities:
    tape, count = Tape(2), len(rows)
    tape.take(
        feed.Rows(
            first_row=0, ids=[""] * count, times_us=np.arange(count), features=rows.T.copy(),
            outputs={"v1": np.zeros(count)}, served_by=["v1"], served=np.zeros(count, dtype=np.uint8), generation=0,
        )
    )  # fmt: skip
    tape.erased[list(erased)] = True
    return Entities(schema, tape, "id", PAST, reference_of(rows))


def taken(found: Entities, windows: int) -> list[tuple[Frozen, ...]]:
    return [found.take(first, first + WINDOW, LIMITS) for first in range(PAST, PAST + windows * WINDOW, WINDOW)]


def test_who_a_row_is_about_is_no_sensor_though_it_never_changes() -> None:
    assert [one.feature for one in entities(lived(1)).still] == [1]


def test_sound_sensors_are_told_of_in_no_window() -> None:
    assert taken(entities(lived(3)), 3) == [(), (), ()]


def test_the_rows_before_the_limit_are_told_when_it_is_passed_and_later_ones_window_by_window() -> None:
    rows = lived(3, frozen=7)
    first, second, third = taken(entities(rows), 3)

    assert first == ()
    assert [(one.feature, one.entity, one.length) for one in (*second, *third)] == [(1, "7", 8), (1, "7", 12)]
    assert second[0].rows == tuple(range(PAST + 7, PAST + 2 * WINDOW, STATIONS))
    assert third[0].rows == tuple(range(PAST + 2 * WINDOW + 7, PAST + 3 * WINDOW, STATIONS))
    assert second[0].slot == third[0].slot == reference_of(rows).features[1].place(np.array([21.5]))[0]


def test_a_run_that_began_in_the_reference_is_told_from_there() -> None:
    (found,) = taken(entities(lived(1, frozen=0, since=PAST - 2 * STATIONS)), 1)[0]

    assert found.rows == tuple(range(PAST - 2 * STATIONS, PAST + WINDOW, STATIONS))


def test_a_run_that_began_with_the_first_row_is_told_with_its_whole_length() -> None:
    (found,) = taken(entities(lived(1, frozen=0, since=0)), 1)[0]

    assert found.length == (PAST + WINDOW) // STATIONS


def test_a_run_that_was_as_long_as_the_limit_has_been_told() -> None:
    first, second = taken(entities(lived(2, frozen=0, since=PAST - STATIONS)), 2)

    assert [len(one.rows) for one in first] == [LIMIT]
    assert [one.rows for one in second] == [tuple(range(PAST + WINDOW, PAST + 2 * WINDOW, STATIONS))]


def test_a_station_goes_by_its_word_and_one_that_came_later_than_the_model_by_its_number() -> None:
    known, newer = (taken(entities(lived(2, frozen=station), WORDS), 2)[1] for station in (7, STATIONS - 1))

    assert [one.entity for one in (*known, *newer)] == ["s-7", "99"]


def test_rows_that_were_erased_are_of_nobody_and_break_no_run() -> None:
    rows = lived(2, frozen=7)
    gone = PAST + 7 + STATIONS
    rows[gone, 1] = 3.0

    _, (found,) = taken(entities(rows, erased=[PAST, gone]), 2)

    assert (found.length, found.rows[0]) == (7, PAST + 7)
