"""Claims about the clock of a stream: gaps, times that stand still, and rows that run behind."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Reference
from monitoring.quality.clock import DIFFER_US, Rhythm, Ticks
from monitoring.quality.inspection import Inspection, judge
from monitoring.quality.lookouts import Findings
from monitoring.quality.seen import Before, Seen
from statemachine.policies.sections import Quality
from statemachine.record.canonical import canonical

Ints = npt.NDArray[np.int64]
REFERENCE, WINDOW, MINUTE, HOUR = 1_000, 50, 60_000_000, 3_600_000_000
POLICY = Quality(looks_for=("clock",))
TIMES = st.lists(st.integers(0, 1 << 53), min_size=1, max_size=60)


def steps(rows: int, seed: int) -> Ints:
    """Give steps of a minute, on average, that rows by chance make."""
    return np.random.default_rng(seed).exponential(MINUTE, rows).astype(np.int64) + 1


def nightly(rows: int) -> Ints:
    """Give steps of ten minutes, and one of twelve hours behind every seventieth row."""
    return np.where(np.arange(rows) % 70 == 69, 12 * HOUR, 10 * MINUTE).astype(np.int64)


def ground() -> tuple[Reference, Profile]:
    rows = np.random.default_rng(1).normal(size=(REFERENCE, 1))
    reference = learn([Column(name="x")], rows, rows[:, 0])
    return reference, profile(reference, rows[:WINDOW], rows[:WINDOW, 0])


def told(times: Ints, policy: Quality = POLICY) -> list[Findings]:
    """Give what is found in the windows of *times* behind the reference, and hold evidence of it against that."""
    reference, found = ground()
    rhythm, windows = Rhythm.of(times[:REFERENCE], WINDOW), list[Seen]()
    for first in range(REFERENCE, len(times) - WINDOW + 1, WINDOW):
        before = int(times[first - 1]), int(times[:first].max())
        ticks = Ticks.of(times[first : first + WINDOW], np.arange(first, first + WINDOW), before, rhythm.late_us)
        windows.append(Seen(start_row=first, profile=found, repeats=0, ticks=ticks))
    watch, each = Inspection.start(reference, None, policy, Before(rhythm=rhythm)), list[Findings]()
    for one in windows:
        watch, now = watch.observe(one)
        each.append([*now])
    inputs = {
        "reference": reference.to_json(), "windows": [one.to_json() for one in windows],
        **Before(rhythm=rhythm).to_json(),
    }  # fmt: skip
    assert [*judge(orjson.loads(canonical(inputs)), policy)] == each[-1]
    return each


def kinds(found: list[Findings]) -> list[set[str]]:
    return [{one.kind for one in some} for some in found]


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_come_by_chance_leave_fewer_gaps_than_the_policy_accepts(seed: int) -> None:
    policy = Quality(looks_for=("clock",), false_alarm_windows=100)

    assert not any(told(np.cumsum(steps(REFERENCE + 400 * WINDOW, seed)), policy))


def test_a_step_that_is_longer_than_the_longest_of_many_is_as_rare_as_its_evidence_says() -> None:
    chance = np.random.default_rng(5)
    rows = 40
    whole = chance.exponential(1.0, (100_000, rows)).max(axis=1)
    beyond = chance.exponential(1.0, 100_000)

    for ratio in (1.0, 1.2):
        assert (beyond > ratio * whole).mean() <= 4 * rows**-ratio


def test_nights_that_the_reference_had_are_no_gaps_and_one_that_lasts_four_times_as_long_is() -> None:
    quiet, broken = nightly(REFERENCE + 10 * WINDOW), nightly(REFERENCE + 10 * WINDOW)
    broken[REFERENCE + 2 * WINDOW + 7] = 48 * HOUR

    assert not any(told(np.cumsum(quiet)))
    (gap,) = [one for some in told(np.cumsum(broken)) for one in some]
    assert (gap.feature, gap.kind, gap.onset_row) == ("@time", "gap", REFERENCE + 2 * WINDOW + 7)
    assert gap.rows == (gap.onset_row,)
    assert gap.told == "172800 s without a row, after steps of up to 43200 s"


def test_times_that_stand_still_are_found_where_those_of_the_reference_did_not() -> None:
    times = np.cumsum(steps(REFERENCE + 6 * WINDOW, 1))
    times[REFERENCE + 2 * WINDOW : REFERENCE + 5 * WINDOW] = times[REFERENCE + 2 * WINDOW]

    found = kinds(told(times))

    assert found[:2] == [set(), set()]
    assert "clock_still" in found[3]


def test_times_that_come_by_the_batch_stand_still_and_are_no_fault() -> None:
    times = np.repeat(np.cumsum(steps((REFERENCE + 6 * WINDOW) // 10, 1) * 10), 10)

    assert not any(told(times))


def test_an_hour_of_another_time_zone_is_found_and_what_clocks_differ_by_is_not() -> None:
    times = np.cumsum(steps(REFERENCE + 6 * WINDOW, 1))
    zone, differing = times.copy(), times.copy()
    zone[REFERENCE + 2 * WINDOW :] -= HOUR
    differing[REFERENCE + 2 * WINDOW :: 2] -= DIFFER_US - MINUTE

    assert kinds(told(zone))[:3] == [set(), set(), {"clock_behind"}]
    assert not [one for one in kinds(told(differing)) if "clock_behind" in one]


def held_back(times: Ints, share: float, seed: int, since: int = 0) -> Ints:
    """Give *times* of which *share* of the rows from *since* on came two hours late."""
    late = (np.random.default_rng(seed).random(len(times)) < share) & (np.arange(len(times)) >= since)
    return np.where(late, times - 2 * HOUR, times)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_rows_that_are_held_back_as_they_were_in_the_reference_are_no_fault(share: float) -> None:
    times = np.cumsum(steps(REFERENCE + 100 * WINDOW, 1))
    found = [kinds(told(one)) for one in (held_back(times, share, 2), held_back(times, share, 2, REFERENCE))]

    assert [sum("clock_behind" in one for one in each) > 50 for each in found] == [False, True]
    assert not any(found[0])


def test_an_hour_of_another_time_zone_is_found_also_where_the_reference_held_rows_back() -> None:
    times = held_back(np.cumsum(steps(REFERENCE + 8 * WINDOW, 1)), 0.1, 2)
    times[REFERENCE + 2 * WINDOW :] -= HOUR

    assert "clock_behind" in set().union(*kinds(told(times))[2:5])


def test_the_rhythm_of_a_reference_in_which_no_row_lay_behind_is_told_as_it_always_was() -> None:
    rhythm = Rhythm.of(np.cumsum(steps(REFERENCE, 1)), WINDOW)

    assert set(rhythm.to_json()) == {"whole", "worst"}
    assert rhythm.tolerated(POLICY)[1] == POLICY.extra_share


def test_a_policy_that_does_not_look_for_faults_of_the_clock_hears_nothing_of_them() -> None:
    times = np.cumsum(steps(REFERENCE + 6 * WINDOW, 1))
    times[REFERENCE + 2 * WINDOW :] += 1_000 * HOUR

    assert not any(told(times, Quality(looks_for=())))


@given(times=TIMES, before=st.tuples(st.integers(0, 1 << 53), st.integers(0, 1 << 53)), late=st.integers(0, 1 << 50))
def test_whatever_comes_ticks_are_those_that_counting_row_by_row_gives(
    times: list[int], before: tuple[int, int], late: int
) -> None:
    last, latest = before
    reached = [latest]
    for one in times:
        reached.append(max(reached[-1], one))
    ahead = [one - most for one, most in zip(times, reached, strict=False)]

    found = Ticks.of(np.array(times), 5 + np.arange(len(times)), before, late)

    assert found.still == sum(a == b for a, b in pairwise([last, *times]))
    assert found.behind == sum(one < -late for one in ahead)
    assert (found.step_us, found.row) == (max(0, *ahead), 5 + ahead.index(max(ahead)))
    assert Ticks.from_json(orjson.loads(canonical(found.to_json()))) == found


@given(times=TIMES)
def test_whatever_the_reference_was_its_rhythm_is_read_back_and_gives_evidence(times: list[int]) -> None:
    rhythm = Rhythm.of(np.array(times), 7)

    assert Rhythm.from_json(orjson.loads(canonical(rhythm.to_json()))) == rhythm
    assert math.isfinite(rhythm.evidence(Ticks(rows=9, still=0, behind=0, step_us=1 << 53, row=0)))
    assert rhythm.evidence(rhythm.whole) == 0
