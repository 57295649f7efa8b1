"""Rules across fields: what must hold of every row, as an end that does not come before its start.

A row breaks a rule or keeps it; one that lacks a number which the rule asks for does neither. The rows of a window that
break it are a stream of "so many of n" as all kinds of faults are, of which is tolerated what the reference broke, and
more as the policy says. Where its rows broke a rule in clumps, as those of one station do, they will again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitoring.drift.streams import Thresholds
from monitoring.profiles.reference import Floats
from monitoring.quality.shares import Counted
from statemachine.policies.grammar import Part
from statemachine.policies.rules import column, columns_of, rule
from statemachine.policies.sections import Rule

Truths = NDArray[np.bool_]

RULE = "rule"  #: the kind of fault
JOINED: dict[str, Callable[[Truths, Truths], Truths]] = {"&&": np.logical_and, "||": np.logical_or}
COMPARED: dict[str, Callable[[Floats, Floats], Truths]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
RECKONED: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
}  # fmt: skip


class Ruled(Thresholds, Protocol):
    """What a policy says about quality, and the rules that rows must keep."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, by name."""


def broken(rules: Sequence[Rule], columns: Mapping[str, Floats], rows: int) -> tuple[Counted, ...]:
    """Count the *rows* that break each rule; *columns* are (rows,) by name, and one that is missing tells nothing.

    >>> broken([Rule(name="r", must="end >= start")], {"end": np.array([1.0, 2.0]), "start": np.array([2.0, 2.0])}, 2)
    ((1, 2),)
    """
    return tuple(_broken(one.must, columns, rows) for one in rules)


def _broken(must: str, columns: Mapping[str, Floats], rows: int) -> Counted:
    named = {name: columns.get(name, np.full(rows, np.nan)) for name in columns_of(must)}
    told = _Telling({name: np.where(np.isfinite(values), values, np.nan) for name, values in named.items()}, rows)
    with np.errstate(all="ignore"):  # what comes to no number is not known, and is no error
        kept = told.truth(rule(must))
    return int((told.known & ~kept).sum()), int(told.known.sum())


class _Telling:
    """Tells the value of each part of an expression for all rows at once; `known` are those that compare numbers."""

    def __init__(self, columns: Mapping[str, Floats], rows: int) -> None:
        self._columns, self._rows = columns, rows
        self.known: Truths = np.ones(rows, np.bool_)

    def truth(self, part: Part) -> Truths:
        """Return whether *part* is true of each row."""
        if part.what == "truth":
            return np.full(self._rows, part.text == "true")
        if part.text == "!":
            return ~self.truth(part.parts[0])
        if part.text in JOINED:
            return JOINED[part.text](*map(self.truth, part.parts))
        left, right = map(self.number, part.parts)
        self.known &= ~(np.isnan(left) | np.isnan(right))
        return COMPARED[part.text](left, right)

    def number(self, part: Part) -> Floats:
        """Return the number that *part* comes to in each row."""
        if part.what == "name":
            return self._columns[column(part.text)]
        if part.what == "number":
            return np.full(self._rows, float(part.text))
        each = [self.number(one) for one in part.parts]
        return RECKONED[part.text](*each) if len(each) > 1 else -each[0]


def tolerated(reference: Sequence[Counted], policy: Ruled) -> list[float]:
    """Return the share of rows that may break each rule, given what the reference broke of it."""
    shares = [bad / max(known, 1) for bad, known in reference]
    pairs = zip(shares, policy.rules, strict=True)
    return [max(policy.extra_ratio * share, share + rule.tolerance) for share, rule in pairs]
