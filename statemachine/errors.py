"""Why a command is refused."""

from __future__ import annotations

from collections.abc import Sequence


class Refused(Exception):
    """The table has no such move, or its guard says no."""

    def __init__(self, command: str, place: str, why: str, accepted: Sequence[str] = ()) -> None:
        would = f"; accepted here: {', '.join(accepted)}" if accepted else ""
        super().__init__(f"{command} is refused in {place}: {why}{would}")
        self.command, self.place, self.why, self.accepted = command, place, why, tuple(accepted)


class StaleLease(Refused):
    """The attempt is not the one that holds the job."""


class LegallyHeld(Refused):
    """A legal hold keeps what should be erased."""


class AlreadyRegistered(Refused):
    """The model is under watch already."""


class NotRegistered(Refused):
    """No such model is under watch."""
