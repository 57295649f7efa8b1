"""Labels together: rows that move anew are noted and dated before a law could be learned; what stays is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from monitoring.drift.departures import Departures
from monitoring.drift.watches import DriftWatch
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Column
from server.intake import feed
from server.intake.feed import Floats
from server.intake.schema import NUMERIC, Feature, Schema
from server.judges.table import rule
from server.watching.by_label import Groups
from server.watching.closings import LabelWindow
from server.watching.tape import Tape
from statemachine.policies.policy import Policy

PAST, FEATURES, CLASSES = 320, 8, 4
WINDOW, BLOCK = Policy().windows.rows_for(PAST), Policy().windows.block_for(PAST)
NAMES = [f"f{i}" for i in range(FEATURES)]
RUN_LENGTH = 20
LEFT = {PAST + 2 * WINDOW: PAST + WINDOW}
OFTEN = Policy.from_json({"drift": {"false_alarm_windows": RUN_LENGTH, "together": "always"}})
OFTEN_BEHIND = Policy.from_json({"drift": {"false_alarm_windows": RUN_LENGTH}})  #: a feature that has left
ALWAYS = Policy.from_json({"drift": {"together": "always"}})
Draw = Callable[[np.random.Generator, Floats], Floats]


def _autocorrelated(chance: np.random.Generator, labels: Floats) -> Floats:
    rows = chance.normal(size=(len(labels), FEATURES))
    for i in range(1, len(rows)):
        rows[i] = 0.5 * rows[i - 1] + np.sqrt(0.75) * rows[i]
    return rows


def _joint(chance: np.random.Generator, labels: Floats) -> Floats:
    """Features that have half of what they are in common, and say which label it is."""
    return chance.normal(size=(len(labels), FEATURES)) + chance.normal(size=(len(labels), 1)) + labels[:, None]


def _rarely(chance: np.random.Generator, labels: Floats, share: float) -> Floats:
    return np.asarray(chance.random((len(labels), FEATURES)) < share, dtype=np.float64)


LAWS: dict[str, Draw] = {
    "normal, and alike": _joint,
    "a long tail": lambda chance, labels: chance.standard_t(3, (len(labels), FEATURES)),
    "one value in twenty is another": lambda chance, labels: _rarely(chance, labels, 1 / 20),
    "one value in seven is another": lambda chance, labels: _rarely(chance, labels, 1 / 7),
    "rows that hang together": _autocorrelated,
}  # fmt: skip


def rows_of(law: str, seed: int, windows: int) -> tuple[Floats, Floats]:
    chance, count = np.random.default_rng(seed), PAST + windows * WINDOW
    labels = chance.integers(CLASSES, size=count).astype(float)
    return LAWS[law](chance, labels), labels


def groups_of(rows: Floats, labels: Floats, policy: Policy) -> Groups:
    count, tape = len(rows), Tape(FEATURES)
    tape.take(
        feed.Rows(
            first_row=0, ids=[""] * count, times_us=np.arange(count), features=rows.T.copy(),
            outputs={"v1": np.zeros(count)}, served_by=["v1"], served=np.zeros(count, dtype=np.uint8), generation=0,
        )
    )  # fmt: skip
    tape.label(feed.Labels(rows=np.arange(count), values=labels, time_us=count))
    reference = learn([Column(name=name) for name in NAMES], rows[:PAST], np.zeros(PAST))
    schema = Schema(
        task="multiclass", metric="accuracy", features=tuple(Feature(name=name, kind=NUMERIC) for name in NAMES),
        classes=tuple(map(str, range(CLASSES))),
    )  # fmt: skip
    return Groups(schema, tape, policy, reference, PAST)


def departures_of(rows: Floats) -> dict[int, int]:
    """Give the onset of each departure of all rows by the row at which it is told."""
    reference, found = learn([Column(name=name) for name in NAMES], rows[:PAST], np.zeros(PAST)), dict[int, int]()
    watch = DriftWatch.start(reference, Policy().drift)
    departures = Departures.start(watch.dictionary)
    for first in range(PAST, len(rows) - WINDOW + 1, WINDOW):
        window = profile(reference, rows[first : first + WINDOW], np.zeros(WINDOW))
        departures, told = departures.observe(first, window, Policy().drift)
        if told.verdict == "alarm":
            found[first + WINDOW] = told.onset_row
    return found


def lived(rows: Floats, labels: Floats, policy: Policy, left: dict[int, int] | None = None) -> list[LabelWindow]:
    """Take block by block; at each row of *left* it is told that a feature has left all rows, and since when."""
    groups, found, told_row = groups_of(rows, labels, policy), list[LabelWindow](), 0
    for first in range(PAST, len(rows) - BLOCK + 1, BLOCK):
        for at in [at for at in left or () if first - BLOCK < at <= first]:
            groups.departed((left or {})[at])
            told_row = at
        window = groups.take(np.arange(first, first + BLOCK), told_row)
        if window is not None:
            found.append(window)
            told_row = window.end_row if window.told or window.moved else told_row
    return found


def onsets(windows: list[LabelWindow]) -> list[int]:
    return [window.moved.found.onset_row for window in windows if window.moved]


def sessions(seed: int, starts: tuple[int, ...], windows: int = 50) -> tuple[Floats, Floats]:
    """Give rows that look a little other from each of *starts* on, each class in its own way."""
    rows, labels = rows_of("normal, and alike", seed, windows)
    chance = np.random.default_rng(100 + seed)
    for start in starts:
        ways = chance.normal(scale=0.7, size=(CLASSES, FEATURES))
        rows[start:] += ways[labels[start:].astype(int)]
    return rows, labels


@pytest.mark.parametrize("law", LAWS)
def test_rows_that_do_not_move_are_told_as_rarely_as_is_promised_whatever_their_law(law: str) -> None:
    lives, windows = 4, 60

    told = [onsets(lived(*rows_of(law, seed, windows), OFTEN)) for seed in range(lives)]

    assert sum(map(len, told)) <= lives * windows / RUN_LENGTH


def test_what_comes_behind_a_move_that_was_told_is_told_as_rarely() -> None:
    """The rows behind it were looked at until they said so; none of them is a measure for those to come."""
    lives, windows, moved = 4, 60, PAST + 12 * WINDOW

    told = [onsets(lived(*sessions(seed, (moved,), windows), OFTEN)) for seed in range(lives)]

    assert all(any(abs(onset - moved) <= 2 * WINDOW for onset in some) for some in told)
    assert sum(len(some) - 1 for some in told) <= lives * windows / RUN_LENGTH


def test_rows_that_move_again_and_again_are_told_each_time_and_dated_before_a_law_could_be_learned() -> None:
    """A class has 80 rows in the reference and 48 between two moves, too few to teach what it has become."""
    starts, lives, near = tuple(PAST + 12 * WINDOW * k for k in (1, 2, 3)), 6, 0

    for seed in range(lives):
        told = onsets(lived(*sessions(seed, starts), Policy(), LEFT))
        near += sum(any(abs(onset - start) <= 2 * WINDOW for onset in told) for start in starts)

    assert near >= 0.8 * lives * len(starts)


def test_by_default_none_are_asked_before_a_feature_has_left_all_rows_and_by_never_none_at_all() -> None:
    rows, labels = sessions(1, (PAST + 12 * WINDOW,))
    never = Policy.from_json({"drift": {"together": "never"}})

    assert onsets(lived(rows, labels, ALWAYS)) != []
    assert onsets(lived(rows, labels, Policy())) == []
    assert onsets(lived(rows, labels, never, LEFT)) == []


def test_what_a_group_was_before_all_moved_is_no_law_for_it_any_more() -> None:
    asked = Policy.from_json({"drift": {"by_label": "always", "together": "always"}})

    windows = lived(*sessions(2, (PAST + 12 * WINDOW,)), asked)

    at = next(k for k, window in enumerate(windows) if window.moved)
    assert len(windows[at - 1].parts) == CLASSES
    assert (windows[at].parts, windows[at + 1].parts) == ((), ())


def test_the_judge_tells_from_the_evidence_what_the_watch_found_but_for_what_is_faulty() -> None:
    window = next(one for one in lived(*sessions(3, (PAST + 12 * WINDOW,)), ALWAYS) if one.moved)
    moved = window.moved
    assert moved is not None
    shown = [feature for feature, _ in moved.found.shown]
    inputs = {"at_row": window.end_row, **moved.inputs}

    rulings = [rule("labels_moved@1", {**inputs, "faulty": faulty}, ALWAYS, lambda _: b"")[0] for faulty in ([], shown)]

    assert rulings[0] is not None
    assert (rulings[0].event, rulings[0].payload["detector"]) == ("drift_noted", "labels_moved_t@1")
    assert rulings[0].payload["subject"] == ", ".join(f"{feature} in {name}" for feature, name in moved.found.shown)
    assert rulings[0].payload["onset_row"] == moved.found.onset_row
    assert rulings[1] is None


def test_rows_since_a_feature_left_are_a_measure_for_those_behind_though_they_said_that_it_left() -> None:
    """It is told when they have said so loud enough; rows of the same world behind them are not told to be others."""
    lives, windows, left = 6, 60, PAST + 12 * WINDOW

    told = 0
    for seed in range(lives):
        rows, labels = rows_of("normal, and alike", seed, windows)
        rows[left:, 0] += 1.5
        departed = departures_of(rows)
        assert left - WINDOW <= min(departed.values()) <= left + WINDOW
        told += len(onsets(lived(rows, labels, OFTEN_BEHIND, departed)))

    assert told <= lives * windows / RUN_LENGTH
