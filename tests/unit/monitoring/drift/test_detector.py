import math
from functools import cache

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from monitoring.drift.assumptions import assumptions
from monitoring.drift.detector import judge
from monitoring.drift.dictionary import Dictionary
from monitoring.drift.evidence import e_bh
from monitoring.drift.promises import DriftThresholds
from monitoring.drift.watches import DriftFinding, DriftWatch
from monitoring.profiles.alternatives import FINER, FIRST, NATS, Spacing, ladder, shares
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Column, Reference

Floats = NDArray[np.float64]
POLICY = DriftThresholds()
COLUMNS = [Column(name="a"), Column(name="b"), Column(name="c", kind="categorical", categories=6)]
REFERENCE_ROWS, WINDOW = 2_000, 100


def rows_of(n: int, seed: int, rho: float = 0.0) -> Floats:
    generator = np.random.default_rng(seed)
    noise = generator.normal(size=(n, 2))
    for t in range(1, n if rho else 0):
        noise[t] = rho * noise[t - 1] + math.sqrt(1 - rho**2) * noise[t]
    return np.column_stack([noise, generator.integers(0, 6, n)])


def split(seed: int, windows: int, rho: float = 0.0) -> tuple[Reference, Floats]:
    """Give a reference and the rows that follow it in the same stream."""
    rows = rows_of(REFERENCE_ROWS + windows * WINDOW, seed, rho)
    return learn(COLUMNS, rows[:REFERENCE_ROWS], rows[:REFERENCE_ROWS, 0]), rows[REFERENCE_ROWS:]


def watched(reference: Reference, rows: Floats) -> list[DriftFinding]:
    watch, found = DriftWatch.start(reference, POLICY), []
    for start in range(0, len(rows), WINDOW):
        part = rows[start : start + WINDOW]
        watch, finding = watch.observe(start, profile(reference, part, part[:, 0]), POLICY)
        found.append(finding)
    return found


def tables(dictionary: Dictionary) -> list[NDArray[np.int64]]:
    """Give what a row in each slot is evidence of, (slots, alternatives), by feature."""
    starts = dictionary.reference.starts
    rows = dictionary.evidence(np.eye(starts[-1], dtype=np.int64))
    parts = np.split(rows, np.cumsum([len(names) for names in dictionary.names])[:-1], axis=1)
    return [part[start:end] for part, start, end in zip(parts, starts, starts[1:], strict=False)]


def verdicts(found: list[DriftFinding]) -> list[str]:
    return [each.verdict for each in found if each.verdict != "none"]


@pytest.mark.parametrize("change", ["shift", "scale", "missing", "category"])
def test_a_lasting_change_is_alarmed_confirmed_dated_and_its_feature_named(change: str) -> None:
    for seed in range(5):
        reference, rows = split(seed, 40)
        late = rows[1_000:]
        if change == "shift":
            late[:, 1] += 0.6
        elif change == "scale":
            late[:, 1] *= 1.8
        elif change == "missing":
            late[::5, 1] = np.nan
        else:
            late[::4, 2] = 0
        found = watched(reference, rows)
        alarm, confirmed = (next(f for f in found if f.verdict == v) for v in ("alarm", "confirmed"))

        assert verdicts(found) == ["alarm", "confirmed"]
        assert abs(alarm.onset_row - 1_000) <= 2 * WINDOW
        assert [each["name"] for each in confirmed.features] == ["c" if change == "category" else "b"]


@pytest.mark.parametrize("size", [0.6, 1.0, 3.0])
def test_a_blip_of_two_windows_is_alarmed_and_cleared(size: float) -> None:
    for seed in range(10):
        reference, rows = split(seed, 40)
        rows[1_000:1_200, 0] += size
        found = verdicts(watched(reference, rows))

        assert "confirmed" not in found
        assert found == ["alarm", "cleared"] * (len(found) // 2)


def test_null_windows_alarm_no_more_often_than_stated() -> None:
    """40 streams of 100 windows, at least 1,000 windows between alarms on average: at most four."""
    found = [verdicts(watched(*split(seed, 100))) for seed in range(40)]

    assert sum(each.count("alarm") for each in found) <= 4
    assert sum(each.count("confirmed") for each in found) == 0


def test_dependent_null_rows_do_not_confirm() -> None:
    """Rows with autocorrelation 0.5 carry a third of the evidence: the reference's own blocks say so."""
    found = [verdicts(watched(*split(seed, 50, rho=0.5))) for seed in range(15)]

    assert sum(each.count("alarm") for each in found) <= 3
    assert sum(each.count("confirmed") for each in found) == 0


@pytest.mark.parametrize("rule", [1, 2])
def test_evidence_has_mean_at_most_1_under_the_reference_and_all_that_is_tolerated(rule: int) -> None:
    reference, _ = split(0, 1)
    each = tables(Dictionary.of(reference, POLICY.tolerance, rule))
    for feature, table in zip(reference.features, each, strict=True):
        p = shares(feature)
        for alternative in table.T.tolist():
            ratio = [math.exp(units / NATS) for units in alternative]
            best, worst = max(ratio), ratio.index(min(ratio))
            moved = min(POLICY.tolerance, p[worst])
            mean = math.fsum(x * r for x, r in zip(p, ratio, strict=True))

            assert mean + moved * (best - ratio[worst]) <= 1 + 1e-5


def test_the_mean_e_value_of_windows_that_are_drawn_from_the_reference_is_at_most_1() -> None:
    reference, _ = split(0, 1)
    generator, feature = np.random.default_rng(0), reference.features[0]
    table = tables(Dictionary.of(reference, 0.0))[0]

    counts = generator.multinomial(5, shares(feature), size=20_000)
    e_values = np.exp(counts @ table / NATS)

    error = e_values.std(axis=0) / math.sqrt(len(counts))
    assert (e_values.mean(axis=0) <= 1 + 3 * error).all()


@pytest.mark.parametrize("rule", [1, 2])
def test_weights_of_a_feature_make_a_mean_of_its_e_values(rule: int) -> None:
    reference, _ = split(0, 1)
    dictionary = Dictionary.of(reference, POLICY.tolerance, rule)

    for weights in dictionary.per_feature(dictionary.priors):
        mean = math.fsum(math.exp(weight / NATS) for weight in weights) / len(weights)
        assert 1 - 1e-5 < mean <= 1


@cache
def mixed() -> Reference:
    """Give a reference whose features have different numbers of alternatives."""
    rows = np.random.default_rng(0).normal(size=(4_000, 2))
    rows[:, 1] = np.floor(np.abs(rows[:, 1])).clip(0, 3)
    return learn([Column(name="a"), Column(name="b", kind="categorical", categories=4)], rows, rows[:, 0])


@pytest.mark.parametrize("rule", [1, 2])
def test_weights_of_all_features_make_a_mean_of_all_e_values(rule: int) -> None:
    weights = np.exp(Dictionary.of(mixed(), POLICY.tolerance, rule).priors / NATS)

    assert 1 - 1e-5 < weights.mean() <= 1


def test_every_feature_weighs_the_same_however_many_alternatives_it_has() -> None:
    dictionary = Dictionary.of(mixed(), POLICY.tolerance)

    ends = np.cumsum([len(names) for names in dictionary.names])[:-1]
    weights = [np.exp(part / NATS).sum() for part in np.split(dictionary.priors, ends)]

    assert len({len(names) for names in dictionary.names}) > 1
    assert weights == pytest.approx([len(dictionary.priors) / 3] * 3, rel=1e-4)


@pytest.mark.parametrize("steps", [FIRST, FINER])
def test_every_alternative_is_a_distribution(steps: Spacing) -> None:
    reference, _ = split(0, 1)

    for feature in reference.features:
        for _, q in ladder(feature, steps):
            assert math.fsum(q) == pytest.approx(1)
            assert min(q) > 0


def alarmed(reference: Reference, counts: NDArray[np.int64], rule: int) -> bool:
    watch = DriftWatch.start(reference, POLICY, rule)
    for number, one in enumerate(counts):
        watch, finding = watch.observe(number * WINDOW, Profile(int(one[: reference.starts[1]].sum()), one), POLICY)
        if finding.verdict == "alarm":
            return True
    return False


def test_a_wider_scale_is_seen_where_an_offset_for_the_rarest_slot_had_hidden_it() -> None:
    generator = np.random.default_rng(5)
    rows = np.column_stack([generator.normal(size=(20_000, 2)), generator.integers(0, 6, 20_000)])
    reference = learn(COLUMNS, rows, rows[:, 0])
    wide = generator.normal(0, 1.3, size=(10, 1_000, 2))
    counts = [
        profile(
            reference, np.column_stack([each, generator.integers(0, 6, 1_000)]), generator.normal(size=1_000)
        ).counts
        for each in wide
    ]

    assert alarmed(reference, np.array(counts), rule=2)
    assert not alarmed(reference, np.array(counts), rule=1)


def test_what_was_judged_by_the_rule_of_before_is_judged_alike_for_ever() -> None:
    reference, rows = split(3, 20)
    rows[500:, 0] += 0.8
    parts = [rows[start : start + WINDOW] for start in range(0, 600, WINDOW)]
    windows = [
        {"start_row": k * WINDOW, "profile": profile(reference, part, part[:, 0]).to_json()}
        for k, part in enumerate(parts)
    ]

    found = judge({"reference": reference.to_json(), "windows": windows}, POLICY, rule=1)

    assert (found.verdict, found.log_evidence, found.onset_row) == ("alarm", 17.60758, 500)
    assert [(each["name"], each["change"]) for each in found.features] == [
        ("a", "shift +0.5"),
        ("@output", "shift +0.5"),
    ]


def test_what_is_assumed_is_told_in_plain_values() -> None:
    reference, _ = split(3, 1)

    told = assumptions(reference, POLICY)

    assert orjson.loads(orjson.dumps(told)) == told
    assert (told["reference_rows"], told["tolerance"], told["run_length_windows"]) == (REFERENCE_ROWS, 0.005, 1_000.0)
    assert [len(told[name]) for name in ("bins", "alternatives", "dispersion")] == [4, 4, 4]


def test_a_change_within_the_tolerance_is_never_alarmed_however_many_the_rows() -> None:
    reference, _ = split(0, 1)
    counts = np.concatenate([np.array(feature.counts) for feature in reference.features]) * 5
    window = type(profile(reference, np.zeros((0, 3)), np.zeros(0)))(5 * REFERENCE_ROWS, counts)
    watch, found = DriftWatch.start(reference, POLICY), []
    for turn in range(200):
        watch, finding = watch.observe(turn * window.rows, window, POLICY)
        found.append(finding)

    assert verdicts(found) == []


def test_a_tiny_or_constant_reference_alarms_at_nothing_it_could_have_been() -> None:
    rows = np.ones((12, 3))
    reference = learn(COLUMNS, rows, rows[:, 0])

    assert verdicts(watched(reference, np.ones((2_000, 3)))) == []


def test_recorded_windows_give_the_same_finding_again_from_the_start_or_from_a_state() -> None:
    reference, rows = split(3, 20)
    rows[500:, 0] += 0.8
    parts = [rows[start : start + WINDOW] for start in range(0, 700, WINDOW)]
    profiles = [profile(reference, part, part[:, 0]) for part in parts]
    windows = [{"start_row": k * WINDOW, "profile": each.to_json()} for k, each in enumerate(profiles)]
    watch = DriftWatch.start(reference, POLICY)
    for k in range(3):
        watch, _ = watch.observe(k * WINDOW, profiles[k], POLICY)
    whole = {"reference": reference.to_json(), "windows": windows}
    rest = {"reference": reference.to_json(), "windows": windows[3:], "state": watch.to_json()}

    first, again = (judge(orjson.loads(orjson.dumps(inputs)), POLICY) for inputs in (whole, rest))

    assert orjson.dumps(first.to_json()) == orjson.dumps(again.to_json())


def test_e_bh_keeps_the_false_discovery_rate_of_dependent_streams() -> None:
    """One real stream among 21; the others share one e-value of mean 1, the worst of dependence."""
    generator = np.random.default_rng(4)
    false = 0.0
    for _ in range(2_000):
        shared = generator.normal(-2.0, 2.0)  # log of a log-normal of mean exp(-2 + 4 / 2) = 1
        kept = e_bh([9.0, *[shared] * 20], 0.05)
        false += sum(k > 0 for k in kept) / max(len(kept), 1)

    assert false / 2_000 <= 0.05
