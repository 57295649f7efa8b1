from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from remission.reporting import MAX_BATCH_ROWS, Buffer, Entry, Outcome, Scored, merge

PATIENCE_SECONDS = 30.0


def scored(count: int = 1, *, first: int = 0, time_us: int = 0, generation: int = 1, **given: Any) -> Scored:
    columns = given.get("columns", {"x": np.arange(count, dtype=np.float64)})
    return Scored(
        columns=columns,
        prediction_ids=[f"p-{first + i}" for i in range(count)],
        times_us=np.full(count, time_us, dtype=np.int64),
        outputs=given.get("outputs", {"v1": np.full(count, 0.5)}),
        served_by=["v1"] * count,
        unit_ids=[""] * count,
        subject_ids=[""] * count,
        latency_us=np.zeros(count, dtype=np.int32),
        route_generation=generation,
    )


def outcome(number: int = 0) -> Outcome:
    return Outcome(prediction_id=f"p-{number}", value=1.0, time_us=0)


def taken(*entries: Entry) -> list[list[Entry]]:
    """Give the batches in which a buffer hands these out."""
    buffer = Buffer(1_000_000)
    for entry in entries:
        buffer.put(entry)
    buffer.close()
    return list(iter(lambda: buffer.take(0), []))


def test_a_full_buffer_drops_whole_entries_and_counts_their_rows() -> None:
    buffer = Buffer(10)

    took = [buffer.put(scored(6)), buffer.put(scored(6)), buffer.put(outcome()), buffer.put(scored(3))]

    assert took == [True, False, True, True]
    assert buffer.dropped == 6


def test_what_is_in_flight_still_takes_room() -> None:
    buffer = Buffer(10)
    buffer.put(scored(10))
    buffer.take(0)

    assert not buffer.put(outcome())
    buffer.settle(10)
    assert buffer.put(outcome())


def test_a_closed_buffer_takes_nothing_and_can_still_be_drained() -> None:
    buffer = Buffer(10)
    first = scored(2)
    buffer.put(first)
    buffer.close()

    assert not buffer.put(scored(3))
    assert buffer.take(0) == [first]
    assert buffer.take(0) == []
    assert buffer.dropped == 3


def test_what_is_discarded_is_counted_and_what_is_in_flight_is_not() -> None:
    buffer = Buffer(100)
    buffer.put(scored(5))
    buffer.take(0)
    buffer.put(scored(7))

    buffer.discard()

    assert buffer.dropped == 7
    assert not buffer.wait_empty(0)
    buffer.settle(5, dropped=True)
    assert buffer.wait_empty(0)
    assert buffer.dropped == 12


def test_rows_and_outcomes_that_come_in_turn_go_out_together() -> None:
    entries = [entry for i in range(50) for entry in (scored(first=i), outcome(i))]

    assert taken(*entries) == [entries]


def test_rows_of_two_routes_or_of_other_columns_go_out_apart() -> None:
    first, second = scored(generation=1), scored(generation=2)
    third = scored(generation=2, columns={"y": np.zeros(1)})

    assert taken(first, outcome(), second, third) == [[first, outcome()], [second], [third]]


def test_no_batch_is_larger_than_what_a_batch_may_hold() -> None:
    batches = taken(*(scored(4_000) for _ in range(6)))

    assert [sum(entry.size for entry in batch) for batch in batches] == [8_000] * 3


def test_what_comes_from_many_threads_is_taken_or_counted() -> None:
    buffer = Buffer(500)
    threads = [threading.Thread(target=lambda: [buffer.put(outcome(i)) for i in range(200)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert buffer.dropped == 1_100
    assert len(buffer.take(0)) == 500


def test_a_taker_that_waits_is_woken_by_an_entry_and_by_the_end() -> None:
    buffer = Buffer(10)
    seen: list[list[Entry]] = []
    taker = threading.Thread(target=lambda: seen.extend(iter(lambda: buffer.take(0), [])))
    taker.start()

    buffer.put(outcome())
    buffer.close()
    taker.join(PATIENCE_SECONDS)

    assert seen == [[outcome()]]


def test_a_part_holds_the_same_rows_of_everything() -> None:
    part = scored(10, outputs={"v1": np.arange(10.0)}).part(3, 5)

    assert part.prediction_ids == ["p-3", "p-4"]
    assert part.columns["x"].tolist() == part.outputs["v1"].tolist() == [3, 4]
    assert part.size == len(part.times_us) == len(part.latency_us) == len(part.unit_ids) == len(part.served_by) == 2


def test_a_version_that_did_not_score_some_rows_has_nan_there() -> None:
    both = {"v1": np.array([0.1]), "v2": np.array([0.2])}

    merged = merge([scored(), scored(outputs=both), scored()])

    assert np.array_equal(merged.outputs["v2"], [np.nan, 0.2, np.nan], equal_nan=True)


def test_times_never_go_back_within_a_batch_though_the_clock_did() -> None:
    merged = merge([scored(2, time_us=50), scored(time_us=20), scored(time_us=70)])

    assert merged.times_us.tolist() == [50, 50, 50, 70]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (np.array([1.5]), np.array(["a"]), [1.5, "a"]),
        (np.array([True]), np.array([3]), [True, 3]),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), np.array([1.0]), None),
    ],
)
def test_columns_whose_type_changes_between_calls_keep_their_values(
    first: np.ndarray[Any, Any], second: np.ndarray[Any, Any], expected: list[object] | None
) -> None:
    merged = merge([scored(columns={"x": first}), scored(columns={"x": second})]).columns["x"].tolist()

    assert merged == (expected or [*first.tolist(), *second.tolist()])
    assert [type(one) for one in merged] == [type(one) for one in (*first.tolist(), *second.tolist())]


def test_one_entry_larger_than_a_batch_is_handed_out_alone() -> None:
    large = scored(MAX_BATCH_ROWS + 1)

    assert taken(large, outcome()) == [[large], [outcome()]]
