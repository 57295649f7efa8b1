"""The table as a `transitions` machine: it alone says whether a move is legal.

One machine serves a process. It is triggered on a throw-away cursor, since a machine per model costs
hundreds of microseconds and puts methods on every object. Folding history uses `legal_moves`, a
dictionary generated from the machine and proved equal to it by the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transitions import EventData, Machine, MachineError

from statemachine.commands import Command
from statemachine.errors import Refused
from statemachine.guards import Guard, approver_is_not_requester, automation_is_on
from statemachine.health import ModelHealth
from statemachine.moves import MACHINE_VERSION, MOVES, TABLES, Move
from statemachine.words import PLACES, Automation, Place

#: What gives the wheel back, where a person has it.
IN_CHARGE = {Automation.HELD: ("Release",), Automation.FROZEN: ("Unfreeze", "Release")}
FOUR_EYES = ("Approve of somebody else", "Reject")


@dataclass(slots=True)
class _Cursor:
    """What the machine moves: a name that starts where the model stands."""

    state: str
    refusing: str = ""


class Gatekeeper:
    """Fires moves through `transitions`, and refuses what the table does not allow."""

    def __init__(self, moves: Sequence[Move] = MOVES) -> None:
        self._machine = Machine(
            model=None,
            states=[str(place) for place in PLACES],
            transitions=[
                {
                    "trigger": move.trigger,
                    "source": [str(place) for place in move.sources],
                    "dest": str(move.dest),
                    "conditions": [_condition(guard) for guard in move.when],
                }
                for move in moves
            ],
            initial=str(PLACES[0]),
            auto_transitions=False,
            send_event=True,
        )
        self.legal_moves = frozenset(
            (source, name, transition.dest)
            for name, event in self._machine.events.items()
            for source, transitions in event.transitions.items()
            for transition in transitions
        )

    def fire(self, trigger: str, health: ModelHealth, command: Command, now_us: int) -> Place:
        """Say where *trigger* takes the model.

        Raises:
            Refused: The table has no such move from here, or a guard says no.
        """
        cursor = _Cursor(str(health.place))
        try:
            event = self._machine.events[trigger]
            moved = event.trigger(cursor, health=health, command=command, now_us=now_us)
        except (KeyError, MachineError):
            raise Refused(
                trigger, str(health.place), "the table has no such move", self.accepted(health.place)
            ) from None
        if not moved:
            raise Refused(
                trigger, str(health.place), f"{cursor.refusing} does not hold", self._helps(cursor.refusing, health)
            )
        return Place.named(cursor.state)

    def _helps(self, guard: str, health: ModelHealth) -> tuple[str, ...]:
        """Name what is accepted where *guard* says no."""
        if guard == automation_is_on.__name__:
            return IN_CHARGE[health.automation]
        return FOUR_EYES if guard == approver_is_not_requester.__name__ else self.accepted(health.place)

    def accepted(self, place: Place) -> tuple[str, ...]:
        """Name the triggers that the machine knows in *place*."""
        return tuple(sorted({name for source, name, _ in self.legal_moves if source == str(place)}))


def _condition(guard: Guard) -> Callable[[EventData], bool]:
    def holds(event: EventData) -> bool:
        facts = event.kwargs
        answer = guard(facts["health"], facts["command"], facts["now_us"])
        if not answer and isinstance(event.model, _Cursor):
            event.model.refusing = guard.__name__
        return answer

    return holds


GATEKEEPER = Gatekeeper()
_MADE: dict[str, Gatekeeper] = {MACHINE_VERSION: GATEKEEPER}


class UnknownMachine(ValueError):
    """The event was decided by a machine that this release does not know."""

    def __init__(self, version: str) -> None:
        """Name the version, and those that are known."""
        super().__init__(f"machine version {version!r} is unknown here; known: {', '.join(sorted(TABLES))}")
        self.version = version


def gatekeeper_of(machine_version: str) -> Gatekeeper:
    """Give the machine of a version, so that a history is held to the table of its own time.

    Raises:
        UnknownMachine: No table of that version is known here.
    """
    if machine_version not in _MADE:
        if machine_version not in TABLES:
            raise UnknownMachine(machine_version)
        _MADE[machine_version] = Gatekeeper(TABLES[machine_version])
    return _MADE[machine_version]
