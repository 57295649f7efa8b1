"""How facts and states are told in a transcript: one line each, without hashes and without what is empty."""

from __future__ import annotations

from typing import Any

from statemachine import timers
from statemachine.events import StateChanged
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.record.coding import payload_of
from tests.scenarios.lines import duration

#: Hashes, and what the lines around tell already.
HIDDEN = frozenset({
    "evidence", "features_sha256", "reference_sha256", "policy", "measured", "salt", "semantic_sha256", "manifest",
    "spec", "note", "detector", "log_evidence", "model", "owner", "purpose", "task", "metric", "template", "causes",
    "cooldown_until_us", "seconds_per_row", "lower", "upper", "ttl_seconds",
})  # fmt: skip


def fact(told: Event) -> str:
    """Tell one fact."""
    if isinstance(told, StateChanged):
        note = f": {told.note}" if told.note else ""
        return f"{told.source} -> {told.dest} by {told.trigger}, {told.reason}{note}"
    shown = [f"{name}={_plain(value)}" for name, value in payload_of(told).items() if name not in HIDDEN]
    return " ".join([told.name, *(part for part in shown if not part.endswith("="))])


def state(health: ModelHealth, now_us: int) -> str:
    """Tell where a model stands, what is served, and what happens by itself if nothing else does."""
    live = timers.live(health)
    parts = [str(health.place)]
    if health.automation != "auto":
        parts.append(str(health.automation))
    parts.append(f"{health.champion} serves")
    if health.candidate:
        parts.append(f"{health.candidate} at {health.route.exposure_bp} bp")
    if live is not None:
        parts.append(f"{live.name} in {duration(live.due_us - now_us)}")
    return ", ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, dict) and "tolerance" in value:
        return f"{value['name']}:{value['unit']}:{value['provider']}"
    if isinstance(value, dict):
        return f"{value['name']}:{value['verdict']}" if "verdict" in value else str(value.get("kind", ""))
    if isinstance(value, list | tuple):
        return "|".join(_plain(item) for item in value)
    return str(value)
