"""Claims about labels that stay away: when it is a fault, of which class, and what evidence holds of it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.drift.suspicions import Suspicion
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Reference
from monitoring.quality.inspection import Inspection, judge
from monitoring.quality.labels import Labelled, Labelling
from monitoring.quality.lookouts import Findings
from monitoring.quality.seen import Before, Seen
from statemachine.policies.sections import Quality
from statemachine.record.canonical import canonical

Floats = npt.NDArray[np.float64]
REFERENCE, WINDOW, NAMES = 2_000, 100, ("no", "yes")
POLICY = Quality(looks_for=("labels",))


def labels_of(rows: int, seed: int, *, share: float = 0.3, missing: float = 0.1) -> Floats:
    chance = np.random.default_rng(seed)
    found = (chance.uniform(size=rows) < share).astype(np.float64)
    found[chance.uniform(size=rows) < missing] = np.nan
    return found


def ground() -> tuple[Reference, Profile]:
    rows = np.random.default_rng(1).normal(size=(REFERENCE, 1))
    reference = learn([Column(name="x")], rows, rows[:, 0])
    return reference, profile(reference, rows[:WINDOW], rows[:WINDOW, 0])


def seen(labels: Floats, found: Profile) -> list[Seen]:
    """Give windows, each beside the labels that were due when it ended."""
    return [
        Seen(
            start_row=first + WINDOW, profile=found, repeats=0,
            labels=Labelled.of(first, labels[first : first + WINDOW], len(NAMES)),
        )
        for first in range(0, len(labels), WINDOW)
    ]  # fmt: skip


def begun(reference: Reference, labels: Floats, policy: Quality = POLICY) -> Inspection:
    before = Before(labelling=Labelling.of(labels, NAMES, WINDOW))
    return Inspection.start(reference, None, policy, before)


def played(watch: Inspection, windows: list[Seen]) -> list[Findings]:
    found = []
    for one in windows:
        watch, now = watch.observe(one)
        found.append([*now])
    return found


def test_labels_that_come_as_they_did_are_a_fault_in_fewer_windows_than_the_policy_accepts() -> None:
    reference, found = ground()
    policy, loud = Quality(looks_for=("labels",), false_alarm_windows=100), 0
    for seed in range(10):
        watch = begun(reference, labels_of(REFERENCE, seed), policy)
        loud += sum(map(bool, played(watch, seen(labels_of(100 * WINDOW, 100 + seed), found))))

    assert loud <= 1_000 / policy.false_alarm_windows


def test_labels_of_fewer_rows_are_told_with_their_share_and_their_first_row() -> None:
    reference, found = ground()
    labels = labels_of(800, 3)
    labels[300:][np.random.default_rng(4).uniform(size=500) < 0.5] = np.nan

    told = played(begun(reference, labels_of(REFERENCE, 2)), seen(labels, found))

    assert not any(told[:3])
    (fault,) = told[4]
    assert (fault.feature, fault.kind, fault.onset_row, fault.rows) == ("@label", "labels", 300, ())
    assert fault.told == f"{fault.share:.0%} of 100 rows have none"


def test_a_class_that_comes_no_more_is_named_though_no_fewer_rows_have_labels() -> None:
    reference, found = ground()
    labels = labels_of(800, 3)
    labels[300:][labels[300:] == 1] = 0

    told = played(begun(reference, labels_of(REFERENCE, 2)), seen(labels, found))

    assert not any(told[:3])
    (fault,) = told[4]
    assert (fault.kind, fault.onset_row, fault.told) == ("label_class", 300, "0 of 100 rows are yes")


def test_half_as_many_labels_of_a_class_are_tolerated_and_as_few_as_any_window_of_the_reference_had() -> None:
    whole = Labelled(first_row=0, due=1_000, missing=100, classes=(630, 270))
    calm = Labelling(names=NAMES, whole=whole, worst=((12, 100), (35, 90), (65, 90)))
    wild = Labelling(names=NAMES, whole=whole, worst=((30, 100), (35, 90), (81, 90)))

    tolerated = [[one.tolerated for one in each.streams(POLICY) if one] for each in (calm, wild)]

    assert tolerated == [pytest.approx([0.2, 0.65, 0.85]), pytest.approx([0.3, 0.65, 0.9])]


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_a_class_that_is_rarer_or_commoner_than_it_was_has_not_stopped(share: float) -> None:
    reference, found = ground()
    policy = Quality(looks_for=("labels",), false_alarm_windows=100)

    told = played(begun(reference, labels_of(REFERENCE, 2), policy), seen(labels_of(4_000, 3, share=share), found))

    assert sum(map(bool, told)) == 0


def test_a_class_that_was_away_for_a_window_of_the_reference_may_be_away() -> None:
    reference, found = ground()
    past = labels_of(REFERENCE, 2, missing=0)
    past[:WINDOW] = 0

    told = played(begun(reference, past), seen(np.zeros(2_000), found))

    assert not any(told)


def test_a_policy_that_does_not_look_for_labels_hears_nothing_of_them() -> None:
    reference, found = ground()

    told = played(begun(reference, labels_of(REFERENCE, 2), Quality(looks_for=())), seen(np.full(900, np.nan), found))

    assert not any(told)


def test_evidence_comes_to_what_the_watch_came_to() -> None:
    reference, found = ground()
    past, windows = labels_of(REFERENCE, 2), seen(labels_of(600, 3, missing=0.7), found)
    watch = begun(reference, past)
    middle, _ = watch.observe(windows[0])
    inputs = {
        "reference": reference.to_json(), "state": middle.to_json(), "windows": [one.to_json() for one in windows[1:]],
        **Before(labelling=Labelling.of(past, NAMES, WINDOW)).to_json(),
    }  # fmt: skip

    again = judge(orjson.loads(canonical(inputs)), POLICY)

    assert [*again] == played(watch, windows)[-1]
    assert again


def test_the_evidence_of_a_class_has_a_mean_of_one_at_most_where_it_comes_as_is_tolerated() -> None:
    """By the likelihood ratio's own definition, summed over all counts of a window (Wald 1945)."""
    rate, rows = 0.85, 40
    counts = np.arange(rows + 1)
    chances = np.array([math.comb(rows, int(k)) * rate**k * (1 - rate) ** (rows - k) for k in counts])
    one = Suspicion(value=0.0, tolerated=rate, since=0, sums=(0,))
    gains = np.array([one.after(int(k), rows, 1 << 40).sums[0] for k in counts]) / (1 << 20)

    assert (chances * np.exp(gains)).sum() <= 1.0 + 1e-3


@given(
    labels=st.lists(st.sampled_from([0.0, 1.0, 2.0, math.nan]), max_size=80), classes=st.sampled_from([0, 3]),
    cut=st.integers(0, 80),
)  # fmt: skip
def test_whatever_comes_parts_add_up_to_the_whole(labels: list[float], classes: int, cut: int) -> None:
    values = np.array(labels, dtype=np.float64)
    whole, parts = Labelled.of(7, values, classes), [Labelled.of(7, part, classes) for part in np.split(values, [cut])]

    assert whole.shares == tuple(
        (sum(bad for bad, _ in some), sum(known for _, known in some))
        for some in zip(*(one.shares for one in parts), strict=True)
    )
    assert Labelled.from_json(orjson.loads(canonical(whole.to_json()))) == whole
    assert whole.missing == sum(map(math.isnan, labels))
