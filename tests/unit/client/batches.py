"""Rows and outcomes to send, and what became of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from remission.reporting import Buffer, Entry, Outcome, Scored
from remission.sending import Sender


def scored(*ids: str, time_us: int = 1_000, **given: Any) -> Scored:
    count = len(ids)
    whole = Scored(
        columns={"x": np.zeros(count), "colour": np.array(["red"] * count)},
        prediction_ids=list(ids),
        times_us=np.full(count, time_us, dtype=np.int64),
        outputs={"v1": np.full(count, 0.5)},
        served_by=["v1"] * count,
        unit_ids=[""] * count,
        subject_ids=[""] * count,
        latency_us=np.zeros(count, dtype=np.int32),
        route_generation=1,
    )
    return replace(whole, **given)


def outcome(prediction_id: str, value: float = 1.0, time_us: int = 2_000) -> Outcome:
    return Outcome(prediction_id=prediction_id, value=value, time_us=time_us)


def send(intake: Any, *entries: Entry, model: str = "m") -> tuple[Sender, Buffer]:
    """Send all of *entries*, to the end."""
    buffer = Buffer(1_000_000)
    for entry in entries:
        buffer.put(entry)
    buffer.close()
    sender = Sender(intake, buffer, model, pause_seconds=0)
    sender.run()
    assert buffer.wait_empty(0)
    return sender, buffer


def told(sender: Sender, buffer: Buffer) -> tuple[int, int, int]:
    return sender.sent, sender.refused, buffer.dropped
