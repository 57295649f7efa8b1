"""Folding a history: through `transitions`, as it is done by hand, and by the table that is made from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transitions import Machine

from statemachine.events import StateChanged
from statemachine.kinds import Event
from statemachine.machine import GATEKEEPER
from statemachine.moves import MOVES
from statemachine.replay import replay
from statemachine.words import PLACES

#: One life: a blip, then a decline that is remedied, rolled back, and settles.
LIFE = (
    ("healthy", "suspect", "raise_alarm"),
    ("suspect", "healthy", "clear_as_blip"),
    ("healthy", "suspect", "raise_alarm"),
    ("suspect", "degraded", "confirm_decline"),
    ("degraded", "retraining.scoping", "start_retraining"),
    ("retraining.scoping", "retraining.queued", "queue_job"),
    ("retraining.queued", "retraining.leased", "lease_job"),
    ("retraining.leased", "retraining.validating", "submit_candidate"),
    ("retraining.validating", "canary.shadow", "pass_gates"),
    ("canary.shadow", "canary.rung", "open_rung"),
    ("canary.rung", "canary.aborting", "abort"),
    ("canary.aborting", "rolled_back", "finish_abort"),
    ("rolled_back", "healthy", "settle"),
)
FACTS = tuple(StateChanged(source=s, dest=d, trigger=t, reason="BENCH") for s, d, t in LIFE)
#: How many moves each way is given; a million by the table takes a fifth of a second.
MANY, FEW = 1_000_000 // len(FACTS) * len(FACTS), 20_000 // len(FACTS) * len(FACTS)


@dataclass(slots=True)
class _Cursor:
    state: str


def measure(take: Callable[[str, float], None]) -> None:
    """Fold moves in all three ways, and give the events a second of each."""
    take("fold by transitions", _rate(FEW, lambda: _by_transitions(FEW)))
    take("fold by the table", _rate(MANY, lambda: _by_the_table(FACTS, MANY)))
    take("fold of the whole health", _rate(FEW, lambda: _whole(FACTS, FEW)))


def _by_transitions(count: int) -> None:
    machine = Machine(
        model=None, states=[str(place) for place in PLACES], auto_transitions=False, send_event=True, initial="healthy",
        transitions=[
            {"trigger": move.trigger, "source": [str(place) for place in move.sources], "dest": str(move.dest)}
            for move in MOVES
        ],
    )  # fmt: skip
    cursor = _Cursor("healthy")
    for _ in range(count // len(LIFE)):
        for _source, dest, trigger in LIFE:
            machine.events[trigger].trigger(cursor)
            if cursor.state != dest:
                raise ValueError(dest)


def _by_the_table(facts: Sequence[StateChanged], count: int) -> None:
    legal, state = GATEKEEPER.legal_moves, "healthy"
    for _ in range(count // len(facts)):
        for fact in facts:
            if fact.source != state or (state, fact.trigger, fact.dest) not in legal:
                raise ValueError(fact)
            state = fact.dest


def _whole(facts: Sequence[Event], count: int) -> None:
    history = [(fact, 1) for fact in facts]
    for _ in range(count // len(facts)):
        replay(history)


def _rate(count: int, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return count / (time.perf_counter() - begun)
