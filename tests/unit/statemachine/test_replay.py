"""A recorded event is folded by the table of its own time, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from statemachine.machine import GATEKEEPER, UnknownMachine, gatekeeper_of
from statemachine.moves import MACHINE_VERSION, MOVES, TABLES
from statemachine.record.canonical import canonical
from statemachine.record.envelope import PayloadErased, RecordedEvent
from statemachine.replay import IllegalHistory, refold
from statemachine.words import DEGRADED, Reason
from tests.unit.statemachine.laws import born

JUMP = {"source": "healthy", "dest": "degraded", "trigger": "raise_alarm", "reason": str(Reason.ALARM), "note": ""}


def recorded(payload: bytes | None, *, machine: str = MACHINE_VERSION, kind: str = "held") -> RecordedEvent:
    return RecordedEvent(
        event_id="e", type=kind, schema=1, occurred_us=5, actor="a", authentication="none", causation_id=None,
        correlation_id=None, request_id=None, policy_version=1, machine_version=machine, volatile=False,
        volatile_fields=(), namespace="default", stream="m", version=2, position=2, recorded_us=5, format=2,
        commitment="", previous_hash="", hash="", payload=payload, payload_key=b"k",
    )  # fmt: skip


def on_record(payload: Any, *, machine: str = MACHINE_VERSION, kind: str = "state_changed") -> RecordedEvent:
    return recorded(canonical(payload), machine=machine, kind=kind)


@pytest.fixture
def an_older_table(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let a release before ours have had a table in which one alarm was enough."""
    straight = tuple(replace(move, dest=DEGRADED) if move.trigger == "raise_alarm" else move for move in MOVES)
    monkeypatch.setitem(TABLES, "0", straight)
    return "0"


def test_a_move_is_held_to_the_table_of_its_own_time(an_older_table: str) -> None:
    _, after = refold(born(), on_record(JUMP, machine=an_older_table))

    assert str(after.place) == "degraded"
    with pytest.raises(IllegalHistory, match="event 2: raise_alarm from healthy to degraded is not in the table"):
        refold(born(), on_record(JUMP))


def test_the_machine_of_today_is_made_once() -> None:
    assert gatekeeper_of(MACHINE_VERSION) is GATEKEEPER


def test_a_machine_of_the_future_is_refused_at_its_event_with_what_is_known() -> None:
    with pytest.raises(UnknownMachine, match="'7' is unknown here; known: 1"):
        gatekeeper_of("7")
    with pytest.raises(IllegalHistory, match="event 2: machine version '7' is unknown here; known: 1"):
        refold(born(), on_record({"reason": "r", "note": ""}, machine="7", kind="held"))


@pytest.mark.parametrize(
    ("kind", "payload", "said"),
    [
        ("dreamt", {}, "unknown event 'dreamt' of schema 1"),
        ("held", {"reason": "r"}, "the payload is none of 'held' of schema 1"),
        ("policy_changed", {"policy": {"tier": 9}, "owner": "", "purpose": ""}, "tier: 9 is not accepted"),
        ("escalated", [], "the payload is none of 'escalated'"),
        ("remediation_started", {"number": 1, "returns_to": 3, "requested_by": "x"}, "event 2"),
    ],
)
def test_what_cannot_be_folded_is_refused_at_its_event(kind: str, payload: Any, said: str) -> None:
    with pytest.raises(IllegalHistory, match=said) as caught:
        refold(born(), on_record(payload, kind=kind))

    assert caught.value.version == 2


def test_a_payload_that_is_no_json_is_refused_at_its_event() -> None:
    with pytest.raises(IllegalHistory, match="event 2"):
        refold(born(), recorded(b'{"reason":'))


def test_an_erased_payload_is_said_to_be_erased() -> None:
    with pytest.raises(PayloadErased, match="m version 2"):
        refold(born(), recorded(None))
