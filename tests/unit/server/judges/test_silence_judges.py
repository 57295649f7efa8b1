"""Claims about silence: it begins as soon as nothing has come for as long as may be, and not a microsecond before."""

from __future__ import annotations

from typing import Any

import pytest

from server.judges.table import rule
from statemachine.policies.policy import Policy

LAST_US, LIMIT_US = 1_000, 120_000_000
ABOUT: dict[str, Any] = {
    "signal": "silence", "subject": "rows", "at_row": 9, "last_us": LAST_US, "limit_us": LIMIT_US, "provider": "p",
    "interval_seconds": 60.0, "silent_after": 2,
}  # fmt: skip


@pytest.mark.parametrize(
    ("judge", "early", "due"),
    [
        ("silence@1", "", "alarm_raised"),
        ("signal_silence@1", "", "signal_silenced"),
        ("signal_return@1", "signal_heard", ""),
    ],
)
def test_nothing_is_silent_before_its_time_and_everything_is_then(judge: str, early: str, due: str) -> None:
    def no_evidence(sha256: str) -> bytes:
        raise LookupError(sha256)

    asked = [{**ABOUT, "now_us": LAST_US + LIMIT_US - left} for left in (1, 0)]
    found = [rule(judge, inputs, Policy(), no_evidence)[0] for inputs in asked]

    assert [one.event if one else "" for one in found] == [early, due]
