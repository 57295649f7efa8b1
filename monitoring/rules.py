"""Rules across fields: what must hold of every row, as an end that does not come before its start.

A row breaks a rule or keeps it; one that lacks a number which the rule asks for does neither. The rows of a window that
break it are a stream of "so many of n" as all kinds of faults are: a CUSUM of likelihood ratios between rates above the
tolerated one and the tolerated one, which is what the reference broke, and more as the policy says.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from monitoring.alternatives import NATS
from monitoring.evidence import log_mean_exp
from monitoring.reference import Floats
from monitoring.streams import HOPELESS, Thresholds
from monitoring.suspicions import Suspicion
from statemachine.grammar import KEPT
from statemachine.policy import Rule
from statemachine.rules import column, columns_of, is_column, words

Truths = NDArray[np.bool_]
Broken = tuple[int, int]  #: rows that break a rule, and those of which it can be said

RULE = "rule"  #: the kind of fault
SIGNS = {"&&": "and", "||": "or", "!": "not "}
COMPARED: dict[type[ast.cmpop], Callable[[Floats, Floats], Truths]] = {
    ast.Lt: np.less, ast.LtE: np.less_equal, ast.Gt: np.greater, ast.GtE: np.greater_equal,
    ast.Eq: np.equal, ast.NotEq: np.not_equal,
}  # fmt: skip
RECKONED: dict[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
}  # fmt: skip


class Ruled(Thresholds, Protocol):
    """What a policy says about quality, and the rules that rows must keep."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, by name."""


def broken(rules: Sequence[Rule], columns: Mapping[str, Floats], rows: int) -> tuple[Broken, ...]:
    """Count the *rows* that break each rule; *columns* are (rows,) by name, and one that is missing tells nothing.

    >>> broken([Rule(name="r", must="end >= start")], {"end": np.array([1.0, 2.0]), "start": np.array([2.0, 2.0])}, 2)
    ((1, 2),)
    """
    return tuple(_broken(one.must, columns, rows) for one in rules)


def _broken(must: str, columns: Mapping[str, Floats], rows: int) -> Broken:
    named = (columns.get(name, np.full(rows, np.nan)) for name in columns_of(must))
    finite = [np.where(np.isfinite(values), values, np.nan) for values in named]
    told = _Telling(finite, rows)
    with np.errstate(all="ignore"):  # what comes to no number is not known, and is no error
        kept = told.truth(_parsed(must))
    return int((told.known & ~kept).sum()), int(told.known.sum())


@lru_cache(KEPT)
def _parsed(must: str) -> ast.expr:
    """Return the expression, whose grammar was checked, as a tree; the column at place i is the name `c{i}`."""
    places = {name: f"c{i}" for i, name in enumerate(columns_of(must))}
    said = []
    for token in words(must):
        if is_column(token):
            said.append(places[column(token)])
        elif token.kind == "number":
            said.append(repr(float(token.text)))
        else:
            said.append(SIGNS.get(token.text, token.text.title()))
    return ast.parse(" ".join(said), mode="eval").body


class _Telling:
    """Tells the value of each part of an expression for all rows at once; `known` are those that compare numbers."""

    def __init__(self, columns: Sequence[Floats], rows: int) -> None:
        self._columns, self._rows = columns, rows
        self.known: Truths = np.ones(rows, np.bool_)

    def truth(self, part: ast.expr) -> Truths:
        """Return whether *part* is true of each row."""
        if isinstance(part, ast.BoolOp):
            each = [self.truth(one) for one in part.values]
            return np.asarray(np.all(each, axis=0) if isinstance(part.op, ast.And) else np.any(each, axis=0))
        if isinstance(part, ast.UnaryOp):
            return ~self.truth(part.operand)
        if isinstance(part, ast.Compare):
            left, right = self.number(part.left), self.number(part.comparators[0])
            self.known &= ~(np.isnan(left) | np.isnan(right))
            return COMPARED[type(part.ops[0])](left, right)
        return np.full(self._rows, ast.literal_eval(part))

    def number(self, part: ast.expr) -> Floats:
        """Return the number that *part* comes to in each row."""
        if isinstance(part, ast.BinOp):
            return RECKONED[type(part.op)](self.number(part.left), self.number(part.right))
        if isinstance(part, ast.UnaryOp):
            return -self.number(part.operand)
        if isinstance(part, ast.Name):
            return self._columns[int(part.id[1:])]
        return np.full(self._rows, ast.literal_eval(part))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBroken:
    """A finding: which rule, in which share of the rows of a window, since when, evidence in nats."""

    rule: int
    share: float
    tolerated: float
    log_evidence: float
    onset_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleWatch:
    """The state of a watch; `observe` returns its next self. A rule that the reference breaks throughout has none."""

    threshold: float
    streams: tuple[Suspicion | None, ...]

    @classmethod
    def start(cls, reference: Sequence[Broken], policy: Ruled, beside: int) -> Self:
        """Return the watch that has seen nothing; its rules share the threshold with *beside* other streams."""
        threshold = math.log(policy.false_alarm_windows * max(len(policy.rules) + beside, 1))
        streams = (_stream(one, rule, policy) for one, rule in zip(reference, policy.rules, strict=True))
        return cls(threshold=threshold, streams=tuple(streams))

    def observe(self, start_row: int, window: Sequence[Broken]) -> tuple[RuleWatch, tuple[RuleBroken, ...]]:
        """Take what the window of rows that begins at *start_row* broke of each rule."""
        cap = round((self.threshold + 2 * math.log(10)) * NATS)
        moved = tuple(
            one and _since(one, start_row).after(*counts, cap) for one, counts in zip(self.streams, window, strict=True)
        )
        found = (self._finding(k, one, window[k]) for k, one in enumerate(moved) if one)
        return replace(self, streams=moved), tuple(one for one in found if one)

    def _finding(self, k: int, one: Suspicion, counts: Broken) -> RuleBroken | None:
        log_e = log_mean_exp(one.sums)
        if log_e < self.threshold or not counts[0]:
            return None
        return RuleBroken(
            rule=k, share=round(counts[0] / counts[1], 6), tolerated=round(one.tolerated, 6),
            log_evidence=log_e, onset_row=one.since,
        )  # fmt: skip

    def anew(self) -> Self:
        """Return the watch that has no evidence."""
        return replace(self, streams=tuple(one.anew() if one else None for one in self.streams))

    def to_json(self) -> list[dict[str, Any] | None]:
        """Return the evidence so far, for canonical bytes."""
        return [one.to_json() if one else None for one in self.streams]

    def restored(self, state: Sequence[dict[str, Any] | None]) -> Self:
        """Return a watch like this one with the state that `to_json` gave."""
        return replace(self, streams=tuple(Suspicion.from_json(one) if one else None for one in state))


def _stream(reference: Broken, rule: Rule, policy: Ruled) -> Suspicion | None:
    share = reference[0] / max(reference[1], 1)
    rate = max(policy.extra_ratio * share, share + rule.tolerance)
    return Suspicion(value=0.0, tolerated=rate, since=0) if rate < HOPELESS else None


def _since(one: Suspicion, start_row: int) -> Suspicion:
    return replace(one, since=start_row) if max(one.sums) <= 0 else one
