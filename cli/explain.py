"""`remission explain`: one decision made again, and each field that came out otherwise."""

from __future__ import annotations

import json

from remission.v1 import audit_pb2
from rich.table import Table

from cli.reach import reached
from cli.tables import told, wide


def run_explain(model: str, position: int, server: str, *, as_json: bool) -> bool:
    """Make the decision at *position* again; say whether it stands: the same to the bit, or its evidence was erased."""
    with reached(server) as client:
        found = client.audit.explain(model, position)
    console, shown = wide(), told(found)
    if as_json:
        console.print_json(json.dumps(shown))
    else:
        console.print(f"{found.decision.type} at {position}, by {found.decision.judge or 'an unknown judge'}")
        console.print(f"on record: {found.decision.verdict_json}")
        console.print(f"{shown['status'].removeprefix('DERIVATION_STATUS_')}: {found.explanation}")
        if found.differences:
            console.print(_table(found))
    return found.status in (audit_pb2.DERIVATION_STATUS_EQUAL, audit_pb2.DERIVATION_STATUS_EVIDENCE_ERASED)


def _table(found: audit_pb2.ExplainDecisionResponse) -> Table:
    table = Table("field", "recorded", "derived", header_style="bold")
    for one in found.differences:
        table.add_row(one.path, one.recorded_json, one.derived_json)
    return table
