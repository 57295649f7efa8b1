"""What a condition may say: a part of the Common Expression Language that always ends, in time that its length bounds.

Numbers, named signals, arithmetic, comparisons, `&&`, `||`, `!` and brackets: no calls, no lists, no loops. What is
accepted here gives true or false for whatever finite signals: types are checked before the first window, not in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from statemachine.signals import OF_METRICS, SIGNALS, metric

MOST_LENGTH = 400
MOST_DEPTH = 20
MOST_DIGITS = 15  #: that a double tells apart
KEPT = 256  #: expressions that are remembered: policies are read with every fold
TRUTH, WHOLE, NUMBER = "true or false", "a whole number", "a number"
SPACE = " \t\r\n"  #: what the language takes for space; Python would take more
TOKEN = re.compile(
    rf"[{SPACE}]*"
    r'(?:(?P<metric>metric\["(?P<series>[^"\\]{1,200})"\]\.(?P<part>[a-z_]+))'
    r"|(?P<number>(?:[0-9]+\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,2})?)(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
    r"|(?P<sign>&&|\|\||[<>=!]=|[-+*/<>!()]))"
)


class ExpressionInvalid(ValueError):
    """An expression cannot be taken as a condition."""

    def __init__(self, column: int, why: str) -> None:
        """Name the column, from 1."""
        super().__init__(f"at column {column}: {why}")
        self.column, self.why = column, why


_Part = Callable[[int], str]  #: reads a part, so many levels deep, and gives its type


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


@lru_cache(KEPT)
def signals_of(expression: str) -> tuple[str, ...]:
    """Give the signals that *expression* names, each once, in order.

    >>> signals_of('loss.up > 0.1 && metric["p99"].value < 250')
    ('loss.up', 'metric["p99"].value')

    Raises:
        ExpressionInvalid: It is no condition: too long, a name that nobody knows, types that do not fit, or more than
            comparisons of numbers.
    """
    if len(expression) > MOST_LENGTH:
        raise ExpressionInvalid(MOST_LENGTH + 1, f"more than {MOST_LENGTH} characters; as many are accepted")
    reading = _Reading([*_tokens(expression)])
    kind = reading.either(0)
    reading.end()
    if kind != TRUTH:
        raise ExpressionInvalid(1, f"it comes to {kind}; {TRUTH} is accepted, such as loss.up > 0.1")
    return tuple(dict.fromkeys(reading.named))


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip(SPACE))
    while at < end:
        found = TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip(SPACE))
            raise ExpressionInvalid(
                at + 1, f"{text[at]!r} is not accepted; signals, numbers, comparisons and && || ! are"
            )
        kind = next(name for name in ("metric", "number", "name", "sign") if found[name] is not None)
        if kind == "metric" and not found["series"].isprintable():
            raise ExpressionInvalid(at + 1, f"the metric {found['series']!r}; names that can be printed are accepted")
        said = metric(found["series"], found["part"]) if kind == "metric" else found[kind]
        if kind == "metric" and found["part"] not in OF_METRICS:
            said = f"{said}; {', '.join(OF_METRICS)} are accepted"
            raise ExpressionInvalid(found.start("part") + 1, f"there is no signal {said}")
        yield _Token(kind, said, found.start(kind) + 1)
        at = found.end()
    yield _Token("end", "the end", end + 1)


class _Reading:
    """Reads tokens from left to right, weakest bond first, and gives the type of each part."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at = tokens, 0
        self.named: list[str] = []

    def either(self, depth: int) -> str:
        """Read what `||` joins."""
        return self._joined("||", self._both, depth)

    def end(self) -> None:
        """Refuse what is left over."""
        token = self.tokens[self.at]
        if token.kind != "end":
            raise ExpressionInvalid(token.column, f"{token.text!r} is not accepted here; the end, && or || is")

    def _both(self, depth: int) -> str:
        return self._joined("&&", self._compared, depth)

    def _joined(self, sign: str, part: _Part, depth: int) -> str:
        column, kind = self.tokens[self.at].column, part(depth)
        while self._skip(sign):
            self._want(kind, (TRUTH,), column)
            column = self.tokens[self.at].column
            kind = part(depth)
            self._want(kind, (TRUTH,), column)
        return kind

    def _compared(self, depth: int) -> str:
        column, kind = self.tokens[self.at].column, self._sum(depth)
        if not self._skip("<", "<=", ">", ">=", "==", "!="):
            return kind
        self._want(kind, (NUMBER, WHOLE), column)
        column = self.tokens[self.at].column
        self._want(self._sum(depth), (NUMBER, WHOLE), column)
        return TRUTH

    def _sum(self, depth: int) -> str:
        return self._reckoned(("+", "-"), self._product, depth)

    def _product(self, depth: int) -> str:
        return self._reckoned(("*", "/"), self._single, depth)

    def _reckoned(self, signs: tuple[str, ...], part: _Part, depth: int) -> str:
        column, kind = self.tokens[self.at].column, part(depth)
        while self._skip(*signs):
            self._want(kind, (NUMBER,), column)
            column = self.tokens[self.at].column
            kind = part(depth)
            self._want(kind, (NUMBER,), column)
        return kind

    def _single(self, depth: int) -> str:
        token = self.tokens[self.at]
        if depth > MOST_DEPTH:
            raise ExpressionInvalid(token.column, f"deeper than {MOST_DEPTH} levels, the most that are accepted")
        self.at += token.kind != "end"
        if token.kind == "number":
            return self._number(token)
        if token.kind in ("metric", "name"):
            return self._signal(token)
        return self._signed(token, depth)

    def _signed(self, token: _Token, depth: int) -> str:
        match token.text:
            case "!":
                return self._after_sign((TRUTH,), depth)
            case "-":
                return self._after_sign((NUMBER, WHOLE), depth)
            case "(":
                return self._bracketed(depth)
            case _:
                raise ExpressionInvalid(token.column, f"{token.text!r} is not accepted here; a signal or a number is")

    def _after_sign(self, wanted: tuple[str, ...], depth: int) -> str:
        column, kind = self.tokens[self.at].column, self._single(depth + 1)
        self._want(kind, wanted, column)
        return kind

    def _bracketed(self, depth: int) -> str:
        kind, token = self.either(depth + 1), self.tokens[self.at]
        if not self._skip(")"):
            raise ExpressionInvalid(token.column, f"{token.text!r} is not accepted here; a closing bracket is")
        return kind

    def _number(self, token: _Token) -> str:
        if len(token.text) > MOST_DIGITS:
            raise ExpressionInvalid(token.column, f"a number of more than {MOST_DIGITS} signs; as many are accepted")
        return WHOLE if token.text.isdecimal() else NUMBER

    def _signal(self, token: _Token) -> str:
        if token.text in ("true", "false"):
            return TRUTH
        if token.kind == "name" and token.text not in SIGNALS:
            known = ", ".join((*SIGNALS, *(metric("name", part) for part in OF_METRICS)))
            raise ExpressionInvalid(token.column, f"there is no signal {token.text}; {known} are accepted")
        self.named.append(token.text)
        return NUMBER

    def _skip(self, *signs: str) -> bool:
        token = self.tokens[self.at]
        found = token.kind == "sign" and token.text in signs
        self.at += found
        return found

    def _want(self, kind: str, wanted: tuple[str, ...], column: int) -> None:
        if kind not in wanted:
            point = "; beside signals a whole number is written with a point, as 2.0" if kind == WHOLE else ""
            raise ExpressionInvalid(column, f"{kind} is not accepted here; {wanted[0]} is{point}")
