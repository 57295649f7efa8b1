"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass, field

from remission_verify.limits import MOST_FAULTS, MOST_SHOWN


@dataclass(frozen=True, slots=True)
class Fault:
    """Something is wrong: in which file, at which position of the log when it is one, and what was expected."""

    file: str
    said: str
    position: int | None = None

    def __str__(self) -> str:
        """Tell it in one line."""
        return f"{self.file}: {f'position {self.position}: ' if self.position else ''}{self.said}"


def unlike(file: str, place: str, expected: str, found: str, position: int | None = None) -> Fault:
    """Make a fault of something that is not as expected, at a *place* of the file: a line, a field."""
    shown = found if len(found) <= MOST_SHOWN else f"{found[:MOST_SHOWN]}…"
    return Fault(file, f"{f'{place}: ' if place else ''}expected {expected}, found {shown}", position)


@dataclass(slots=True)
class Findings:
    """The faults of a log, and what was read of it. Beyond a limit faults are counted only."""

    origin: str = ""
    size: int | None = None  #: entries that were signed; None where no checkpoint was believed
    root: str = ""
    streams: int = 0
    signed_by: tuple[str, ...] = ()
    witnesses: tuple[tuple[str, int], ...] = ()  #: who cosigned, and when, in seconds since 1970
    faults: list[Fault] = field(default_factory=list)
    untold: int = 0  #: further faults
    more: dict[str, str | int] = field(default_factory=dict)  #: what else was read, by a name for people
    checked: list[str] = field(default_factory=list)  #: what was gone through, in order, whether or not it was right
    unchecked: str = ""  #: what was not, and why; empty where all was

    @property
    def whole(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.faults

    def add(self, fault: Fault) -> None:
        """Keep a fault, or count it."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(fault)
        else:
            self.untold += 1

    def sort(self) -> None:
        """Put faults in the order of the log; what is about no position goes last."""
        self.faults.sort(key=lambda fault: (fault.position is None, fault.position or 0, fault.file))
