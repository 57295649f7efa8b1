"""Claims about drift within segments: each is held against its own rows, and all share one budget of false alarms."""

from __future__ import annotations

import numpy as np

from monitoring.drift.parts import learn_part, shared
from monitoring.drift.watches import DriftWatch
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile
from monitoring.profiles.reference import Column, Floats
from statemachine.policies.policy import Policy

SEGMENTS, FEATURES, REFERENCE, WINDOW = 4, 3, 1_000, 100
SHARE, POLICY = 0.1, Policy.from_json({"drift": {"false_alarm_windows": 1_000}})


def drawn(chance: np.random.Generator, rows: int) -> tuple[np.typing.NDArray[np.int64], Floats, Floats]:
    """Draw segments, features and outputs; what a feature is depends on the segment."""
    rest = 1 - SEGMENTS * SHARE
    where = chance.choice(SEGMENTS + 1, size=rows, p=[*[SHARE] * SEGMENTS, rest])
    return where, chance.normal(size=(rows, FEATURES)) + where[:, None], chance.random(rows)


def alarms(seed: int, windows: int, moved: float = 0.0) -> list[tuple[int, int, str]]:
    """Give the window, segment and feature of each alarm, the first of a segment moving by *moved*."""
    chance = np.random.default_rng(seed)
    where, rows, outputs = drawn(chance, REFERENCE)
    whole, policy = learn([Column(name=f"x{k}") for k in range(FEATURES)], rows, outputs), shared(POLICY, SEGMENTS)
    parts = [learn_part(whole, rows[where == k], outputs[where == k]) for k in range(SEGMENTS)]
    watches, found = [DriftWatch.start(whole, policy, seasons=part) for part in parts], list[tuple[int, int, str]]()
    for window in range(windows):
        where, rows, outputs = drawn(chance, WINDOW)
        rows[where == 0, 0] += moved
        for k in range(SEGMENTS):
            counted = profile(whole, rows[where == k], outputs[where == k])
            watches[k], told = watches[k].observe(window * WINDOW, counted, policy)
            found += [(window, k, str(told.features[0]["name"]))] if told.verdict == "alarm" else []
    return found


def test_steady_segments_keep_one_budget_of_false_alarms() -> None:
    """8 worlds of 60 windows, at 1,000 windows between false alarms: half a one is allowed on average."""
    assert sum(bool(alarms(seed, 60)) for seed in range(8)) <= 1


def test_a_feature_that_moves_in_a_tenth_of_the_rows_is_found_in_its_segment() -> None:
    found = [alarms(seed, 20, moved=1.0)[:1] for seed in range(6)]

    assert sum(bool(each) for each in found) >= 5
    assert {(segment, feature) for each in found for _, segment, feature in each} == {(0, "x0")}


def test_parts_have_the_bins_of_the_whole_and_add_up_to_its_counts() -> None:
    where, rows, outputs = drawn(np.random.default_rng(1), REFERENCE)
    whole = learn([Column(name=f"x{k}") for k in range(FEATURES)], rows, outputs)

    parts = [learn_part(whole, rows[where == k], outputs[where == k]) for k in range(SEGMENTS + 1)]

    assert sum(part.rows[0] for part in parts) == whole.rows
    counts = [count for feature in whole.features for count in feature.counts]
    assert np.sum([part.counts[0] for part in parts], axis=0).tolist() == counts


def test_a_part_of_few_rows_is_not_known() -> None:
    _, rows, outputs = drawn(np.random.default_rng(1), REFERENCE)
    whole = learn([Column(name=f"x{k}") for k in range(FEATURES)], rows, outputs)

    assert learn_part(whole, rows[:49], outputs[:49]).known == []
