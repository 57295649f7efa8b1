"""Drills in the real service: what the default policy does in each scenario, and what a drill leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backtest.drills.playing import Orders, play
from backtest.drills.report import run_report
from backtest.drills.running import Options, drill
from backtest.drills.scenarios import SCENARIOS
from backtest.drills.world import world
from backtest.stream import read_stream
from retraining.sandbox import Sandbox
from statemachine.policies.policy import Policy
from tests.fixtures.drills import recorded

FAST = "linear"  #: learns in milliseconds
#: A line cannot learn what is true in one segment alone: trees can.
TEMPLATE = {"local": "hgb-60"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as one:
        yield one


def report(sandbox: Sandbox, name: str, *, task: str = "binary", seed: int = 0, **policy: Any) -> dict[str, Any]:
    scenario = next(one for one in SCENARIOS if one.name == name)
    orders = Orders(pool=world(task, seed), policy=policy, template=TEMPLATE.get(name, FAST))
    return run_report(play(scenario, orders, seed, sandbox), Policy.from_json(policy))


@pytest.mark.parametrize("name", [one.name for one in SCENARIOS])
def test_the_default_policy_does_as_expected_and_every_decision_can_be_derived(sandbox: Sandbox, name: str) -> None:
    found = report(sandbox, name)

    assert found["as_expected"], found["why"]
    assert found["false_alarms"] == 0
    assert found["audit"]["chain_ok"]
    assert found["audit"]["replay_equal"]
    assert found["audit"]["decisions"] == found["audit"]["rederived"]


@pytest.mark.parametrize("task", ["multiclass", "regression"])
@pytest.mark.parametrize("name", ["calm", "concept", "sentinel"])
def test_other_tasks_do_as_expected_too(sandbox: Sandbox, task: str, name: str) -> None:
    found = report(sandbox, name, task=task)

    assert found["as_expected"], found["why"]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_blip_of_two_windows_is_met_and_is_over_without_a_remedy_in_other_worlds_too(
    sandbox: Sandbox, seed: int
) -> None:
    found = report(sandbox, "blip-2", seed=seed)

    assert found["as_expected"], found["why"]
    assert found["delays"]["suspect"] <= 2
    assert "queue_job" not in {move["trigger"] for move in found["transitions"]}


def test_where_a_person_must_agree_the_drill_expects_and_finds_that_one_is_asked(sandbox: Sandbox) -> None:
    found = report(sandbox, "concept", approvals={"required": True})

    assert found["as_expected"], found["why"]
    assert "a person is asked" in found["expected"]
    assert "retraining.awaiting_approval" in {move["to"] for move in found["transitions"]}


REGIONS = {"splits": [{"name": "age", "column": "age", "edges": [-1.4]}, {"name": "region", "column": "region"}]}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_local_decline_in_a_declared_segment_is_named(sandbox: Sandbox, seed: int) -> None:
    found = report(sandbox, "segment", seed=seed, segments=REGIONS)

    assert found["as_expected"], found["why"]
    assert found["expected"] == "suspect, by the segment age<-1.4"
    assert found["audit"]["decisions"] == found["audit"]["rederived"]


def test_segments_raise_no_alarm_where_nothing_changes(sandbox: Sandbox) -> None:
    assert report(sandbox, "calm", segments=REGIONS)["road"] == ["healthy"]


def test_a_fault_that_costs_is_blamed_on_the_data_also_where_the_policy_does_not_watch_quality(
    sandbox: Sandbox,
) -> None:
    found = report(sandbox, "stuck", quality={"alarms": "never"})

    assert found["harm"]["verdict"] == "rises"
    assert found["as_expected"], found["why"]
    assert found["alarm"]["signal"] == "loss"
    assert found["cause"]["named"] == "data_quality"
    assert "stuck" in found["fault"]["named"]


def test_equal_seeds_give_equal_logs_and_another_seed_gives_another(sandbox: Sandbox) -> None:
    first, again, other = (report(sandbox, "concept", seed=seed)["audit"]["log_sha256"] for seed in (3, 3, 4))

    assert first == again
    assert first != other


def test_drills_plant_in_rows_that_somebody_recorded(tmp_path: Path) -> None:
    stream = read_stream(recorded(tmp_path / "loans.csv"), "label")

    found = drill(Options(scenarios=("calm", "concept", "new-category"), stream=stream, template=FAST))
    assert found["as_expected"], [run["why"] for one in found["scenarios"] for run in one["runs"]]
    assert found["stream"] == "loans"
    assert [one["scenario"] for one in found["scenarios"]] == ["calm", "concept", "new-category"]


def test_what_a_stream_has_no_column_for_is_told_and_counts_for_nothing(tmp_path: Path) -> None:
    stream = read_stream(recorded(tmp_path / "loans.csv"), "label", drop=("region", "channel"))

    found = drill(Options(scenarios=("new-category",), stream=stream, template=FAST))["scenarios"][0]
    assert found["as_expected"]
    assert not found["runs"][0]["planted"]
    assert "could not be planted" in found["runs"][0]["why"]


def test_each_run_has_a_seed_of_its_own_and_shares_count_them() -> None:
    found = drill(Options(scenarios=("calm",), template=FAST, seed=5, runs=2))["scenarios"][0]

    assert [run["seed"] for run in found["runs"]] == [5, 6]
    assert found["share_as_expected"] == sum(run["as_expected"] for run in found["runs"]) / 2
