"""Departures: each feature is told when it leaves, whatever left before it, and again only after it was back."""

from __future__ import annotations

import numpy as np
import orjson
from numpy.typing import NDArray

from monitoring.drift.departures import Departures
from monitoring.drift.dictionary import Dictionary
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import OUTPUT, Column, Reference

Floats = NDArray[np.float64]
POLICY = DriftThresholds()
COLUMNS = [Column(name="a"), Column(name="b"), Column(name="c")]
REFERENCE_ROWS, WINDOW = 2_000, 100


def rows_of(windows: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(windows * WINDOW, len(COLUMNS)))


def reference_of(seed: int) -> Reference:
    rows = rows_of(REFERENCE_ROWS // WINDOW, seed)
    return learn(COLUMNS, rows, rows[:, 0])


def profiles(reference: Reference, rows: Floats, outputs: Floats | None = None) -> list[Profile]:
    served = rows[:, 0] if outputs is None else outputs
    return [profile(reference, rows[at : at + WINDOW], served[at : at + WINDOW]) for at in range(0, len(rows), WINDOW)]


def started(reference: Reference) -> Departures:
    return Departures.start(Dictionary.of(reference, POLICY.tolerance))


def observed(watch: Departures, windows: list[Profile], policy: DriftThresholds = POLICY) -> list[DriftFinding]:
    found = []
    for number, window in enumerate(windows):
        watch, finding = watch.observe(number * WINDOW, window, policy)
        found.append(finding)
    return found


def told(found: list[DriftFinding]) -> list[tuple[str, int]]:
    """Give what left, and since when."""
    return [(str(f["name"]), one.onset_row) for one in found if one.verdict == "alarm" for f in one.features]


def moved(windows: int, seed: int, **spans: tuple[int, int]) -> Floats:
    """Give rows of which each named column is three deviations away in a span of windows."""
    rows = rows_of(windows, seed)
    for name, (first, end) in spans.items():
        rows[first * WINDOW : end * WINDOW, "abc".index(name)] += 3.0
    return rows


def test_a_feature_that_left_hides_no_other_as_it_does_from_a_watch_over_one_change() -> None:
    reference = reference_of(1)
    windows = profiles(reference, moved(20, 2, a=(5, 20), b=(12, 20)), rows_of(20, 3)[:, 0])
    watch, hidden = DriftWatch.start(reference, POLICY), []
    for number, window in enumerate(windows):
        watch, finding = watch.observe(number * WINDOW, window, POLICY)
        hidden += [finding.onset_row] * (finding.verdict == "alarm")

    found = told(observed(started(reference), windows))

    assert found == [("a", 500), ("b", 1_200)]
    assert hidden == [500]


def test_a_feature_is_told_once_while_it_is_away_and_again_when_it_was_back() -> None:
    reference, rows = reference_of(1), moved(40, 2, b=(5, 20))
    rows[3_000:, 1] += 3.0

    found = told(observed(started(reference), profiles(reference, rows)))

    assert found == [("b", 500), ("b", 3_000)]


def test_what_began_before_the_last_that_was_told_is_part_of_it() -> None:
    """A small shift that needs many windows begins with a large one that needs one."""
    reference, rows = reference_of(1), moved(40, 2, a=(5, 40))
    rows[500:, 1] += 0.35

    windows, watch = profiles(reference, rows, rows_of(40, 3)[:, 0]), started(reference)
    found = told(observed(watch, windows))
    for number, window in enumerate(windows):
        watch, _ = watch.observe(number * WINDOW, window, POLICY)

    assert found == [("a", 500)]
    assert [alternative >= 0 for alternative in watch.accused] == [True, True, False, False]


def test_what_is_away_from_the_first_row_on_is_told() -> None:
    reference = reference_of(1)

    assert told(observed(started(reference), profiles(reference, moved(8, 2, a=(0, 8))))) == [("a", 0)]


def test_a_window_without_rows_changes_nothing() -> None:
    reference, rows = reference_of(1), moved(8, 2, a=(3, 8), b=(6, 8))
    [empty], watch = [profile(reference, rows[:0], rows[:0, 0])], started(reference)
    for number, window in enumerate(profiles(reference, rows)):
        watch, _ = watch.observe(number * WINDOW, window, POLICY)
        same, finding = watch.observe((number + 1) * WINDOW, empty, POLICY)

        assert same.to_json() == watch.to_json()
        assert (finding.verdict, finding.log_evidence, finding.onset_row) == ("none", 0.0, -1)


def test_a_reference_too_small_to_know_any_change_tells_none() -> None:
    few = rows_of(1, 1)[:10]
    reference = learn(COLUMNS, few, few[:, 0])

    assert started(reference).dictionary.names == ((),) * 4
    assert told(observed(started(reference), profiles(reference, moved(8, 2, a=(3, 8))))) == []


def test_what_a_model_puts_out_is_no_feature() -> None:
    reference, rows = reference_of(1), rows_of(20, 2)

    found = observed(started(reference), profiles(reference, rows, rows[:, 0] + 5.0))

    assert OUTPUT in [one.name for one in reference.features]
    assert told(found) == []


def test_nothing_is_told_too_often_where_nothing_leaves() -> None:
    """A run length of 50 windows allows 40 departures in 2,000 windows, and chance some twenty more."""
    policy, windows = DriftThresholds(false_alarm_windows=50.0), 0
    for seed in range(20):
        reference = reference_of(100 + seed)
        found = observed(started(reference), profiles(reference, rows_of(100, 200 + seed)), policy)
        windows += sum(one.verdict == "alarm" for one in found)

    assert windows <= 60


def test_a_state_that_was_written_goes_on_to_the_same_finding() -> None:
    reference = reference_of(1)
    windows, kept, fresh = profiles(reference, moved(8, 2, a=(3, 8), b=(6, 8))), started(reference), started(reference)
    for number, window in enumerate(windows):
        restored = fresh.restored(orjson.loads(orjson.dumps(kept.to_json())))
        kept, finding = kept.observe(number * WINDOW, window, POLICY)
        again = restored.observe(number * WINDOW, window, POLICY)

        assert again[1] == finding
        assert again[0].to_json() == kept.to_json()


def test_a_watch_and_departures_that_share_the_evidence_of_a_window_say_what_each_says_by_itself() -> None:
    reference = reference_of(1)
    windows = profiles(reference, moved(40, 2, a=(5, 20), b=(12, 40)), rows_of(40, 3)[:, 0])
    watch, departures, verdicts = DriftWatch.start(reference, POLICY), started(reference), set[str]()
    for number, window in enumerate(windows):
        shown = number * WINDOW, window, POLICY
        evidence = watch.dictionary.evidence([window.counts])
        alone, apart = watch.observe(*shown), departures.observe(*shown)
        watch, drift = watch.observe(*shown, evidence)
        departures, departed = departures.observe(*shown, evidence)
        verdicts |= {drift.verdict, departed.verdict}
        bits = orjson.dumps([each.to_json() for each in (watch, drift, departures, departed)])

        assert bits == orjson.dumps([each.to_json() for each in (*alone, *apart)])
    assert verdicts >= {"none", "alarm", "confirmed"}
    assert departures.away
