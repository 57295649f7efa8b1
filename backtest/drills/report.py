"""What drills found, in the shape that it is written in; and what is new in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from backtest.drills.account import account
from backtest.drills.expecting import Expected, expect
from backtest.drills.playing import Played
from backtest.drills.scenario import Kind, Scenario
from statemachine.policies.policy import Policy

FORMAT = "remission.drill.v1"
NOT_PLANTED = "could not be planted: the stream has no column of the kind that it needs"
NOT_DECLARED = "could not be planted: the policy declares no segment that has one in twenty of the rows"


def run_report(played: Played, policy: Policy) -> dict[str, Any]:
    """Tell one drill: what was expected, what happened, and whether they agree."""
    found = account(played, policy.loss.tolerance)
    planted = played.scenario.kind not in (Kind.FAULT, Kind.LOCAL) or bool(played.planted.touched.any())
    expected = expect(played.scenario, policy, found.harm.verdict, played.planted.feature)
    broken = expected.broken(found) if planted else []
    return {
        "seed": played.plan.seed,
        "as_expected": not broken,
        "planted": planted,
        "expected": expected.road if planted else _unplanted(played.scenario),
        "why": _why(expected, broken) if planted else _unplanted(played.scenario),
        "road": list(found.road),
        "final": found.final,
        "delays": {"suspect": found.suspected, "confirm": found.confirmed, "restore": found.restored},
        "false_alarms": found.false_alarms,
        "alarm": {"signal": found.signal, "subject": found.subject},
        "fault": {"planted": list(played.scenario.faults), "named": list(found.faults)},
        "cause": {"planted": list(played.scenario.causes), "named": found.cause, "features": list(found.blamed)},
        "remedies": list(found.remedies),
        "promoted": found.promoted,
        "gains": list(found.gains),
        "harm": {**asdict(found.harm), "verdict": found.harm.verdict},
        "last_loss": {"served": found.last[0], "static": found.last[1]},
        "changed_answers": found.exposed,
        "transitions": [{**move, "windows": played.plan.windows(move["row"] + 1)} for move in played.moves],
        "window_rows": played.plan.window,
        "change_row": played.plan.change,
        "audit": {name: value for name, value in asdict(played.audit).items() if name != "failures"},
    }


def scenario_report(scenario: Scenario, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Tell all runs of one scenario."""
    agreed = sum(run["as_expected"] for run in runs)
    return {
        "scenario": scenario.name,
        "kind": str(scenario.kind),
        "happens": scenario.happens,
        "sound": scenario.sound,
        "as_expected": agreed == len(runs),
        "share_as_expected": round(agreed / len(runs), 6),
        "share_suspected": _share(runs, "suspect"),
        "share_confirmed": _share(runs, "confirm"),
        "runs": runs,
    }


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Say what differs from the report before: which scenarios do as expected now, or no longer, and which roads."""
    old = {one["scenario"]: one for one in before.get("scenarios", [])}
    said = []
    for one in after["scenarios"]:
        was = old.get(one["scenario"])
        if was is None:
            said.append(f"{one['scenario']}: is new")
        elif was["share_as_expected"] != one["share_as_expected"]:
            shares = f"{was['share_as_expected']:.0%} → {one['share_as_expected']:.0%}"
            said.append(f"{one['scenario']}: as expected {shares}")
        elif _roads(was) != _roads(one):
            said.append(f"{one['scenario']}: takes another road, {' → '.join(one['runs'][0]['road'])}")
    gone = set(old) - {one["scenario"] for one in after["scenarios"]}
    if before.get("policy_sha256") != after["policy_sha256"]:
        said.insert(0, "the policy is another one")
    return said + [f"{name}: is left out" for name in sorted(gone)]


def _unplanted(scenario: Scenario) -> str:
    return NOT_DECLARED if scenario.kind == Kind.LOCAL else NOT_PLANTED


def _why(expected: Expected, broken: list[str]) -> str:
    if broken:
        return "It does not hold that " + ", and that ".join(broken) + "."
    return "It holds that " + ", and that ".join(claim.text for claim in expected.claims) + "."


def _share(runs: list[dict[str, Any]], delay: str) -> float:
    return round(sum(run["delays"][delay] is not None for run in runs) / len(runs), 6)


def _roads(one: dict[str, Any]) -> list[list[str]]:
    return [run["road"] for run in one["runs"]]
