"""What a rule may name: the columns of a row that are numbers, in expressions of `statemachine.policies.grammar`."""

from __future__ import annotations

import re
from functools import lru_cache

from statemachine.policies.grammar import KEPT, ExpressionInvalid, Names, Part, Token, read

COLUMN = r'row\["(?P<column>[^"\\]{1,200})"\]'
QUOTED = re.compile(COLUMN)


@lru_cache(KEPT)
def rule(expression: str) -> Part:
    """Read *expression*, whose names are as they stand there.

    Raises:
        ExpressionInvalid: It is no rule: too long, no columns, types that do not fit, or more than comparisons of them.
    """
    found = read(expression, NAMES)
    if not any(found.names()):
        raise ExpressionInvalid(1, f"it names no column; one or more are accepted, such as {NAMES.example}")
    return found


@lru_cache(KEPT)
def columns_of(expression: str) -> tuple[str, ...]:
    """Give the columns that *expression* names, each once, in order.

    >>> columns_of('end >= start || row["cancelled at"] > 0')
    ('end', 'start', 'cancelled at')

    Raises:
        ExpressionInvalid: It is no rule.
    """
    return tuple(dict.fromkeys(map(column, rule(expression).names())))


def column(name: str) -> str:
    """Give the column that a name in an expression is of, in brackets or without."""
    found = QUOTED.fullmatch(name)
    return found["column"] if found else name


def _quoted(found: re.Match[str]) -> str:
    return found["quoted"]


def _known(token: Token) -> None:
    name = column(token.text)
    if name == token.text and "." in name:
        raise ExpressionInvalid(token.column, f'{name} is not accepted; a column of such a name is row["{name}"]')


NAMES = Names("column", COLUMN, _quoted, _known, "end >= start")
