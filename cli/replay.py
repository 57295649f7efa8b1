"""`remission replay`: a log folded again and compared, and its decisions derived again."""

from __future__ import annotations

import json
from typing import Any

from remission import Client
from remission.v1 import audit_pb2, health_pb2
from rich.table import Table

from cli.reach import reached
from cli.tables import visible, wide


def run_replay(model: str, server: str, *, derive: bool, as_json: bool) -> bool:
    """Replay a model's log, and derive its decisions again when asked; say whether all is equal."""
    console = wide()
    with reached(server) as client:
        steps, told = _replayed(client, model)
        if derive:
            told |= _derived(client, model)
    if as_json:
        console.print_json(json.dumps(told))
    else:
        console.print(_table(steps))
        console.print(visible(", ".join(f"{name} {value}" for name, value in told.items() if value != "")))
    return bool(told["equal"]) and not told.get("first_failure")


def _replayed(client: Client, model: str) -> tuple[list[audit_pb2.ReplayStep], dict[str, Any]]:
    steps, summary = [], audit_pb2.ReplaySummary()
    for part in client.replay(model):
        if part.HasField("summary"):
            summary = part.summary
        else:
            steps.append(part.step)
    equal = summary.equal and summary.chain_ok
    return steps, {"events": summary.events, "equal": equal, "difference": summary.difference}


def _derived(client: Client, model: str) -> dict[str, Any]:
    found = client.audit.verify(model)
    return {
        "decisions": found.decisions, "rederived": found.rederived, "erased": found.erased,
        "log_sha256": found.log_sha256, "first_failure": found.first_failure,
    }  # fmt: skip


def _table(steps: list[audit_pb2.ReplayStep]) -> Table:
    table = Table("version", "type", "before", "after", header_style="bold")
    for step in steps:
        table.add_row(str(step.event.version), step.event.type, _place(step.before), _place(step.after))
    return table


def _place(state: health_pb2.ModelState) -> str:
    name = health_pb2.State.Name(state.state).removeprefix("STATE_").lower()
    return f"{name}.{state.phase}" if state.phase else name
