"""Claims about the inspection of a window: all kinds under one threshold, in a state that evidence can hold."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import orjson
import pytest

from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile, repeated_rows
from monitoring.profiles.reference import FAR_OVER, Column, Reference
from monitoring.quality.faults import QualityFinding, QualityWatch
from monitoring.quality.habits import Habits, learn_habits
from monitoring.quality.inspection import Inspection, judge
from monitoring.quality.seen import Before, Seen
from monitoring.quality.stillness import Stillness
from statemachine.policies.sections import FAULTS, Quality, Rule
from statemachine.record.canonical import canonical

Floats = npt.NDArray[np.float64]
POLICY, WINDOW, REFERENCE = Quality(looks_for=FAULTS), 100, 2_000
COLUMNS = [Column(name="city", kind="categorical", categories=4), Column(name="x"), Column(name="few")]


def rows_of(count: int, seed: int) -> Floats:
    chance = np.random.default_rng(seed)
    return np.column_stack([chance.integers(0, 4, count), chance.normal(20, 3, count), chance.integers(0, 9, count)])


def learned(seed: int = 0) -> tuple[Reference, Habits]:
    rows = rows_of(REFERENCE, seed)
    return learn(COLUMNS, rows, rows[:, 1]), learn_habits(COLUMNS, rows, WINDOW)


def windows_of(rows: Floats, reference: Reference, habits: Habits) -> list[Seen]:
    watch = Inspection.start(reference, habits, POLICY)
    return [
        Seen(
            start_row=first, profile=profile(reference, part, part[:, 1]), repeats=repeated_rows(part, part[:, 1]),
            facts=watch.facts(part, np.arange(first, first + len(part))),
        )
        for first in range(0, len(rows), WINDOW)
        for part in [rows[first : first + WINDOW]]
    ]  # fmt: skip


def with_a_glitch(rows: Floats) -> Floats:
    broken = rows.copy()
    broken[[330, 350], 1] = 9_999.0
    return broken


def with_a_code(rows: Floats, seed: int = 9) -> Floats:
    coded = rows.copy()
    coded[np.random.default_rng(seed).uniform(size=len(rows)) < 0.3, 1] = 20.5
    return coded


def recorded(seen: Seen) -> dict[str, object]:
    facts = {"facts": seen.facts.to_json()} if seen.facts else {}
    told = {"start_row": seen.start_row, "profile": seen.profile.to_json(), "repeats": seen.repeats, **facts}
    return {**told, "rules": [list(one) for one in seen.broken], "resent": seen.resent}


def played(watch: Inspection, windows: list[Seen]) -> list[tuple[QualityFinding, ...]]:
    found = []
    for one in windows:
        watch, now = watch.observe(one)
        found.append(now)
    return found


def test_a_code_within_the_range_is_named_with_its_feature_its_value_and_its_bin() -> None:
    reference, habits = learned()
    rows = np.concatenate([rows_of(300, 1), with_a_code(rows_of(500, 2))])

    found = played(Inspection.start(reference, habits, POLICY), windows_of(rows, reference, habits))

    assert not any(found[:3])
    (fault,) = found[5]
    assert (fault.feature, fault.kind, fault.onset_row) == ("x", "sentinel", 300)
    assert fault.told.startswith("20.5 in ")
    assert fault.slots == (int(reference.features[1].place(np.array([20.5]))[0]),)


def test_a_change_of_unit_is_named_with_its_conversion_and_the_bins_of_its_values() -> None:
    reference, habits = learned()
    rows = rows_of(800, 2)
    rows[300:, 1] = rows[300:, 1] * 1.8 + 32

    found = played(Inspection.start(reference, habits, POLICY), windows_of(rows, reference, habits))

    assert not any(found[:3])
    (fault,) = [one for one in found[5] if one.kind == "unit"]
    assert (fault.feature, fault.onset_row, fault.told) == ("x", 300, "degrees Celsius to Fahrenheit")
    assert set(reference.features[1].place(rows[500:600, 1]).tolist()) >= set(fault.slots)


def test_an_absurd_value_is_named_with_its_rows_and_the_slot_that_counts_them() -> None:
    reference, habits = learned()
    rows = with_a_glitch(rows_of(500, 2))

    found = played(Inspection.start(reference, habits, POLICY), windows_of(rows, reference, habits))

    assert not any(found[:3] + found[4:])
    (fault,) = found[3]
    assert (fault.feature, fault.kind, fault.share, fault.rows) == ("x", "absurd", 0.02, (330, 350))
    assert (fault.onset_row, fault.row, fault.slots) == (330, 400, (FAR_OVER,))
    assert fault.to_json()["rows"] == [330, 350]


def test_nothing_is_reported_of_two_thousand_windows_of_twenty_sound_worlds() -> None:
    loud = 0
    for seed in range(20):
        reference, habits = learned(seed)
        sound = windows_of(rows_of(100 * WINDOW, 1_000 + seed), reference, habits)
        loud += sum(map(bool, played(Inspection.start(reference, habits, POLICY), sound)))

    assert loud <= 1


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_evidence_that_begins_at_any_window_comes_to_what_the_watch_came_to(cut: int) -> None:
    reference, habits = learned()
    windows = windows_of(with_a_glitch(with_a_code(rows_of(400, 2))), reference, habits)
    watch = Inspection.start(reference, habits, POLICY)
    for one in windows[:cut]:
        watch, _ = watch.observe(one)
    inputs = {
        "reference": reference.to_json(), "habits": habits.to_json(), "state": watch.to_json(),
        "windows": [recorded(one) for one in windows[cut:]],
    }  # fmt: skip

    again = judge(orjson.loads(canonical(inputs)), POLICY)

    assert again == played(watch, windows[cut:])[-1]
    assert {one.kind for one in again} == {"sentinel", "absurd"}


def test_what_was_suspected_speaks_again_from_later_windows_alone() -> None:
    reference, habits = learned()
    windows = windows_of(with_a_code(rows_of(400, 2)), reference, habits)
    begun = Inspection.start(reference, habits, POLICY)
    seen = begun
    for one in windows[:2]:
        seen, _ = seen.observe(one)
    anew = seen.anew()
    assert anew is not None

    assert played(begun.restored(anew), windows[2:])[0]
    assert not played(begun.restored(anew), windows_of(rows_of(400, 3), reference, habits))[0]
    assert not played(begun, windows[2:])[0]


def test_rows_that_come_again_are_named_beside_rules_and_what_is_not_counted_says_nothing() -> None:
    reference, habits = learned()
    policy = replace(POLICY, rules=(Rule(name="less", must="few < x"),))
    begun = Inspection.start(reference, habits, policy, Before(broken=((0, REFERENCE),)))
    sound = windows_of(rows_of(300, 2), reference, habits)
    again = [replace(one, broken=((0, 100),), resent=60) for one in sound]
    unknown = [replace(one, resent=None) for one in again]

    found = played(begun, again)

    assert [(one.feature, one.kind, one.share) for one in found[2]] == [("@row", "resent", 0.6)]
    assert not any(played(begun, unknown))
    inputs = {
        "reference": reference.to_json(), "habits": habits.to_json(), "rules": [[0, REFERENCE]],
        "windows": [recorded(one) for one in again],
    }  # fmt: skip
    assert judge(orjson.loads(canonical(inputs)), policy) == found[2]


def test_evidence_of_another_policys_rules_is_judged_without_them() -> None:
    reference, habits = learned()
    windows = [replace(one, broken=((60, 100),)) for one in windows_of(rows_of(300, 2), reference, habits)]
    inputs = {
        "reference": reference.to_json(), "habits": habits.to_json(), "rules": [[0, REFERENCE]],
        "windows": [recorded(one) for one in windows],
    }  # fmt: skip

    assert judge(orjson.loads(canonical(inputs)), POLICY) == ()


@pytest.mark.parametrize("known", [True, False])
def test_a_rule_that_rows_break_is_named_also_where_no_habits_are_known(*, known: bool) -> None:
    reference, habits = learned()
    policy = replace(POLICY, rules=(Rule(name="less", must="few < x"),))
    begun = Inspection.start(reference, habits if known else None, policy, Before(broken=((0, REFERENCE),)))
    windows = [replace(one, broken=((60, 100),)) for one in windows_of(rows_of(300, 2), reference, habits)]
    if not known:
        windows = [replace(one, facts=None) for one in windows]
    inputs = {
        "reference": reference.to_json(), "habits": habits.to_json() if known else None, "rules": [[0, REFERENCE]],
        "state": begun.observe(windows[0])[0].to_json(), "windows": [recorded(one) for one in windows[1:]],
    }  # fmt: skip

    found = played(begun, windows)

    (fault,) = found[2]
    assert (fault.feature, fault.kind, fault.share, fault.onset_row) == ("rule:less", "rule", 0.6, 0)
    assert judge(orjson.loads(canonical(inputs)), policy) == found[2]
    anew = begun.observe(windows[0])[0].anew()
    assert anew is not None
    assert played(begun.restored(anew), windows[1:])[0][0].onset_row == 100


@pytest.mark.parametrize("blind", ["no habits", "no kinds"])
def test_without_habits_or_kinds_to_look_for_counts_are_judged_as_they_always_were(blind: str) -> None:
    reference, habits = learned()
    policy = replace(POLICY, looks_for=() if blind == "no kinds" else POLICY.looks_for)
    watch = Inspection.start(reference, habits if blind == "no kinds" else None, policy)
    counts = QualityWatch.start(reference, policy)
    rows = rows_of(300, 2)
    rows[:, 1] *= 1_000
    for one in windows_of(rows, reference, habits):
        watch, found = watch.observe(one)
        counts, expected = counts.observe(one.start_row, one.profile, one.repeats)

    assert found == expected
    assert found
    assert watch.to_json() == counts.to_json()
    assert watch.anew() is None


def test_a_sensor_that_freezes_waits_the_longer_the_more_is_looked_for_beside_it() -> None:
    rows, still = rows_of(REFERENCE, 0), Stillness(feature=1, record=3, held=299, reached=300)
    policy, before = Quality(looks_for=(), entity="city"), Before(still=(still,))
    references = learned()[0], learn(COLUMNS[:2], rows[:, :2], rows[:, 1])

    of_three, of_two = (Inspection.start(one, None, policy, before).frozen[1] for one in references)

    assert of_three > of_two > still.limit(math.log(policy.false_alarm_windows))


def test_a_rule_that_the_reference_broke_in_clumps_is_judged_by_its_dispersion_live_and_from_evidence() -> None:
    reference, habits = learned()
    policy = replace(POLICY, rules=(Rule(name="less", must="few < x"),))
    plain = Before(broken=((100, REFERENCE),))
    before = replace(plain, dispersion=(8.0,))
    windows = [
        replace(one, broken=((35, 100),), resent=0) for one in windows_of(rows_of(900, 2), reference, habits)
    ]  # fmt: skip
    inputs = {
        "reference": reference.to_json(), "habits": habits.to_json(), **before.to_json(),
        "windows": [recorded(one) for one in windows],
    }  # fmt: skip

    found = played(Inspection.start(reference, habits, policy, before), windows)

    assert Before.from_json(orjson.loads(canonical(before.to_json()))) == before
    assert played(Inspection.start(reference, habits, policy, plain), windows)[1]
    assert not found[1]
    assert [one.feature for one in found[-1]] == ["rule:less"]
    assert judge(orjson.loads(canonical(inputs)), policy) == found[-1]


def test_evidence_of_rules_that_no_clump_broke_is_as_it_always_was() -> None:
    assert Before(broken=((3, REFERENCE),), dispersion=(1.0,)).to_json() == {"rules": [[3, REFERENCE]]}
