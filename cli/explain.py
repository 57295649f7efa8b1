"""`remission explain`: one decision told and made again, and each field that came out otherwise."""

from __future__ import annotations

import json

from remission.v1 import audit_pb2
from rich.table import Table

from cli.decisions import sentence
from cli.reach import reached
from cli.tables import told, visible, wide


def run_explain(model: str, position: int, server: str, *, as_json: bool) -> bool:
    """Make the decision at *position* again; say whether it stands: the same to the bit, or its evidence was erased."""
    with reached(server) as client:
        found = client.audit.explain(model, position)
    console = wide()
    if as_json:
        console.print_json(json.dumps(told(found)))
    else:
        for line in _lines(found):
            console.print(visible(line), highlight=False)
        if found.differences:
            console.print(_table(found))
    return found.status in (audit_pb2.DERIVATION_STATUS_EQUAL, audit_pb2.DERIVATION_STATUS_EVIDENCE_ERASED)


def _lines(found: audit_pb2.ExplainDecisionResponse) -> list[str]:
    decision = found.decision
    policy = f"version {decision.policy_version} of the policy" if decision.policy_version else "the policy of its time"
    by = f"{decision.judge or 'An unknown judge'} decided that at position {decision.position}, under {policy}."
    return [sentence(decision.model, decision.type, json.loads(decision.verdict_json)), by, _again(found)]


def _again(found: audit_pb2.ExplainDecisionResponse) -> str:
    """Say whether it comes out the same when it is made again."""
    name = audit_pb2.DerivationStatus.Name(found.status).removeprefix("DERIVATION_STATUS_")
    if found.status == audit_pb2.DERIVATION_STATUS_EQUAL:
        return f"{name}: made again from its evidence, every number agrees to the bit."
    if found.differences:
        return f"{name}: made again from its evidence, {_counted(len(found.differences))} otherwise."
    return f"{name}: it cannot be made again: {found.explanation}"


def _counted(fields: int) -> str:
    return "one field comes out" if fields == 1 else f"{fields} fields come out"


def _table(found: audit_pb2.ExplainDecisionResponse) -> Table:
    table = Table("field", "recorded", "derived", header_style="bold")
    for one in found.differences:
        table.add_row(*map(visible, (one.path, one.recorded_json, one.derived_json)))
    return table
