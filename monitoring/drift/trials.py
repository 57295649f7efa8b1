"""Trials: what windows after an alarm say of the alternatives that many watches accuse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from typing import Protocol

from monitoring.drift.dictionary import Dictionary
from monitoring.drift.promises import Thresholds
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.reference import Ints


class Accuser(Protocol):
    """A watch that asks about one alternative."""

    @property
    def dictionary(self) -> Dictionary:
        """The alternatives."""

    @property
    def phase(self) -> str:
        """Say `confirmed` of one whose doubt is over."""

    @property
    def accused(self) -> int:
        """The place of the one that is asked about."""

    @property
    def reverse(self) -> int:
        """CUSUM of what speaks for its return, in `NATS`."""

    @property
    def recent(self) -> tuple[bool, ...]:
        """Whether the latest windows spoke for it."""


class Trials:
    """The accused alternatives of many watches, one beside the other: no watch is made anew where nothing is told."""

    def __init__(self, watches: Sequence[Accuser], policies: Sequence[Thresholds]) -> None:
        #: The `reverse` and the `recent` of each.
        self.standing = [(one.reverse, one.recent) for one in watches]
        self._accused = [one.accused for one in watches]
        self._offsets = [one.dictionary.offsets.item(one.accused) for one in watches]
        self._asked = [_asked(*each) for each in zip(watches, policies, strict=True)]

    def follow(self, gained: Ints, rows: Sequence[int]) -> tuple[list[int], list[int]]:
        """Take what windows of so many *rows* have *gained*; return who came back, and whose drift may last."""
        news, standing = map(gained.item, count(), self._accused), list[tuple[int, tuple[bool, ...]]]()
        returned, lasting = list[int](), list[int]()
        lines = zip(news, rows, self._offsets, self.standing, self._asked, strict=True)
        for gain, number, offset, (reverse, recent), (enough, persistence, of) in lines:
            back, latest = max(reverse, 0) - gain - number * offset, (*recent, gain > 0)[-of:]
            if back >= enough:
                returned.append(len(standing))
            elif sum(latest) >= persistence:
                lasting.append(len(standing))
            standing.append((back, latest))
        self.standing = standing
        return returned, lasting


def _asked(watch: Accuser, policy: Thresholds) -> tuple[float, int, int]:
    """Give what it takes to have come back, and how many of how many windows to last; which is over once confirmed.

    Coming back may begin at any window, hence a CUSUM; once confirmed, it has all the time, hence more of it.
    """
    if watch.phase == "confirmed":
        return math.log(policy.false_alarm_windows) * NATS, policy.of + 1, policy.of
    return math.log(policy.clear) * NATS, policy.persistence, policy.of
