import math

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from monitoring.drift.streams import streams
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.learning import learn
from monitoring.profiles.profile import profile, repeated_rows
from monitoring.profiles.reference import Column, Reference
from monitoring.quality.faults import QualityFinding, QualityWatch, judge
from statemachine.policies.sections import Quality

Floats = NDArray[np.float64]
POLICY = Quality(extra_share=0.01, extra_ratio=1.5)
COLUMNS = [Column(name="x"), Column(name="gappy"), Column(name="city", kind="categorical", categories=4)]
WINDOW = 100


def rows_of(n: int, seed: int) -> Floats:
    generator = np.random.default_rng(seed)
    rows = np.column_stack([generator.normal(size=n), generator.normal(size=n), generator.integers(0, 4, n)])
    rows[generator.random(n) < 0.1, 1] = np.nan
    return rows


def reference_of(seed: int = 0) -> Reference:
    rows = rows_of(2_000, seed)
    return learn(COLUMNS, rows, rows[:, 0])


def watched(reference: Reference, rows: Floats, policy: Quality = POLICY) -> list[tuple[QualityFinding, ...]]:
    watch, found = QualityWatch.start(reference, policy), []
    for start in range(0, len(rows), WINDOW):
        part = rows[start : start + WINDOW]
        watch, each = watch.observe(
            start, profile(reference, part, np.nan_to_num(part[:, 0])), repeated_rows(part, part[:, 0])
        )
        found.append(each)
    return found


def spoilt(kind: str, rows: Floats) -> Floats:
    bad = rows.copy()
    match kind:
        case "missing":
            bad[::2, 0] = np.nan
        case "invalid":
            bad[::10, 0] = np.inf
        case "out_of_range":
            bad[:, 0] *= 1000
        case "new_category":
            bad[::4, 2] = 9
        case "stuck":
            bad[:, 0] = 0.5
        case _:
            bad[1::2] = bad[::2]
    return bad


@pytest.mark.parametrize(
    ("kind", "feature"),
    [
        ("missing", "x"),
        ("invalid", "x"),
        ("out_of_range", "x"),
        ("new_category", "city"),
        ("stuck", "x"),
        ("duplicate", "@row"),
    ],
)
def test_a_fault_is_named_with_its_feature_and_its_first_row(kind: str, feature: str) -> None:
    rows = np.concatenate([rows_of(500, 1), spoilt(kind, rows_of(500, 2))])

    found = watched(reference_of(), rows)

    assert not any(found[:5])
    first = next(each for each in found[6] if each.feature == feature)
    assert first.kind == kind
    assert first.onset_row == 500


def test_a_fault_that_ended_is_forgotten_within_three_windows() -> None:
    rows = np.concatenate([spoilt("missing", rows_of(2_000, 1)), rows_of(300, 2)])

    found = watched(reference_of(), rows)

    assert found[19]
    assert not found[22]


def test_the_share_is_that_of_the_last_window() -> None:
    found = watched(reference_of(), spoilt("missing", rows_of(300, 1)))

    assert found[2][0].share == 0.5


def test_a_wider_gap_than_usual_is_tolerated_up_to_the_policy() -> None:
    rows = rows_of(3_000, 5)
    rows[np.random.default_rng(1).random(3_000) < 0.03, 1] = np.nan

    assert not any(watched(reference_of(), rows))


def test_where_nothing_is_tolerated_one_row_of_a_small_window_is_a_fault() -> None:
    rows = rows_of(300, 5)
    rows[150, 0] = np.nan

    found = watched(reference_of(), rows, Quality(extra_share=0.0))

    assert [[(each.feature, each.kind) for each in one] for one in found] == [[], [("x", "missing")], []]


def test_null_windows_raise_no_more_than_the_stated_rate() -> None:
    """20 references, 100 windows each, at a stated one false finding in 10,000 windows: one at most."""
    found = [each for seed in range(20) for each in watched(reference_of(seed), rows_of(10_000, 1_000 + seed))]

    assert len(found) == 2_000
    assert sum(bool(each) for each in found) <= 1


def test_evidence_has_mean_at_most_1_at_every_tolerated_rate() -> None:
    for stream in streams(reference_of(), POLICY):
        for rate in np.linspace(0, stream.tolerated, 5):
            for faulty, sound in zip(stream.faulty, stream.sound, strict=True):
                mean = rate * math.exp(faulty / NATS) + (1 - rate) * math.exp(sound / NATS)
                assert mean <= 1 + 1e-5


def test_recorded_windows_give_the_same_findings_again() -> None:
    reference, rows = reference_of(), spoilt("out_of_range", rows_of(300, 4))
    windows = [
        {
            "start_row": start,
            "profile": profile(reference, rows[start : start + WINDOW], rows[start : start + WINDOW, 0]).to_json(),
            "repeats": 0,
        }
        for start in range(0, 300, WINDOW)
    ]
    watch = QualityWatch.start(reference, POLICY)
    whole = {"reference": reference.to_json(), "windows": windows}
    watch, _ = watch.observe(0, profile(reference, rows[:WINDOW], rows[:WINDOW, 0]))
    rest = {"reference": reference.to_json(), "windows": windows[1:], "state": watch.to_json()}

    found = [judge(orjson.loads(orjson.dumps(inputs)), POLICY) for inputs in (whole, rest)]

    assert found[0] == found[1]
    assert {each.feature for each in found[0]} == {"x", "@output"}
