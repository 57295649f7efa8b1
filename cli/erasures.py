"""Erasures, as people and machines are shown them."""

from __future__ import annotations

from collections.abc import Iterable

from remission.v1 import privacy_pb2

from cli.tables import show, told

COLUMNS = ("erasure_id", "status", "scope", "model", "rows", "labels", "trained_versions", "stopped_jobs")


def show_erasures(found: Iterable[privacy_pb2.Erasure], *, as_json: bool) -> None:
    """Print erasures: one line for each model that one has touched, or one where it touched none."""
    whole = [told(one) for one in found]
    if as_json:
        show(whole, COLUMNS, as_json=True)
        return
    lines = [
        {**one, **model, "status": one["status"].removeprefix("ERASURE_STATUS_").lower()}
        for one in whole
        for model in one["models"] or [{"model": "-", "rows": 0, "labels": 0}]
    ]
    show(lines, COLUMNS, as_json=False)
