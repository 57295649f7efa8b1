"""Claims about the bake-off: who wins in a world whose change is known, what is never learned, what is reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retraining.artifact import Manifest
from retraining.bakeoff import LEAST_LABELS, LEAST_RECALIBRATION, Bench, run
from retraining.choice import choose
from retraining.dataset import Dataset
from retraining.models import load, semantic_sha256
from retraining.scope import CHALLENGE, Entrant, Spec, holdout_rows, remedies
from retraining.template import TEMPLATES
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical, digest
from tests.fixtures.bakeoffs import FIRST, HELD, HOLDOUT, MARK, REFERENCE, a_spec, a_world, only, returned

POLICY = Policy()
CHANGE = MARK - 400
LATE = MARK + 100  #: a change that the usual holdout would swallow
ALL = Entrant(name="all", remedy="refit", rows=((0, MARK),))
LINE = Entrant(name="recalibrate", remedy="recalibrate", rows=((MARK - 300, MARK),))


def since(onset_row: int, held: int) -> Spec:
    """Give the bake-off that the service proposes behind a change, with so many rows held out."""
    mark = HOLDOUT[1] - held
    entrants = remedies(onset_row=onset_row, mark=mark, reference_rows=REFERENCE, task="binary", pinned="", most=5)
    return a_spec(entrants=entrants, holdout=(mark, HOLDOUT[1]))


def report(spec: Spec, data: Dataset) -> dict[str, Any]:
    return Bench(spec, data, TEMPLATES[spec.template]).report()


def winners(world: Callable[[int], Dataset], spec: Spec, seeds: int) -> Counter[str]:
    return Counter(choose(report(spec, world(seed)), POLICY).name for seed in range(seeds))


def relabelled(data: Dataset, rows: slice, labels: np.ndarray[Any, Any]) -> Dataset:
    changed = data.labels.copy()
    changed[rows] = labels
    return replace(data, labels=changed)


def leads(found: dict[str, Any]) -> dict[str, int]:
    return {entry["name"]: sum(block[1] for block in entry["lead"]) for entry in found["entrants"]}


HELD_ROWS = slice(MARK - FIRST, None)


# Who wins.


def test_recalibration_wins_when_only_the_share_of_labels_moved() -> None:
    found = winners(lambda seed: a_world("prior", seed, CHANGE), a_spec(CHANGE), seeds=10)

    assert found["recalibrate"] >= 9


def test_rows_since_the_change_win_when_the_concept_changed() -> None:
    found = winners(lambda seed: a_world("concept", seed, CHANGE), a_spec(CHANGE), seeds=10)

    assert found == {"since_change": 10}


def test_the_archived_version_wins_when_its_concept_comes_back() -> None:
    found = winners(returned, a_spec(pinned="v0"), seeds=10)

    assert found == {"restore": 10}


def test_nothing_wins_when_nothing_changed() -> None:
    found = winners(lambda seed: a_world("none", seed, 0), a_spec(CHANGE, template="hgb-60"), seeds=10)

    assert found == {"nothing": 10}


def test_entrants_as_good_as_a_perfect_champion_seldom_win_by_luck() -> None:
    found = winners(lambda seed: a_world("none", seed, 0), a_spec(CHANGE), seeds=20)

    assert found["nothing"] >= 14


def test_what_changed_just_now_is_learned_where_the_holdout_leaves_rows_of_it() -> None:
    swallowed, left = (
        winners(lambda seed: a_world("concept", seed, LATE), since(LATE, held), seeds=10)
        for held in (HELD, holdout_rows(HELD, HOLDOUT[1] - LATE))
    )

    assert swallowed["since_change"] == 0  # the holdout holds all that there is of the new world
    assert left == {"since_change": 10}


def test_the_smaller_holdout_behind_a_change_lets_luck_win_no_more_often() -> None:
    whole, smaller = (
        winners(lambda seed: a_world("none", seed, 0), since(LATE, held), seeds=20) for held in (HELD, HELD // 2)
    )

    assert whole["nothing"] >= 14
    assert smaller["nothing"] >= 14


# What is never learned.


@pytest.mark.parametrize("template", ["linear", "hgb-60"])
def test_no_label_of_the_holdout_reaches_an_entrant(template: str) -> None:
    data = a_world("concept", 1, CHANGE)
    turned = relabelled(data, HELD_ROWS, 1 - data.labels[HELD_ROWS])

    one, other = (leads(report(a_spec(CHANGE, template=template), each)) for each in (data, turned))

    assert set(one) == {"recalibrate", "since_change", "recent", "all"}
    assert other == {name: -lead for name, lead in one.items()}  # same answers, judged by opposite truths


def test_a_pattern_that_stands_in_the_holdout_alone_is_not_found() -> None:
    data = a_world("none", 2, 0)
    planted = relabelled(data, HELD_ROWS, (data.rows[HELD_ROWS, 4] > 0).astype(float))

    found = report(a_spec(CHANGE, template="hgb-60"), planted)

    assert all(abs(lead) / 2**20 < 0.15 * HELD for lead in leads(found).values())


@pytest.mark.parametrize(
    "reaching",
    [
        Entrant(name="peeps", remedy="refit", rows=((0, MARK + 1),)),
        Entrant(name="peeps", remedy="refit", rows=((0, MARK), (HOLDOUT[1] - 30, HOLDOUT[1]))),
        Entrant(name="peeps", remedy="recalibrate", rows=((MARK - 200, HOLDOUT[1]),)),
    ],
)
def test_an_entrant_that_would_learn_the_holdout_does_not_compete(reaching: Entrant) -> None:
    found = report(only(ALL, reaching), a_world("concept", 3, CHANGE))

    assert [entry["name"] for entry in found["entrants"]] == ["all"]
    assert "holdout" in found["skipped"]["peeps"]


# Who cannot compete, and why.


@pytest.mark.parametrize(
    ("entrant", "reason"),
    [
        (Entrant(name="x", remedy="refit", rows=((MARK - LEAST_LABELS + 1, MARK),)), "19 labelled rows"),
        (Entrant(name="x", remedy="refit", rows=((0, FIRST),)), "0 labelled rows"),
        (Entrant(name="x", remedy="refit"), "0 labelled rows"),
        (replace(LINE, name="x", rows=((MARK - LEAST_RECALIBRATION + 1, MARK),)), "99 labelled rows"),
        (Entrant(name="x", remedy="restore", version="v7"), "did not score"),
    ],
)
def test_an_entrant_that_cannot_compete_is_left_out_with_the_reason(entrant: Entrant, reason: str) -> None:
    found = report(only(entrant, ALL), a_world("none", 4, 0))

    assert reason in found["skipped"]["x"]
    assert [entry["name"] for entry in found["entrants"]] == ["all"]


def test_one_label_alone_teaches_nothing() -> None:
    data = a_world("none", 5, 0)
    same = relabelled(data, slice(0, MARK - FIRST), np.ones(MARK - FIRST))

    found = report(only(ALL, LINE), same)

    assert set(found["skipped"]) == {"all", "recalibrate"}
    assert choose(found, POLICY).name == "nothing"


def test_a_champion_that_always_says_the_same_cannot_be_recalibrated() -> None:
    data = a_world("none", 5, 0)

    found = report(only(LINE), replace(data, outputs={"v1": np.full(len(data.labels), 0.5)}))

    assert set(found["skipped"]) == {"recalibrate"}


def test_an_archived_version_that_missed_a_row_cannot_be_restored() -> None:
    data = returned(6)
    data.outputs["v0"][-1] = np.nan

    found = report(only(Entrant(name="restore", remedy="restore", version="v0")), data)

    assert set(found["skipped"]) == {"restore"}


def test_without_a_labelled_row_in_the_holdout_nothing_is_chosen() -> None:
    data = a_world("concept", 7, CHANGE)
    unknown = relabelled(data, HELD_ROWS, np.full(HELD, np.nan))

    found = report(a_spec(CHANGE), unknown)

    assert found["rows"] == 0
    assert set(found["skipped"]) == {"recalibrate", "since_change", "recent", "all"}
    assert choose(found, POLICY).name == "nothing"


def test_an_entrant_that_breaks_on_a_value_leaves_the_others_alone() -> None:
    data = regression(8, 1.0, 0.0)
    data.rows[: MARK - FIRST, 0] *= 1e-100
    data.rows[-1, 0] = 1e300  # once scaled, it is infinite

    found = report(only(ALL, LINE, task="regression", metric="mae"), data)

    assert set(found["skipped"]) == {"all"}
    assert "infinity" in found["skipped"]["all"]
    assert [entry["name"] for entry in found["entrants"]] == ["recalibrate"]


def test_answers_that_are_not_finite_do_not_compete() -> None:
    data = regression(8, 1.0, 0.0)
    data.outputs["v0"] = np.full(len(data.labels), np.inf)
    archived = Entrant(name="restore", remedy="restore", version="v0")

    found = report(only(archived, task="regression", metric="mae"), data)

    assert set(found["skipped"]) == {"restore"}


def test_rows_whose_truth_or_champion_is_unknown_do_not_compare() -> None:
    data = relabelled(a_world("none", 8, 0), slice(MARK - FIRST, MARK - FIRST + 30), np.full(30, np.nan))
    data.outputs["v1"][-20:] = np.nan

    found = report(only(ALL), data)

    assert found["rows"] == HELD - 50 == sum(block[0] for block in found["entrants"][0]["lead"])


# What is reported.


def test_the_report_is_the_same_bytes_each_time() -> None:
    data, spec = a_world("concept", 9, CHANGE), a_spec(CHANGE)
    again = Dataset.from_bytes(data.to_bytes())

    one, other = ({**report(spec, each), "fit_us": 0} for each in (data, again))

    assert canonical(one) == canonical(other)


def test_what_is_chosen_from_is_whole_numbers() -> None:
    found = report(a_spec(CHANGE), a_world("prior", 9, CHANGE))

    sums = [found["champion"], *(entry["lead"] for entry in found["entrants"])]
    assert all(type(number) is int for blocks in sums for block in blocks for number in block)
    assert {len(blocks) for blocks in sums} == {10}


def test_a_challenge_reports_and_chooses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = a_spec(CHANGE, kind=CHALLENGE)

    found = ran(spec, a_world("concept", 10, CHANGE), tmp_path, monkeypatch)

    assert (found["chosen"], found["semantic_sha256"]) == ("nothing", "")
    assert list((tmp_path / "out").iterdir()) == []


def ran(spec: Spec, data: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch, base: str = "") -> dict[str, Any]:
    """Run a whole job in *folder*, as the sandbox does."""
    monkeypatch.chdir(folder)
    body = data.to_bytes()
    for name in ("inputs", "out"):
        (folder / name).mkdir()
    (folder / "inputs" / digest(body)).write_bytes(body)
    job = {"spec": replace(spec, dataset=digest(body)).to_json(), "policy": POLICY.to_json(), "base_manifest": base}
    return run(job, folder / "inputs")


def left_behind(folder: Path) -> tuple[Manifest, bytes]:
    return Manifest.from_bytes((folder / "out" / "manifest.json").read_bytes()), (folder / "out" / "model").read_bytes()


def test_the_winner_is_left_behind_with_its_whole_lineage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = a_world("concept", 11, CHANGE)

    found = ran(a_spec(CHANGE), data, tmp_path, monkeypatch)

    manifest, model = left_behind(tmp_path)
    assert found["chosen"] == manifest.entrant == "since_change"
    assert manifest.rows == [[CHANGE, HOLDOUT[1]]]  # it learns the holdout too, once it has won
    assert (manifest.dataset_sha256, manifest.template) == (digest(data.to_bytes()), TEMPLATES["linear"].reference)
    answers = load(manifest, model)(data.rows[-256:])
    assert semantic_sha256(answers) == manifest.semantic_sha256 == found["semantic_sha256"]


def test_a_recalibration_names_the_version_that_it_corrects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = a_world("prior", 12, CHANGE)

    found = ran(a_spec(CHANGE), data, tmp_path, monkeypatch, base="b" * 64)

    manifest, model = left_behind(tmp_path)
    assert (found["chosen"], manifest.format) == ("recalibrate", "recalibration")
    assert manifest.base_manifest_sha256 == "b" * 64
    answers = load(manifest, model, lambda _: data.outputs["v1"][-256:])(data.rows[-256:])
    assert semantic_sha256(answers) == found["semantic_sha256"]


@pytest.mark.parametrize("world", ["none", "returned"])
def test_what_needs_no_new_bytes_writes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: str) -> None:
    data = returned(13) if world == "returned" else a_world("none", 13, 0)
    pinned = Entrant(name="restore", remedy="restore", version="v0")

    found = ran(only(pinned) if world == "returned" else only(), data, tmp_path, monkeypatch)

    assert found["chosen"] == ("restore" if world == "returned" else "nothing")
    assert list((tmp_path / "out").iterdir()) == []


# Quantities.


def regression(seed: int, slope: float, offset: float) -> Dataset:
    """Give rows whose values, from the change on, are a line away from what the champion says."""
    data = a_world("none", seed, 0)
    chance = np.random.default_rng(seed)
    old = 10 + data.rows @ np.array([3.0, 1.0, 0.0, 0.0, 0.0])
    changed = np.arange(FIRST, HOLDOUT[1]) >= CHANGE
    values = np.where(changed, slope * old + offset, old) + chance.normal(scale=0.3, size=len(old))
    return replace(data, labels=values, outputs={"v1": old})


def test_a_line_brings_moved_quantities_back() -> None:
    spec = a_spec(CHANGE, task="regression", metric="mae", unit=4.0)
    found = winners(lambda seed: regression(seed, 1.5, -2.0), spec, seeds=6)

    assert found == {"recalibrate": 6}


def test_wild_answers_are_counted_as_extreme() -> None:
    data = regression(14, 1.0, 0.0)
    data.outputs["v0"] = np.where(np.arange(len(data.labels)) % 2, 1e6, data.outputs["v1"])
    spec = only(Entrant(name="restore", remedy="restore", version="v0"), task="regression", metric="mae")

    entry = report(spec, data)["entrants"][0]

    assert entry["extreme"] == 0.5
    assert entry["churn"] == 0.0


@pytest.mark.parametrize(
    ("was", "becomes", "churn"), [(0.5, 0.9, 0.0), (0.9, 0.5, 0.0), (0.4, 0.5, 1.0), (0.5, 0.4, 1.0)]
)
def test_churn_counts_rows_that_change_sides_and_a_half_is_a_yes(was: float, becomes: float, churn: float) -> None:
    data = a_world("none", 14, 0)
    data.outputs.update(v0=np.full(len(data.labels), becomes), v1=np.full(len(data.labels), was))

    entry = report(only(Entrant(name="restore", remedy="restore", version="v0")), data)["entrants"][0]

    assert entry["churn"] == churn


def test_an_answer_beyond_all_measure_costs_and_never_gains() -> None:
    data = regression(15, 1.0, 0.0)
    data.outputs["v0"] = np.where(np.arange(len(data.labels)) % 2, 1e18, data.outputs["v1"])
    spec = only(Entrant(name="restore", remedy="restore", version="v0"), task="regression", metric="mae")

    entry = report(spec, data)["entrants"][0]

    assert all(block[1] < 0 and block[2] >= 0 for block in entry["lead"])


def test_classes_compete_by_how_often_they_are_right() -> None:
    data = a_world("none", 16, 0)
    labels = np.digitize(data.rows[:, 0], [-0.5, 0.5]).astype(float)
    wrong = replace(data, labels=labels, outputs={"v1": np.zeros(len(labels))})
    spec = only(ALL, task="multiclass", template="hgb-60", classes=["low", "middle", "high"])

    found = report(spec, wrong)

    assert choose(found, POLICY).name == "all"
    assert found["entrants"][0]["calibration"] == 0.0
    assert 0.4 < found["entrants"][0]["churn"] < 1.0
