"""Many watches at once: they lie side by side in arrays, from window to window.

An object is made for those alone that have something to tell, which in most windows are none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.tables import Asked
from monitoring.drift.watches import Adding, DriftFinding, DriftWatch, Sight, Squad

#: Watches whose arrays lie side by side: enough to share what a call costs, and to fill large pages with their tables.
AT_ONCE = 256


class Way(NamedTuple):
    """How many are looked at at once: how dictionaries of their windows are asked, and evidence is added up."""

    together: Callable[[Sequence[Dictionary]], Asked]
    adding: Adding


class Fleet:
    """Watches of many models, held from window to window.

    No bit of what comes of one depends on those beside it: each is told what it would be told alone. Nor does it depend
    on the *way* in which they are looked at: their own, or that of `compiled.py`.
    """

    def __init__(self, watches: Sequence[DriftWatch], way: Way | None = None) -> None:
        self._watches, self._squads, self._way = list(watches), dict[Squad, Asked](), way
        self._shown: list[Squad] = []  #: as they stood in the last windows
        self._muster(range(len(watches)))

    @property
    def watches(self) -> list[DriftWatch]:
        """The watches as they stand; the next windows change them."""
        for squad in self._squads:
            for at, watch in zip(squad.places, squad.watches, strict=True):
                self._watches[at] = watch
        return self._watches

    def observe(self, sights: Sequence[Sight]) -> dict[int, DriftFinding]:
        """Show each watch its window, and return by their place what those found that have something to tell."""
        told, moved = dict[int, DriftFinding](), list[Squad]()
        self._shown = list(self._squads)
        for squad, asked in self._squads.items():
            mine = [sights[at] for at in squad.places]
            found = squad.follow(mine, asked.dot([one.window.counts for one in mine]))
            told |= {squad.places[k]: finding for k, finding in found.items()}
            moved += [squad] if any((squad.watches[k].phase == "watching") != squad.watching for k in found) else []
        if moved:
            self._regroup(moved)
        return told

    def findings(self, sights: Sequence[Sight], told: Mapping[int, DriftFinding]) -> list[DriftFinding]:
        """Return what all found in the windows that they were shown last, of whom *told* have something to tell."""
        by_place = (zip(squad.places, squad.evidence(), strict=True) for squad in self._shown)
        known = dict(pair for pairs in by_place for pair in pairs)
        return [
            told.get(at) or one.nothing(watch, known.get(at, 0.0))
            for at, (one, watch) in enumerate(zip(sights, self.watches, strict=True))
        ]

    def _regroup(self, moved: Sequence[Squad]) -> None:
        """Let those who ask another question now join others, and fill up the squads that they have left."""
        watches, squads = self.watches, self._squads.items()
        whole = {one: asked for one, asked in squads if one not in moved and len(one.places) == AT_ONCE}
        places = [at for squad in self._squads if squad not in whole for at in squad.places]
        self._watches, self._squads = watches, whole
        self._muster(places)

    def _muster(self, places: Iterable[int]) -> None:
        """Form squads: watches of one dictionary beside each other, of one make, that ask the same question."""
        groups = defaultdict[tuple[bool, type], dict[Dictionary, list[int]]](dict)
        for at in places:
            watch = self._watches[at]
            if len(watch.sums):  # without alternatives there is nothing to ask
                group = groups[watch.phase == "watching", type(watch.dictionary)]
                group.setdefault(watch.dictionary, []).append(at)
        for group in groups.values():
            order = [at for some in group.values() for at in some]
            for begin in range(0, len(order), AT_ONCE):
                some = order[begin : begin + AT_ONCE]
                watches = [self._watches[at] for at in some]
                dictionaries = [one.dictionary for one in watches]
                way = self._way or Way(dictionaries[0].together, Adding())
                self._squads[Squad(some, watches, way.adding)] = way.together(dictionaries)
