"""Rules across fields: what must hold of every row, as an end that does not come before its start.

A row breaks a rule or keeps it; one that lacks a number which the rule asks for does neither. The rows of a window that
break it are a stream of "so many of n" as all kinds of faults are, of which is tolerated what the reference broke, and
more as the policy says.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitoring.reference import Floats
from monitoring.shares import Counted
from monitoring.streams import Thresholds
from statemachine.grammar import KEPT
from statemachine.policy import Rule
from statemachine.rules import column, columns_of, is_column, words

Truths = NDArray[np.bool_]

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


def broken(rules: Sequence[Rule], columns: Mapping[str, Floats], rows: int) -> tuple[Counted, ...]:
    """Count the *rows* that break each rule; *columns* are (rows,) by name, and one that is missing tells nothing.

    >>> broken([Rule(name="r", must="end >= start")], {"end": np.array([1.0, 2.0]), "start": np.array([2.0, 2.0])}, 2)
    ((1, 2),)
    """
    return tuple(_broken(one.must, columns, rows) for one in rules)


def _broken(must: str, columns: Mapping[str, Floats], rows: int) -> Counted:
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


def tolerated(reference: Sequence[Counted], policy: Ruled) -> list[float]:
    """Return the share of rows that may break each rule, given what the reference broke of it."""
    shares = [bad / max(known, 1) for bad, known in reference]
    pairs = zip(shares, policy.rules, strict=True)
    return [max(policy.extra_ratio * share, share + rule.tolerance) for share, rule in pairs]
