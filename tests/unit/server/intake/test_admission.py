"""Claims about the way in: rows are numbered, words get codes that no sender can shift, and nonsense is named."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Invalid, ThingMissing
from server.intake import feed
from server.intake.admission import Intake
from server.intake.checks import FUTURE_US, LATENESS_US, NEVER
from server.intake.schema import MOST_CATEGORIES, Feature, Schema
from server.requests import Categories, LabelsBatch, Point, RowsBatch

SCHEMA = Schema(
    task="binary", metric="accuracy",
    features=(Feature(name="x", kind="numeric"), Feature(name="colour", kind="categorical", categories=("red",))),
)  # fmt: skip
NOW_US = 10**15
NAN, INF = float("nan"), float("inf")


def words(*values: str) -> Categories:
    """Give a column as a sender writes it: words in the order of first sight, the empty one for missing."""
    dictionary = list(dict.fromkeys(value for value in values if value))
    codes = [dictionary.index(value) if value else -1 for value in values]
    return Categories(dictionary=dictionary, codes=np.array(codes, dtype=np.int32))


def a_batch(*ids: str, **changes: Any) -> RowsBatch:
    count = len(ids)
    known: dict[str, Any] = {
        "model": "m", "batch_id": "b", "ids": list(ids), "times_us": np.full(count, NOW_US),
        "columns": {"x": np.arange(count) * 1.0, "colour": words(*["red"] * count)},
        "outputs": {"v1": np.ones(count)}, "served": np.zeros(count, dtype=np.uint8), "generation": 1,
    }  # fmt: skip
    return RowsBatch(**{**known, **changes})


def some_labels(*ids: str, **changes: Any) -> LabelsBatch:
    known: dict[str, Any] = {
        "model": "m", "batch_id": "l", "ids": list(ids), "values": np.ones(len(ids)),
        "times_us": np.full(len(ids), NOW_US),
    }  # fmt: skip
    return LabelsBatch(**{**known, **changes})


def intake(*batches: RowsBatch, schema: Schema = SCHEMA) -> Intake:
    """Give an intake that has accepted these batches."""
    made = Intake.of(schema)
    for batch in batches:
        made.take(made.rows(batch, None))
    return made


def refusal(batch: RowsBatch, found: Intake | None = None, now_us: int | None = None) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        (found or intake()).rows(batch, now_us)
    return caught.value.violations[0]


# Rows.


@pytest.mark.parametrize(
    ("task", "classes", "right", "wrong", "what"),
    [
        ("binary", (), 1.0, 1.2, "1.2 at row 1 is not accepted; the probability of class 1, 0 to 1, is"),
        ("binary", (), 0.0, -0.1, "-0.1 at row 1 is not accepted; the probability of class 1, 0 to 1, is"),
        ("multiclass", ("a", "b", "c"), 2.0, 3.0, "3.0 at row 1 is not accepted; an index 0..2 of a class is"),
        ("multiclass", ("a", "b", "c"), NAN, 0.5, "0.5 at row 1 is not accepted; an index 0..2 of a class is"),
    ],
)
def test_an_output_that_the_task_does_not_know_is_named(
    task: str, classes: tuple[str, ...], right: float, wrong: float, what: str
) -> None:
    schema = replace(SCHEMA, task=task, classes=classes)
    good = a_batch("a", "b", outputs={"v1": np.zeros(2), "v2": np.array([right, NAN])})
    bad = a_batch("a", "b", outputs={"v1": np.zeros(2), "v2": np.array([right, wrong])})

    assert intake(good, schema=schema).next_row == 2
    assert refusal(bad, intake(schema=schema)) == ("batch.outputs[v2]", what)


def test_rows_are_numbered_in_the_order_of_acceptance() -> None:
    found = intake(a_batch("a", "b"), a_batch("c"))

    assert found.row_of == {"a": 0, "b": 1, "c": 2}
    assert (found.next_row, found.next_seq) == (3, 3)


def test_a_refused_batch_leaves_nothing_behind() -> None:
    found = intake(a_batch("a"))
    before = (found.next_row, dict(found.row_of), [dict(codes) for codes in found.vocabulary.codes])

    refusal(a_batch("b", "a", columns={"x": np.zeros(2), "colour": words("blue", "blue")}), found)

    assert (found.next_row, found.row_of, found.vocabulary.codes) == before


@pytest.mark.parametrize(
    ("batch", "field", "named"),
    [
        (a_batch(), "batch.prediction_ids", "is empty"),
        (a_batch("a", "b", "a"), "batch.prediction_ids[2]", "'a' stands twice in the batch; each once is accepted"),
        (a_batch("b", "seen"), "batch.prediction_ids[1]", "as row 0; ids that were not are accepted"),
        (a_batch("a", "b", times_us=np.array([NOW_US, NOW_US - 1])), "batch.times_us[1]", "backwards"),
        (
            a_batch("a", times_us=np.array([NOW_US - LATENESS_US - 1])),
            "batch.times_us[0]",
            f"{NOW_US - LATENESS_US} or later is",
        ),
        (a_batch("a", times_us=np.array([-1])), "batch.times_us[0]", "more than a day behind"),
        (a_batch("a", times_us=np.array([1 << 53])), "batch.times_us[0]", f"up to {(1 << 53) - 1} is"),
        (a_batch("a", outputs={}), "batch.outputs", "at least the output"),
        (a_batch("a", outputs={"v1": np.zeros(2)}), "batch.outputs[v1]", "2 values for 1 rows; one a row is accepted"),
        (a_batch("a", outputs={"v1": np.array([INF])}), "batch.outputs[v1]", "infinite at row 0"),
        (a_batch("a", outputs={"v1": np.array([NAN])}), "batch.outputs", "row 0 is NaN; a number is accepted"),
        (a_batch("a", served=np.array([1], dtype=np.uint8)), "batch.served_by", "index into 1 outputs"),
        (a_batch("a", served=np.zeros(2, dtype=np.uint8)), "batch.served_by", "each of 1 rows"),
        (a_batch("a", columns={"x": np.zeros(1)}), "batch.columns", "missing: ['colour']"),
        (a_batch("a", columns={**a_batch("a").columns, "y": np.zeros(1)}), "batch.columns", "unknown: ['y']"),
        (
            a_batch("a", columns={"x": np.zeros(2), "colour": words("red")}),
            "batch.columns[x]",
            "2 values for 1 rows; one a row is",
        ),
        (a_batch("a", columns={"x": np.array([-INF]), "colour": words("red")}), "batch.columns[x]", "infinite"),
        (a_batch("a", columns={"x": words("red"), "colour": words("red")}), "batch.columns[x]", "is numeric"),
        (a_batch("a", columns={"x": np.zeros(1), "colour": np.zeros(1)}), "batch.columns[colour]", "is categorical"),
        (a_batch("a", columns={"x": np.zeros(1), "colour": words()}), "batch.columns[colour]", "0 codes for 1"),
    ],
)
def test_rows_that_make_no_sense_are_refused_by_their_field(batch: RowsBatch, field: str, named: str) -> None:
    where, why = refusal(batch, intake(a_batch("seen")))

    assert where == field
    assert named in why


@pytest.mark.parametrize("code", [-2, 1, 2**31 - 1])
def test_a_code_outside_its_dictionary_is_refused(code: int) -> None:
    stray = Categories(dictionary=["red"], codes=np.array([code], dtype=np.int32))

    where, why = refusal(a_batch("a", columns={"x": np.zeros(1), "colour": stray}))

    assert (where, why) == ("batch.columns[colour]", "a code lies outside -1..0")


def test_the_first_row_may_not_lie_before_time_began() -> None:
    where, why = refusal(a_batch("a", times_us=np.array([-1])))

    assert (where, "is negative" in why) == ("batch.times_us[0]", True)


def test_rows_from_a_little_ahead_are_taken_and_from_the_future_not() -> None:
    ahead = a_batch("a", "b", times_us=np.array([NOW_US, NOW_US + FUTURE_US]))

    assert intake().rows(ahead, NOW_US).count == 2
    assert refusal(ahead, now_us=NOW_US - 1)[0] == "batch.times_us[1]"


def test_a_late_batch_is_taken_and_time_does_not_go_back() -> None:
    found = intake(a_batch("a"), a_batch("b", times_us=np.array([NOW_US - LATENESS_US])))

    assert (found.row_us, found.watermark_us) == (NOW_US, NOW_US)


def test_a_version_that_did_not_serve_may_be_silent() -> None:
    both = {"v1": np.array([0.1, NAN]), "v2": np.array([NAN, 0.2])}

    found = intake().rows(a_batch("a", "b", outputs=both, served=np.array([0, 1], dtype=np.uint8)), None)

    assert found.served_by == ["v1", "v2"]


# Words.


def codes_of(found: Intake, batch: RowsBatch) -> list[float]:
    entry = found.rows(batch, None)
    found.take(entry)
    return [float(code) for code in entry.features[1]]


@given(st.permutations(["blue", "green", "red", "white"]))
def test_the_order_of_a_senders_dictionary_changes_no_code(order: list[str]) -> None:
    column = Categories(dictionary=order, codes=np.array([order.index("white"), order.index("blue")], dtype=np.int32))

    assert codes_of(intake(), a_batch("a", "b", columns={"x": np.zeros(2), "colour": column})) == [2.0, 1.0]


def test_a_word_keeps_its_code_for_ever() -> None:
    found = intake()
    first = codes_of(found, a_batch("a", "b", columns={"x": np.zeros(2), "colour": words("blue", "amber")}))
    later = codes_of(found, a_batch("c", "d", columns={"x": np.zeros(2), "colour": words("aqua", "blue")}))

    assert (first, later) == ([2.0, 1.0], [3.0, 2.0])


def test_a_word_that_no_row_uses_is_not_learned() -> None:
    unused = Categories(dictionary=["blue", "red"], codes=np.array([1], dtype=np.int32))

    found = intake().rows(a_batch("a", columns={"x": np.zeros(1), "colour": unused}), None)

    assert found.categories == {}


def test_a_missing_word_is_missing() -> None:
    assert np.isnan(codes_of(intake(), a_batch("a", columns={"x": np.zeros(1), "colour": words("")}))).all()


def test_words_beyond_the_limit_are_missing_and_the_known_ones_stay() -> None:
    found = intake()
    found.vocabulary.learn(1, [f"w{i}" for i in range(MOST_CATEGORIES - 2)])

    codes = codes_of(found, a_batch("a", "b", "c", columns={"x": np.zeros(3), "colour": words("zz", "aa", "red")}))

    assert codes[1:] == [float(MOST_CATEGORIES - 1), 0.0]
    assert np.isnan(codes[0])


def test_an_intake_that_is_read_again_from_the_feed_is_the_same() -> None:
    batches = [
        a_batch("a", columns={"x": np.zeros(1), "colour": words("blue")}),
        a_batch("b", columns={"x": np.zeros(1), "colour": words("amber")}),
    ]
    first, again = intake(), intake()
    for batch in batches:
        entry = first.rows(batch, None)
        first.take(entry)
        again.take(feed.decode(feed.ROWS, feed.encode(entry)))
    labelled = first.labels(some_labels("b"), None).entry
    points = feed.Points(
        points=[Point(name="rate", time_us=NOW_US + 1, value=0.1, higher_is_worse=True, tolerance=0.2).to_json()]
    )
    for kind, later in ((feed.LABELS, labelled), (feed.METRICS, points)):
        first.take(later)
        again.take(feed.decode(kind, feed.encode(later)))

    assert again == first
    assert first.watermark_us == NOW_US + 1


# Labels.


def test_labels_find_their_rows_in_any_order() -> None:
    found = intake(a_batch("a", "b", "c")).labels(some_labels("c", "a", values=np.array([1.0, 0.0])), None)

    assert (found.entry.rows.tolist(), found.entry.values.tolist(), found.repeated) == ([2, 0], [1.0, 0.0], 0)


def test_a_label_that_is_known_counts_as_repeated() -> None:
    found = intake(a_batch("a", "b"))
    found.take(found.labels(some_labels("a"), None).entry)

    joined = found.labels(some_labels("a", "b"), None)

    assert (joined.entry.rows.tolist(), joined.repeated, found.labelled) == ([1], 1, 1)


def test_a_label_does_not_change() -> None:
    found = intake(a_batch("a"))
    found.take(found.labels(some_labels("a"), None).entry)

    with pytest.raises(Invalid, match=r"labelled 1\.0 already"):
        found.labels(some_labels("a", values=np.zeros(1)), None)


def test_a_label_of_a_prediction_that_was_never_seen_is_named() -> None:
    with pytest.raises(ThingMissing, match="'ghost' was ever ingested for m") as caught:
        intake(a_batch("a")).labels(some_labels("a", "ghost"), None)

    assert caught.value.field == "prediction_ids[1]"


def test_a_refusal_says_of_how_many_more_nothing_is_known() -> None:
    with pytest.raises(ThingMissing, match="of 2 more of the batch as little is known"):
        intake(a_batch("a")).labels(some_labels("ghost", "a", "spectre", "wraith"), None)


def test_where_predictions_may_be_missing_the_others_get_their_labels() -> None:
    found = intake(a_batch("a", "b"))
    found.take(found.labels(some_labels("b"), None).entry)
    times_us = NOW_US + np.array([0, 1, 1, 9])

    labels = some_labels("ghost", "a", "b", "wraith", times_us=times_us, allow_missing=True)
    joined = found.labels(labels, None)

    assert (joined.entry.rows.tolist(), joined.repeated, joined.missing) == ([0], 1, [0, 3])
    assert joined.entry.time_us == NOW_US + 1  # what is not taken moves no time


def test_where_all_predictions_are_missing_no_label_is_taken() -> None:
    joined = intake(a_batch("a")).labels(some_labels("ghost", allow_missing=True), None)

    assert (len(joined.entry.rows), joined.repeated, joined.missing) == (0, 0, [0])


def test_a_label_that_makes_no_sense_is_refused_though_its_prediction_may_be_missing() -> None:
    with pytest.raises(Invalid, match=r"values\[0\]"):
        intake(a_batch("a")).labels(some_labels("ghost", "a", values=np.array([NAN, 1.0]), allow_missing=True), None)


def test_what_may_be_missing_is_part_of_the_content_and_other_batches_have_the_digest_that_they_had() -> None:
    plain = some_labels("a")

    assert plain.digest() == hashlib.sha256(b"a" + np.ones(1).tobytes()).hexdigest()
    assert some_labels("a", allow_missing=True).digest() != plain.digest()


@pytest.mark.parametrize(
    ("batch", "field"),
    [
        (some_labels(), "prediction_ids"),
        (some_labels("a", "a"), "prediction_ids[1]"),
        (some_labels("a", values=np.array([NAN])), "values[0]"),
        (some_labels("a", values=np.array([INF])), "values[0]"),
        (some_labels("a", values=np.array([2.0])), "values"),
        (some_labels("a", values=np.array([0.5])), "values"),
        (some_labels("a", values=np.array([-1.0])), "values"),
        (some_labels("a", times_us=np.array([NOW_US + FUTURE_US + 1])), "times_us[0]"),
    ],
)
def test_labels_that_make_no_sense_are_refused_by_their_field(batch: LabelsBatch, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        intake(a_batch("a")).labels(batch, NOW_US)

    where, why = caught.value.violations[0]
    assert (where, "accepted" in why or why.endswith("is needed")) == (field, True)


@pytest.mark.parametrize(
    ("task", "classes", "value", "taken"),
    [("multiclass", ("a", "b", "c"), 2.0, True), ("multiclass", ("a", "b", "c"), 3.0, False),
     ("regression", (), -7.25, True), ("binary", ("no", "yes"), 1.0, True)],
)  # fmt: skip
def test_what_a_label_may_be_is_the_tasks_to_say(
    task: str, classes: tuple[str, ...], value: float, *, taken: bool
) -> None:
    found = intake(a_batch("a"), schema=replace(SCHEMA, task=task, classes=classes))
    labels = some_labels("a", values=np.array([value]))

    if taken:
        assert found.labels(labels, None).entry.values.tolist() == [value]
    else:
        with pytest.raises(Invalid, match=r"no class; an index 0\.\.2"):
            found.labels(labels, None)


def test_before_anything_came_there_is_no_time() -> None:
    assert (intake().watermark_us, intake().row_us) == (NEVER, NEVER)
