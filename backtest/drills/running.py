"""Runs drills: which scenarios, how often, on which rows; and gives the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtest.drills.ground import known, plan
from backtest.drills.options import Options, check
from backtest.drills.playing import Orders, play
from backtest.drills.report import FORMAT, run_report, scenario_report
from backtest.drills.scenario import Scenario
from backtest.drills.scenarios import SCENARIOS
from backtest.drills.world import world
from retraining.sandbox import Sandbox
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical, digest

__all__ = ["Options", "drill"]

Begin = Callable[[int], Callable[[int], None]]  #: given how many rows there are, gives what is told of each step


def drill(options: Options, begin: Begin = lambda _: lambda _: None) -> dict[str, Any]:
    """Play every scenario that is asked for, and report. It touches no model but its own, in memory.

    Raises:
        StreamInvalid: An option is not accepted.
    """
    check(options)
    policy, chosen = Policy.from_json(options.policy), _chosen(options)
    recorded = None if options.stream is None else known(options.stream)
    seeds = range(options.seed, options.seed + options.runs)
    sized = plan(recorded or world(options.task, options.seed), policy, options.seed)
    progress = begin(len(chosen) * len(seeds) * (sized.rows - sized.reference_rows))
    found: dict[str, list[dict[str, Any]]] = {one.name: [] for one in chosen}
    with Sandbox() as sandbox:
        for seed in seeds:
            pool = recorded or world(options.task, seed)
            orders = Orders(pool=pool, policy=options.policy, template=options.template, metric=options.metric)
            for one in chosen:
                found[one.name].append(run_report(play(one, orders, seed, sandbox, progress), policy))
    told = [scenario_report(one, found[one.name]) for one in chosen]
    return {
        "format": FORMAT,
        "stream": (recorded.name if recorded else "world"),
        "task": options.stream.task if options.stream else options.task,
        "template": options.template,
        "policy": policy.to_json(),
        "policy_sha256": digest(canonical(policy.to_json())),
        "seed": options.seed,
        "runs": options.runs,
        "as_expected": all(one["as_expected"] for one in told),
        "scenarios": told,
    }


def _chosen(options: Options) -> list[Scenario]:
    return [one for one in SCENARIOS if not options.scenarios or one.name in options.scenarios]
