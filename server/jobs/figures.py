"""Sums of losses that a worker hands in: what no rows can have come to is refused.

That rows were compared at all nobody proves by this. It keeps out what no bake-off can give: rows that were never held
out, more saved than there was to lose, and a certainty (squares too small for their sum) that no rows bear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from measures.losses import MOST_STEPS, SCALE
from measures.sums import SQUARE_SHIFT
from server.errors import Invalid

MOST_INTEGER = (1 << 63) - 1  #: sums of squares need the whole range
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_INTEGER)]
Whole = Annotated[int, msgspec.Meta(ge=-MOST_INTEGER, le=MOST_INTEGER)]
Block = tuple[Count, Whole, Count]  #: rows, sum, sum of squares


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that one row can come to, in steps of fixed point."""

    least: int
    most: int

    @property
    def of_leads(self) -> Bounds:
        """What the difference of two such values can come to."""
        return Bounds(self.least - self.most, self.most - self.least)


def bounds(metric: str, rows: int) -> Bounds:
    """Say what one of so many *rows* can lose by *metric*, as `measures.losses` counts it.

    >>> bounds("accuracy", 200)
    Bounds(least=0, most=1048576)
    """
    if metric == "mae":
        return Bounds(0, MOST_STEPS)
    if metric == "roc_auc":  # where its class is rare, a row moves the whole by as much as all rows together
        most = min(rows * SCALE, MOST_STEPS)
        return Bounds(-most, most)
    return Bounds(0, SCALE)


def check_parts(where: str, told: Sequence[Block], rows: int, blocks: int) -> None:
    """Refuse blocks that are not *rows* in the order of time, cut into as many *blocks* of equal size as there can be.

    Raises:
        Invalid: There are more of them, or fewer, or one has other rows.
    """
    wanted = cut(rows, blocks)
    if len(told) != len(wanted):
        raise Invalid(where, f"{len(told)} blocks; {len(wanted)} of {rows} rows are accepted")
    for i, (one, most) in enumerate(zip(told, wanted, strict=True)):
        if one[0] != most:
            raise Invalid(f"{where}[{i}][0]", f"{one[0]} rows are not accepted; {most} of {rows} are")


def cut(rows: int, blocks: int) -> list[int]:
    """Give the sizes of *blocks* of *rows*, as `numpy.array_split` cuts them.

    >>> cut(7, 3), cut(2, 3), cut(0, 3)
    ([3, 2, 2], [1, 1], [0])
    """
    count = min(blocks, max(rows, 1))
    return [rows // count + (i < rows % count) for i in range(count)]


def check_sums(where: str, told: Sequence[Block], within: Bounds) -> None:
    """Refuse sums that no rows *within* these bounds have.

    Raises:
        Invalid: A sum is beyond them, or the sum of squares is not one of rows with that sum.
    """
    for i, one in enumerate(told):
        place, accepted = _fault(one, within)
        if accepted:
            raise Invalid(f"{where}[{i}][{place}]", f"{one[place]} is not accepted; {accepted}")


def check_part(where: str, told: Sequence[Block], whole: Sequence[Block], within: Bounds) -> None:
    """Refuse blocks that are not of some of the rows of the *whole*: what is left of each is told of other rows.

    Raises:
        Invalid: There are more of them, or fewer, or one has more rows or another sum than it can have there.
    """
    if len(told) != len(whole):
        raise Invalid(where, f"{len(told)} blocks, where the whole has {len(whole)}; as many are accepted")
    check_sums(where, told, within)
    for i, (one, all_of) in enumerate(zip(told, whole, strict=True)):
        if one[0] > all_of[0]:
            raise Invalid(f"{where}[{i}][0]", f"{one[0]} rows are not accepted; 0 to {all_of[0]} of the whole are")
        rest = (all_of[0] - one[0], all_of[1] - one[1], all_of[2] - one[2])
        place, accepted = _fault(rest, within)
        if accepted:
            told_of = f"{one[place]} leaves {rest[place]} of the whole to other rows; {accepted}"
            raise Invalid(f"{where}[{i}][{place}]", told_of)


def check_leads(where: str, leads: Sequence[Block], champion: Sequence[Block], within: Bounds) -> None:
    """Refuse leads over the *champion*, of whose rows they are, that leave the entrant a loss that no rows have.

    Raises:
        Invalid: A block has other rows than the champion's, or the entrant would lose more than can be lost, or less.
    """
    if len(leads) != len(champion):
        raise Invalid(where, f"{len(leads)} blocks, where the champion has {len(champion)}; as many are accepted")
    for i, (lead, lost) in enumerate(zip(leads, champion, strict=True)):
        if lead[0] != lost[0]:
            raise Invalid(f"{where}[{i}][0]", f"{lead[0]} rows, where the champion has {lost[0]}; as many are accepted")
        least, most = lost[1] - lost[0] * within.most, lost[1] - lost[0] * within.least
        if not least <= lead[1] <= most:
            lost_there = f"where the champion lost {lost[1]} in {lost[0]} rows"
            raise Invalid(f"{where}[{i}][1]", f"{lead[1]} is not accepted; {least} to {most} is, {lost_there}")
    check_sums(where, leads, within.of_leads)


def _fault(told: Block, within: Bounds) -> tuple[int, str]:
    """Say which number of a block no rows come to, and what is accepted there; nothing where all are well."""
    rows, total, squares = told
    least, most = rows * within.least, rows * within.most
    if not least <= total <= most:
        return 1, f"{least} to {most} of {rows} rows is"
    least, most = _squares(rows, total, within)
    if not least <= squares <= most:
        return 2, f"{least} to {most} of {rows} rows with the sum {total} is"
    return 0, ""


def _squares(rows: int, total: int, within: Bounds) -> tuple[int, int]:
    """Give the least and the most that the squares of *rows* with this *total* can add up to.

    Each row is shifted before it is squared (`measures.sums.block`), which takes less than one from it: the sum of what
    is left is known to within the rows. Squares are least where all rows are alike (Cauchy and Schwarz), and most where
    each is nothing or all.
    """
    shifted = total >> SQUARE_SHIFT
    nearest = max(0, shifted - rows + 1, -shifted)  # of the sums that the shifted rows may have, the one next to zero
    largest = max(-within.least, within.most) >> SQUARE_SHIFT
    most = shifted * largest if within.least == 0 else rows * largest * largest
    return -(-nearest * nearest // rows) if rows else 0, most
