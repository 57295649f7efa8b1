"""Rows of two spans that are alike in their seasons, so that what differs between them is no season."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from monitoring.profiles.reference import Ints
from monitoring.profiles.seasons import Calendar, Cell

#: Share of the later rows that may be left out, where the earlier span has too few of their seasons.
LEFT_OUT = 0.1
Places = NDArray[np.int64]


def matched(calendar: Calendar, before_us: Ints, after_us: Ints) -> tuple[Places, Places]:
    """Give the places of rows before (n,) and since (m,) that have each season in equal shares, both rising.

    Of rows before, the newest of each season are taken, as many as keep the shares. Rows since whose season the earlier
    span does not have are left out, and so are those of the seasons of which it has least, up to a tenth.
    """
    before, after = calendar.cells(before_us), calendar.cells(after_us)
    poorest = sorted((cell for cell in after if cell in before), key=lambda c: (len(before[c]) / len(after[c]), c))
    kept = _kept(poorest, after, LEFT_OUT * len(after_us))
    if not kept:
        return np.arange(0), np.arange(0)
    old, new = len(before[kept[0]]), len(after[kept[0]])
    taken = [before[cell][-max(len(after[cell]) * old // new, 1) :] for cell in kept]
    return np.sort(np.concatenate(taken)), np.sort(np.concatenate([after[cell] for cell in kept]))


def _kept(poorest: list[Cell], after: dict[Cell, Ints], most: float) -> list[Cell]:
    """Leave out the first cells, as long as they hold no more than *most* rows, and one is left."""
    left = 0
    for k, cell in enumerate(poorest[:-1]):
        left += len(after[cell])
        if left > most:
            return poorest[k:]
    return poorest[-1:]
