"""Groups: rows of one label are held against rows of the same, whatever all rows together look like."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from monitoring.drift.watches import DriftWatch
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Column, Reference
from server.intake import feed
from server.intake.feed import Floats
from server.intake.schema import NUMERIC, Feature, Schema
from server.judges.table import rule
from server.watching.by_label import Groups
from server.watching.closings import LabelWindow
from server.watching.splits import by_label
from server.watching.tape import Tape
from statemachine.policies.policy import Policy

PAST, ROWS = 800, 4_000
NAMES = ["a", "b"]
ALWAYS = Policy.from_json({"drift": {"by_label": "always"}})
APART = Policy.from_json({"drift": {"together": "never"}})  #: groups, each by its own law alone
WINDOW, BLOCK = ALWAYS.windows.rows_for(PAST), ALWAYS.windows.block_for(PAST)
Found = list[tuple[str, str, int]]  #: group, feature, onset


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Rows of two numbers, and their labels, which are all known."""

    rows: Floats
    labels: Floats
    classes: int = 2
    past: int = PAST

    @property
    def reference(self) -> Reference:
        """What the first rows look like."""
        first = self.rows[: self.past]
        return learn([Column(name=name) for name in NAMES], first, np.zeros(self.past))

    @property
    def schema(self) -> Schema:
        """The model's features and classes."""
        classes = tuple(str(code) for code in range(self.classes))
        return Schema(
            task="multiclass",
            metric="accuracy",
            features=tuple(Feature(name=name, kind=NUMERIC) for name in NAMES),
            classes=classes,
        )

    def tape(self) -> Tape:
        """Put all rows and labels on a tape."""
        tape, count = Tape(len(NAMES)), len(self.rows)
        tape.take(
            feed.Rows(
                first_row=0,
                ids=[""] * count,
                times_us=np.arange(count),
                features=self.rows.T.copy(),
                outputs={"v1": np.zeros(count)},
                served_by=["v1"],
                served=np.zeros(count, dtype=np.uint8),
                generation=0,
            )
        )
        tape.label(feed.Labels(rows=np.arange(count), values=self.labels, time_us=count))
        return tape

    def lived(self, policy: Policy = ALWAYS, left_at: int | None = None) -> list[LabelWindow]:
        """Take block by block; from the row *left_at* on, which is told at once, a feature has left all rows."""
        groups, found = Groups(self.schema, self.tape(), policy, self.reference, self.past), list[LabelWindow]()
        told_row, block = 0, policy.windows.block_for(self.past)
        for first in range(self.past, len(self.rows) - block + 1, block):
            if left_at is not None and told_row <= left_at < first:
                groups.departed(left_at)
                told_row = first
            window = groups.take(np.arange(first, first + block), told_row)
            if window is not None:
                found.append(window)
                told_row = window.end_row if window.told else told_row
        return found


def told(windows: list[LabelWindow]) -> Found:
    return [
        (part.name, str(feature["name"]), part.drift.onset_row)
        for window in windows
        for part in window.told
        for feature in part.drift.features
    ]


def world(seed: int, apart: Callable[[int], float], share: Callable[[int], float] = lambda _: 0.5) -> World:
    """Give rows of which `a` tells the two labels *apart* by as much, and labels of which a *share* is 1."""
    chance, numbers = np.random.default_rng(seed), range(ROWS)
    labels = (chance.uniform(size=ROWS) < [share(row) for row in numbers]).astype(float)
    rows = chance.normal(size=(ROWS, len(NAMES)))
    rows[:, 0] += (2 * labels - 1) * [apart(row) for row in numbers]
    return World(rows=rows, labels=labels)


def changed(found: World) -> list[int]:
    """Give the onsets of what all rows together show."""
    reference, watch, onsets = found.reference, DriftWatch.start(found.reference, ALWAYS.drift), []
    for first in range(found.past, ROWS - WINDOW + 1, WINDOW):
        window = profile(reference, found.rows[first : first + WINDOW], np.zeros(WINDOW))
        watch, finding = watch.observe(first, window, ALWAYS.drift)
        onsets += [finding.onset_row] * (finding.verdict == "alarm")
    return onsets


def test_what_moves_one_class_one_way_and_another_the_other_is_told_though_all_rows_look_the_same() -> None:
    turned = world(1, lambda row: 0.75 if row < 2_000 else -0.75)

    found = told(turned.lived())

    assert changed(turned) == []
    assert {(name, feature) for name, feature, _ in found} == {("label=0", "a"), ("label=1", "a")}
    assert min(onset for *_, onset in found) == pytest.approx(2_000, abs=WINDOW)


def test_classes_that_come_in_other_shares_are_no_change_of_any() -> None:
    rarer = world(2, lambda _: 0.75, lambda row: 0.5 if row < 2_000 else 0.1)

    assert changed(rarer) != []
    assert told(rarer.lived()) == []


def test_by_default_nothing_is_held_against_anything_before_a_feature_has_left_all_rows() -> None:
    turned = world(1, lambda row: 0.75 if row < 2_000 else -0.75)

    assert [window.parts for window in turned.lived(Policy())] == [()] * ((ROWS - PAST) // (5 * BLOCK))


def test_what_has_left_may_leave_further_and_is_told() -> None:
    """All rows have left by row 1,200; what the groups have become is learned from there."""
    turned = world(1, lambda row: 0.75 if row < 1_200 else 1.5 if row < 3_000 else 0.0)

    found = told(turned.lived(APART, left_at=1_200))

    assert {(name, feature) for name, feature, _ in found} == {("label=0", "a"), ("label=1", "a")}
    assert min(onset for *_, onset in found) == pytest.approx(3_000, abs=WINDOW)


def test_a_group_to_which_its_features_come_back_is_held_against_what_it_was() -> None:
    windows = [
        world(3, lambda row, end=end: 3.0 if 1_600 <= row < end else 0.75).lived()  # type: ignore[misc]
        for end in (1_800, ROWS)
    ]

    visited, moved = ([window.parts[0].part for window in each] for each in windows)

    assert visited[0] == visited[-1]
    assert moved[0] != moved[-1]


def test_what_began_before_that_of_all_rows_was_told_is_part_of_it_and_is_not_told_again() -> None:
    turned = world(1, lambda row: 0.75 if row < 2_000 else -0.75)
    groups = Groups(turned.schema, turned.tape(), ALWAYS, turned.reference, PAST)
    blocks = [np.arange(first, first + BLOCK) for first in range(PAST, ROWS - BLOCK + 1, BLOCK)]

    windows = [window for rows in blocks if (window := groups.take(rows, ROWS))]

    assert len(windows) == len(turned.lived())
    assert told(windows) == []


def test_what_a_group_has_become_is_learned_of_twice_as_many_rows_as_the_reference_has_at_most() -> None:
    calm = world(1, lambda _: 0.75)
    groups = Groups(calm.schema, calm.tape(), Policy(), calm.reference, PAST)
    for first in range(PAST, ROWS - 5 * BLOCK, BLOCK):
        groups.take(np.arange(first, first + BLOCK), 0)
    groups.departed(PAST)
    windows = [groups.take(np.arange(first, first + BLOCK), 0) for first in range(ROWS - 5 * BLOCK, ROWS, BLOCK)]

    (last,) = [window for window in windows if window]
    learned = {part.name: sum(part.part.rows) for part in last.parts}
    assert learned == {f"label={code}": 2 * int((calm.labels[:PAST] == code).sum()) for code in (0, 1)}


@pytest.mark.parametrize("left_at", [None, 600])
def test_nothing_is_told_too_often_where_classes_have_few_rows(left_at: int | None) -> None:
    """Eight groups of some 75 rows share a run length of 50 windows: 4 x 110 windows allow some nine tellings."""
    asked = {"drift": {"false_alarm_windows": 50.0, "by_label": "after_drift" if left_at else "always"}}
    windows, alarms = 0, 0
    for seed in range(4):
        chance = np.random.default_rng(10 + seed)
        labels = chance.integers(8, size=ROWS).astype(float)
        rows = chance.normal(size=(ROWS, len(NAMES))) + labels[:, None]
        found = World(rows=rows, labels=labels, classes=8, past=600).lived(Policy.from_json(asked), left_at)
        windows += sum(bool(window.parts) for window in found)
        alarms += sum(bool(window.told) for window in found)

    assert windows >= 4 * 60
    assert alarms <= windows / 50 + 3 * math.sqrt(windows / 50)


def test_classes_with_fewer_than_fifty_rows_and_those_beyond_eight_are_watched_among_all_others() -> None:
    many = np.repeat(np.arange(10.0), [90, 80, 100, 49, 70, 95, 85, 75, 86, 70])
    schema = World(rows=np.zeros((0, 2)), labels=many, classes=10).schema
    chance = np.random.default_rng(4)
    labels = np.concatenate([chance.permutation(many), chance.integers(10, size=400)]).astype(float)
    rows = chance.normal(size=(len(labels), len(NAMES)))

    named = [one.name for one in by_label(schema, many, 9)]
    watched = World(rows=rows, labels=labels, classes=10, past=len(many)).lived()

    assert named == [f"label={code}" for code in (0, 1, 2, 4, 5, 6, 7, 8, 9)]
    assert {part.name for window in watched for part in window.parts} == {
        f"label={code}" for code in (0, 1, 2, 4, 5, 6, 7, 8)
    }


def test_amounts_are_told_apart_by_fifths_of_the_reference_and_ties_are_one() -> None:
    schema = Schema(task="regression", metric="mae", features=(Feature(name="a", kind=NUMERIC),))

    names = [
        [one.name for one in by_label(schema, labels, 8)] for labels in (np.arange(100.0), np.repeat([1.0, 2.0], 50))
    ]

    assert names[0] == ["label<20", "20<=label<40", "40<=label<60", "60<=label<80", "label>=80"]
    assert names[1] == ["label<1", "1<=label<2", "label>=2"]


def test_the_judge_tells_from_the_evidence_what_the_watch_found_but_for_what_is_faulty() -> None:
    turned = world(1, lambda row: 0.75 if row < 2_000 else -0.75)
    window = next(one for one in turned.lived() if one.told)
    inputs = {
        "at_row": window.end_row, "reference": turned.reference.to_json(), "groups": window.groups,
        "parts": [part.to_json() for part in window.told],
    }  # fmt: skip

    rulings = [
        rule("label_drift_note@1", {**inputs, "faulty": faulty}, ALWAYS, lambda _: b"")[0] for faulty in ([], ["a"])
    ]

    assert rulings[0] is not None
    assert rulings[0].event == "drift_noted"
    assert rulings[0].payload["detector"] == "label_departures@1"
    assert rulings[0].payload["subject"] == ", ".join(f"a in {part.name}" for part in window.told)
    assert rulings[0].payload["onset_row"] == min(part.drift.onset_row for part in window.told)
    assert rulings[1] is None
