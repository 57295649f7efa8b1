"""Claims about reports: a bake-off's own is taken whatever the world, and one that is not of its job is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from measures.losses import SCALE, fixed
from measures.segments import Segment
from measures.sums import block
from retraining.bakeoff import Bench
from retraining.scope import Entrant, Spec, challengers
from retraining.template import TEMPLATES
from server.errors import Invalid
from server.jobs import counted
from server.jobs.reports import MOST_REASON, checked
from tests.fixtures.bakeoffs import FIRST, HELD, MARK, REFERENCE, a_spec, a_world, only, returned
from tests.fixtures.jobs import LOSS, a_report, an_entry

ROWS = 40
BAKE_OFF = replace(a_spec(MARK - 400, pinned="v0"), holdout=(MARK, MARK + ROWS), quarantined=((MARK - 9, MARK - 5),))
RECENT = next(one for one in BAKE_OFF.entrants if one.name == "recent")
SEGMENTS = (Segment(name="low", feature=0, high=-1.0), Segment(name="high", feature=1, low=0.5))
LATE = Entrant(name="late", remedy="refit", rows=((MARK - 500, MARK + 1),))
Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "spec",
    [
        a_spec(MARK - 400),
        a_spec(MARK - 400, metric="brier"),
        a_spec(MARK - 400, metric="roc_auc"),
        a_spec(MARK - 400, metric="roc_auc", task="binary", segments=SEGMENTS),
        a_spec(segments=SEGMENTS),
        a_spec(pinned="v0"),
        a_spec(holdout=(MARK, MARK + 7)),
        a_spec(holdout=(MARK, MARK + 7), quarantined=((MARK - 2, MARK + 7),)),
        a_spec(quarantined=((MARK + 30, MARK + 90), (MARK + 100, MARK + 101))),
        a_spec(kind="challenge", entrants=challengers(MARK, REFERENCE)),
        only(LATE),
    ],
    ids=[
        "accuracy",
        "brier",
        "ranks",
        "ranks by segment",
        "segments",
        "restore",
        "few",
        "none",
        "held",
        "challenge",
        "late",
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_what_a_bake_off_tells_is_taken_as_it_is(spec: Spec, seed: int) -> None:
    data = returned(seed) if any(one.version for one in spec.entrants) else a_world("concept", seed, MARK - 400)
    for first, end in spec.quarantined:
        data.labels[first - FIRST : end - FIRST] = np.nan
    report = Bench(spec, data, TEMPLATES[spec.template]).report()

    told = report.pop("fit_us")
    assert told >= 0
    assert checked(report, spec) == report
    counted.check(report, counted.of(spec, data.to_bytes()))


@pytest.mark.parametrize("unit", [1.0, 2.0**-6])
def test_what_a_bake_off_of_values_tells_is_taken_as_it_is(unit: float) -> None:
    spec = only(RECENT, LATE, task="regression", metric="mae", unit=unit)
    data = a_world("none", 0, MARK)
    data = replace(data, labels=data.rows[:, 0] * 1e3, outputs={"v1": data.rows[:, 1] * 1e9})
    report = Bench(spec, data, TEMPLATES["linear"]).report()

    del report["fit_us"]
    assert checked(report, spec) == report


def test_what_a_worker_tells_besides_is_not_kept() -> None:
    entry = an_entry(BAKE_OFF, "recent", 0.2)
    report = a_report(BAKE_OFF, "recent", {**entry, "diary": "x" * 1_000}, weather="fine")

    kept = checked(report, BAKE_OFF)

    assert set(report) - set(kept) == {"weather", "fit_us"}
    assert kept["entrants"] == [entry]


def told(**changes: Any) -> Change:
    """Change what the report says of the whole."""
    return lambda report: report.update(changes)


def of_it(**changes: Any) -> Change:
    """Change what the report says of its one entrant."""
    return lambda report: report["entrants"][0].update(changes)


def in_block(name: str, place: int, by: int) -> Change:
    """Change a number in the third block of the champion, or of the lead of its one entrant."""

    def change(report: dict[str, Any]) -> None:
        (report["entrants"][0] if name == "lead" else report)[name][2][place] += by

    return change


def less(*names: str) -> Change:
    """Let it tell of these no more."""
    return lambda report: [report["skipped"].pop(name) for name in names]


def more(**reasons: str) -> Change:
    """Let it tell of others that did not compete."""
    return lambda report: report["skipped"].update(reasons)


@pytest.mark.parametrize(
    ("change", "field", "accepted"),
    [
        (told(holdout=[MARK, MARK + 39]), "holdout", f"[{MARK}, {MARK + 40}] as in the job is"),
        (told(holdout=[MARK, 1 << 50]), "holdout", f"[{MARK}, {MARK + 40}] as in the job is"),
        (of_it(name="me"), "entrants[0].name", "recalibrate, restore, since_change, recent, all as in the job is"),
        (of_it(remedy="restore"), "entrants[0].remedy", "'refit' as in the job is"),
        (of_it(remedy="recalibrate"), "entrants[0].remedy", "'refit' as in the job is"),
        (of_it(rows=[]), "entrants[0].rows", f"[[{MARK - REFERENCE}, {MARK}]] as in the job is"),
        (of_it(rows=[[0, MARK]]), "entrants[0].rows", f"[[{MARK - REFERENCE}, {MARK}]] as in the job is"),
        (of_it(rows=[[MARK - REFERENCE, MARK], [0, 9]]), "entrants[0].rows", "as in the job is"),
        (less("all", "restore"), "entrants", "restore, all of the job is neither in it nor skipped"),
        (told(entrants=[]), "entrants", "recent of the job is neither in it nor skipped"),
        (more(me="shy"), "skipped", "did not compete are: recalibrate, restore, since_change, all"),
        (more(recent="shy"), "skipped", "did not compete are: recalibrate, restore, since_change, all"),
        (more(all="x" * (MOST_REASON + 1)), "skipped[...]", "length <= 2000"),
        (told(rows=ROWS + 1), "rows", "0 to 40 of the job's holdout is"),
        (told(rows=ROWS - 1), "champion[9][0]", "3 of 39 are"),
        (told(rows=0), "champion", "1 of 0 rows are"),
        (lambda report: report["champion"].append([0, 0, 0]), "champion", "10 of 40 rows are"),
        (in_block("champion", 0, 1), "champion[2][0]", "4 of 40 are"),
        (in_block("champion", 1, -3 * SCALE), "champion[2][1]", f"0 to {4 * SCALE} of 4 rows is"),
        (in_block("champion", 1, 2 * SCALE), "champion[2][1]", f"0 to {4 * SCALE} of 4 rows is"),
        (in_block("champion", 2, -(1 << 16)), "champion[2][2]", "is not accepted"),
        (in_block("lead", 0, -1), "entrants[0].lead[2][0]", "the champion has 4; as many are"),
        (in_block("lead", 1, 2 * SCALE), "entrants[0].lead[2][1]", "where the champion lost"),
        (in_block("lead", 1, -3 * SCALE), "entrants[0].lead[2][1]", "where the champion lost"),
        (in_block("lead", 2, -(1 << 16)), "entrants[0].lead[2][2]", "is not accepted"),
        (in_block("lead", 2, 1 << 40), "entrants[0].lead[2][2]", "is not accepted"),
        (of_it(churn=-0.1), "entrants[0].churn", ">= 0"),
        (of_it(extreme=1.1), "entrants[0].extreme", "<= 1"),
        (of_it(calibration=float("nan")), "entrants[0].calibration", "1e+300"),
        (told(semantic_sha256="anything"), "semantic_sha256", "0-9a-f"),
    ],
)  # fmt: skip
def test_a_report_of_something_else_than_its_job_is_refused_and_told_what_would_be_taken(
    change: Change, field: str, accepted: str
) -> None:
    report = a_report(BAKE_OFF, "recent", an_entry(BAKE_OFF, "recent", 0.2))
    checked(report, BAKE_OFF)
    change(report)

    with pytest.raises(Invalid) as caught:
        checked(report, BAKE_OFF)

    [(where, why)] = caught.value.violations
    assert where == f"report_json.{field}"
    assert accepted in why


def test_rows_in_quarantine_are_not_compared() -> None:
    spec = replace(BAKE_OFF, quarantined=((0, MARK + 3), (MARK + 10, MARK + 12), (MARK + 39, MARK + HELD)))

    with pytest.raises(Invalid, match=r"report_json\.rows: 40 is not accepted; 0 to 34"):
        checked(a_report(spec), spec)


def test_segments_have_rows_of_the_whole_and_leads_theirs() -> None:
    spec = replace(BAKE_OFF, segments=SEGMENTS[:1])
    none, one = [[0, 0, 0]] * 10, block(fixed(np.array([LOSS]), 1.0))
    entry = an_entry(spec, "recent", 0.2, segments=[none])

    assert checked(a_report(spec, "recent", entry, segments=[{"name": "low", "champion": none}]), spec)
    for champion, place in (
        ([[5, 0, 0], *none[1:]], "segments[0].champion[0][0]"),
        ([one, *none[1:]], "entrants[0].segments[0][0][0]"),
    ):
        with pytest.raises(Invalid) as caught:
            checked(a_report(spec, "recent", entry, segments=[{"name": "low", "champion": champion}]), spec)
        assert caught.value.violations[0][0] == f"report_json.{place}"
