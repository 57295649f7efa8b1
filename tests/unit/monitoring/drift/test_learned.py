"""Claims about shapes: what was learned is bet on, and is quiet about what does not matter and what chance makes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import orjson
import pytest
from scipy.signal import lfilter
from scipy.stats import chi2

from monitoring.drift.groups import GROUPS, Groups
from monitoring.drift.learned import LearnedWatch, cut, given_up, run_length
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import FIRST_BIN, Column, Floats, Ints, Reference
from monitoring.profiles.zone import ratios

PAST, ROWS = 20_000, 500
POLICY = DriftThresholds()
SHAPES = ("spike", "hollow", "moved")
Change = Callable[[Floats], Floats]  #: from the shares of 64 bins to others


def past(seed: int, features: int = 3) -> Reference:
    rows = np.random.default_rng(seed).normal(size=(PAST, features + 1))
    return learn([Column(name=f"x{k}") for k in range(features)], rows[:, :-1], rows[:, -1])


def expected(reference: Reference) -> list[Floats]:
    """Give the shares of the law that the references are drawn from: of each bin of a normal value."""
    cumulative = np.vectorize(lambda edge: 0.5 + math.erf(edge / math.sqrt(2)) / 2)
    found = []
    for one in reference.features:
        between = np.diff(cumulative([-math.inf, *one.edges, math.inf]))
        found.append(np.concatenate([np.zeros(FIRST_BIN), between]))
    return found


def drawn(reference: Reference, seed: int, windows: int, change: Change | None = None, rows: int = ROWS) -> list[Ints]:
    """Draw the counts of windows; *change* takes the shares of the first feature's bins."""
    rng, laws = np.random.default_rng([7, seed]), expected(reference)
    if change is not None:
        laws[0][FIRST_BIN:] = change(laws[0][FIRST_BIN:])
    return [np.concatenate([rng.multinomial(rows, law) for law in laws]).astype(np.int64) for _ in range(windows)]


def spike(p: Floats) -> Floats:
    """Let 6 % of the values be the median, as those who fill in missing ones do."""
    return np.asarray(0.94 * p + 0.06 * (np.arange(len(p)) == len(p) // 2))


def hollow(p: Floats) -> Floats:
    """Move three tenths of the middle quarter to both of its sides."""
    at = np.arange(len(p))
    middle, beside = (at >= 24) & (at < 40), ((at >= 12) & (at < 24)) | ((at >= 40) & (at < 52))
    return np.asarray(np.where(middle, 0.7 * p, p) + beside * 0.3 * p[middle].sum() / beside.sum())


def moved(p: Floats) -> Floats:
    """Move half of one eighth of the values to another eighth."""
    at = np.arange(len(p))
    source, target = (at >= 8) & (at < 16), (at >= 32) & (at < 40)
    return np.asarray(np.where(source, 0.5 * p, p) + target * 0.5 * p[source].sum() / target.sum())


def followed(
    watch: LearnedWatch, windows: list[Ints], policy: DriftThresholds = POLICY
) -> tuple[LearnedWatch, list[DriftFinding]]:
    told = []
    for number, counts in enumerate(windows):
        watch, found = watch.observe(number * ROWS, Profile(ROWS, counts), policy)
        told.append(found)
    return watch, told


def verdicts(told: list[DriftFinding]) -> list[str]:
    return [one.verdict for one in told if one.verdict != "none"]


@pytest.mark.parametrize(
    ("change", "words"), [(spike, "more in -0.0"), (hollow, "less in -0.3"), (moved, "shape: ")], ids=SHAPES
)
def test_a_shape_is_seen_named_and_confirmed_that_the_dictionary_sees_late_or_never(change: Change, words: str) -> None:
    reference = past(1)
    windows, watch = [*drawn(reference, 1, 8), *drawn(reference, 2, 40, change)], DriftWatch.start(reference, POLICY)
    _, told = followed(LearnedWatch.start(reference), windows)
    named = []
    for number, counts in enumerate(windows):
        watch, found = watch.observe(number * ROWS, Profile(ROWS, counts), POLICY)
        named += [number] * (found.verdict == "alarm")

    alarm = next(one for one in told if one.verdict == "alarm")

    assert verdicts(told) == ["alarm", "confirmed"]
    assert alarm.features[0]["name"] == "x0"
    assert words in str(alarm.features[0]["change"])
    assert 8 * ROWS <= alarm.row <= 30 * ROWS
    assert named == [] or named[0] >= alarm.row // ROWS


def test_what_has_come_back_is_cleared_and_a_blip_of_two_windows_is_not_confirmed() -> None:
    found = []
    for seed in range(10):
        reference = past(seed)
        blip = drawn(reference, 20 + seed, 2, lambda p: spike(spike(spike(p))))
        windows = [*drawn(reference, seed, 4), *blip, *drawn(reference, 40 + seed, 30)]
        found.append(verdicts(followed(LearnedWatch.start(reference), windows)[1]))

    assert ["alarm", "cleared"] in found
    assert not any("confirmed" in one for one in found)


@pytest.mark.parametrize("tolerance", [0.0, 0.005, 0.02])
def test_false_alarms_are_rarer_than_is_promised_whatever_the_tolerance(tolerance: float) -> None:
    """10 references of 200 windows each: at a promise of one in 100 windows some twenty are allowed."""
    policy, alarms = DriftThresholds(false_alarm_windows=10.0, tolerance=tolerance), 0
    for seed in range(10):
        reference = past(100 + seed)
        _, told = followed(LearnedWatch.start(reference), drawn(reference, seed, 200), policy)
        alarms += verdicts(told).count("alarm")

    assert run_length(policy) == 100
    assert alarms <= 20


@pytest.mark.parametrize("world", ["tied", "dependent"])
def test_false_alarms_are_as_rare_where_values_are_tied_or_rows_depend_on_each_other(world: str) -> None:
    policy, alarms = DriftThresholds(false_alarm_windows=10.0, tolerance=0.0), 0
    for seed in range(5):
        rng = np.random.default_rng([8, seed])
        dependent = lfilter([1.0], [1.0, -0.3], rng.normal(size=(24_000, 3)), axis=0)
        rows: Floats = np.asarray(rng.poisson(1.0, (24_000, 3)) * 1.0 if world == "tied" else dependent)
        reference = learn([Column(name="a"), Column(name="b")], rows[:4_000, :-1], rows[:4_000, -1])
        watch = LearnedWatch.start(reference)
        for first in range(4_000, 24_000, 200):
            some = rows[first : first + 200]
            watch, found = watch.observe(first, profile(reference, some[:, :-1], some[:, -1]), policy)
            alarms += found.verdict == "alarm"

    assert alarms <= 5


@pytest.mark.parametrize("change", [spike, hollow, moved], ids=SHAPES)
def test_a_change_as_large_as_is_tolerated_raises_nothing_however_many_rows_show_it(change: Change) -> None:
    reference, rows = past(3), 10_000_000
    law = expected(reference)[0][FIRST_BIN:]
    off = change(law) - law
    within = 0.02 / (np.abs(off).sum() / 2)  # of the change is 0.02 in total variation

    watch, policy, told = LearnedWatch.start(reference), DriftThresholds(tolerance=0.02), []
    for number, counts in enumerate(drawn(reference, 4, 50, lambda p: p + within * off, rows)):
        watch, found = watch.observe(number * rows, Profile(rows, counts), policy)
        told.append(found)

    assert verdicts(told) == []


def test_what_was_learned_is_cut_as_any_alternative_is() -> None:
    rng = np.random.default_rng(5)
    p, q = rng.dirichlet(np.ones(9), 50), rng.dirichlet(np.ones(9), 50)
    p[0] = q[0]
    none = np.zeros((50, 2))

    found = cut(np.hstack([p, none]), np.hstack([q, none]), 0.1)

    for mine, before, after in zip(found, p, q, strict=True):
        assert mine[:9] == pytest.approx(ratios(before.tolist(), after.tolist(), 0.1) or (1.0,) * 9)


def test_evidence_of_the_error_of_a_reference_is_given_up_in_whatever_direction_it_is() -> None:
    """Of the laws whose chi-square distance is the most that is allowed, the worst for what was learned is tight."""
    groups, rng = Groups.of(past(6)), np.random.default_rng(6)
    p, q = groups.shares, rng.dirichlet(np.full(GROUPS + 1, 40.0), len(groups.shares))
    roots = np.sqrt(cut(p, q, 0.0))
    direction = roots - (p * roots).sum(axis=1, keepdims=True)
    radius = groups.errors * np.sqrt(groups.spreads / groups.reference.rows)
    worst = p * (1 + radius[:, None] * direction / np.sqrt((p * direction**2).sum(axis=1, keepdims=True)))

    sharp, zoned = given_up(groups, roots**2, 0.0), given_up(groups, cut(p, q, 0.02), 0.02)
    found = np.sqrt(cut(p, q, 0.02))
    farther = worst + 0.02 * ((found == found.max(axis=1)[:, None]) * 1.0 - (found == found.min(axis=1)[:, None]))

    assert np.maximum((worst * roots).sum(axis=1), 1.0) == pytest.approx(sharp)
    assert bool(((farther * found).sum(axis=1) <= zoned + 1e-9).all())


def test_a_state_that_was_written_goes_on_to_the_same_finding() -> None:
    reference = past(1)
    watch = fresh = LearnedWatch.start(reference)
    for number, counts in enumerate(
        [*drawn(reference, 1, 4), *drawn(reference, 2, 30, spike), *drawn(reference, 3, 20)]
    ):
        window, restored = Profile(ROWS, counts), fresh.restored(orjson.loads(orjson.dumps(watch.to_json())))
        watch, found = watch.observe(number * ROWS, window, POLICY)
        after, again = restored.observe(number * ROWS, window, POLICY)

        assert again == found
        assert after.to_json() == watch.to_json()


def test_groups_hold_every_slot_once_and_are_about_equal() -> None:
    chance = np.random.default_rng(9)
    rows = np.column_stack([chance.normal(size=2_000), chance.choice(30, 2_000), chance.poisson(0.5, 2_000)])
    columns = [Column(name="a"), Column(name="b", kind="categorical", categories=30), Column(name="c")]
    reference = learn(columns, rows, rows[:, 0])

    groups = Groups.of(reference)
    counted = groups.counted(np.concatenate([np.array(one.counts) for one in reference.features]))

    assert counted.sum(axis=1).tolist() == [2_000] * 4
    assert counted[0, :GROUPS].min() >= 60
    assert groups.shares.sum(axis=1) == pytest.approx(1.0)


def test_a_reference_may_be_off_in_as_many_directions_as_a_feature_has_groups_less_one() -> None:
    """By the law of chi-square itself: one reference of a thousand is farther off."""
    chance = np.random.default_rng(9)
    rows = np.column_stack([chance.normal(size=2_000), np.arange(2_000) % 4])
    reference = learn([Column(name="a"), Column(name="b", kind="categorical", categories=4)], rows, rows[:, 0])

    errors = Groups.of(reference).errors[:2]

    groups = (Groups.of(reference).shares[:2] > 0).sum(axis=1)
    assert groups[0] > groups[1]
    assert errors**2 == pytest.approx(chi2.isf(0.001, groups - 1), rel=0.03)


def test_what_moved_is_told_in_values_categories_or_their_want() -> None:
    chance = np.random.default_rng(9)
    rows = np.column_stack([chance.permutation(np.arange(6_400.0)), chance.permutation(np.arange(6_400) % 4)])
    reference = learn([Column(name="a"), Column(name="b", kind="categorical", categories=4)], rows, rows[:, 0])
    groups = Groups.of(reference)

    def told(feature: int, **more: int) -> str:
        counts = np.where(groups.shares[feature] > 0.001, 400, 0)
        for at, count in more.items():
            counts[int(at[1:])] += count
        return groups.moved(feature, counts)

    assert told(0, g3=300, g4=300) == "shape: more in 1200 to 2000"
    assert told(0, g15=-300) == "shape: less from 6000 on"
    assert told(0, g0=-300) == "shape: less below 400"
    assert told(0, g16=100) == "shape: more without a known value"
    assert told(1, g2=300) == "shape: more of category 2"
