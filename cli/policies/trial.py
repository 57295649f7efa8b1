"""What another policy would have done: to a recorded stream, run again whole, or to the decisions in a model's log."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from rich.table import Table

from backtest.options import Options, setup_of
from backtest.stream import Stream
from cli.history import with_bar
from cli.policies.source import Source
from cli.reach import reached
from cli.tables import plain, wide
from server.judges.table import rederive
from statemachine.policies.policy import Policy

#: What people ask about, by the move that answers it.
COUNTED = {
    "raise_alarm": "alarms", "confirm_decline": "confirmed", "clear_as_blip": "cleared", "start_retraining": "remedies",
}  # fmt: skip
SHOWN = ("loss", "alarms", "confirmed", "cleared", "remedies", "promotions", "rollbacks")
TIMELINE = ("row", "from", "to", "trigger", "reason")


class _OutOfReach(LookupError):
    """Evidence that a judge reads beside its inputs is not handed out by the server."""


def try_on_stream(stream: Stream, policies: dict[str, Source], options: dict[str, Any]) -> dict[str, Any]:
    """Run *stream* under each policy, and tell side by side what happened."""
    asked = {side: Options(policy=source.said, **options) for side, source in policies.items()}
    for each in asked.values():
        setup_of(stream, each)  # what is wrong is told before anything heavy is imported
    from backtest.run import backtest

    console, found = plain(stderr=True), {}
    for side, each in asked.items():
        name = f"{stream.name}: {policies[side].name}"
        found[side] = _summary(with_bar(console, name, lambda begin, each=each: backtest(stream, each, begin)))
    return {"stream": stream.name, "names": {side: one.name for side, one in policies.items()}, **found}


def try_on_model(server: str, model: str, source: Source) -> dict[str, Any]:
    """Put the recorded inputs of each decision in the log of *model* before its judge again, under another policy."""
    with reached(server) as client:
        client.models.get(model)
        decided = [event for event in client.audit.events(model) if json.loads(event.payload_json).get("evidence")]
        told = [client.audit.explain(model, event.position).decision for event in decided]
    return {"model": model, "policy": source.name, "decisions": [_judged(one, source.policy) for one in told]}


def show_stream_trial(found: dict[str, Any], *, as_json: bool) -> None:
    """Print a trial on a stream."""
    console = wide()
    if as_json:
        console.print_json(json.dumps(found))
        return
    table = Table("policy", *SHOWN, header_style="bold", title=found["stream"])
    for side, name in found["names"].items():
        table.add_row(name, *(f"{found[side][column]:.5g}" for column in SHOWN))
    console.print(table)
    for side, name in found["names"].items():
        timeline = Table(*TIMELINE, header_style="bold", title=f"under {name}")
        for move in found[side]["transitions"]:
            timeline.add_row(*(str(move[column]) for column in TIMELINE))
        console.print(timeline)


def show_model_trial(found: dict[str, Any], *, as_json: bool) -> None:
    """Print a trial on the record."""
    console = wide()
    if as_json:
        console.print_json(json.dumps(found))
        return
    columns = ("position", "judge", "decided", "would decide")
    table = Table(*columns, header_style="bold", title=f"{found['model']} under {found['policy']}")
    for one in found["decisions"]:
        table.add_row(str(one["position"]), one["judge"], one["decided"], one["would_decide"])
    console.print(table)
    console.print(
        "Each decision on record by itself, on what was measured under the policy of its time: windows, blocks\n"
        "and the tolerance of the loss stay as they were. What follows from one that differs, and where this\n"
        "policy would have spoken while the other was silent, only a stream tells (--stream)."
    )


def _summary(report: dict[str, Any]) -> dict[str, Any]:
    moves = Counter(COUNTED.get(move["trigger"], "") for move in report["transitions"])
    counts = {name: moves[name] for name in COUNTED.values()}
    ends = {name: report[name] for name in ("promotions", "rollbacks", "retrainings", "transitions")}
    return {"loss": report["loss"]["served"], "static_loss": report["loss"]["static"], **counts, **ends}


def _judged(decision: Any, policy: Policy) -> dict[str, Any]:  # noqa: ANN401 - a message of the contract
    would = _would_decide(decision.inputs_json, policy)
    told = {"position": decision.position, "judge": decision.judge, "decided": decision.type}
    return {**told, "would_decide": would, "same": None if would.startswith("not told") else would == decision.type}


def _would_decide(evidence: str, policy: Policy) -> str:
    if not evidence:
        return "not told: its evidence is gone"
    try:
        ruling = rederive(evidence.encode(), policy, _out_of_reach)
    except _OutOfReach:
        return "not told: its reference is not handed out"
    except (LookupError, ValueError) as error:
        return f"not told: {error}"
    return ruling.event if ruling else "nothing"


def _out_of_reach(sha256: str) -> bytes:
    raise _OutOfReach(sha256)
