"""What an expression may say: a part of the Common Expression Language that always ends, in time its length bounds.

Numbers, names, arithmetic, comparisons, `&&`, `||`, `!` and brackets: no calls, no lists, no loops. What is accepted
here gives true or false for whatever finite numbers: types are checked before the first one, not with it. Which names
there are is another's to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

MOST_LENGTH = 400
MOST_DEPTH = 20
MOST_DIGITS = 15  #: that a double tells apart
KEPT = 256  #: expressions that are remembered: policies are read with every fold
TRUTH, WHOLE, NUMBER = "true or false", "a whole number", "a number"
TRUTHS = ("true", "false")
SPACE = " \t\r\n"  #: what the language takes for space; Python would take more


class ExpressionInvalid(ValueError):
    """An expression cannot be taken as it is."""

    def __init__(self, column: int, why: str) -> None:
        """Name the column, from 1."""
        super().__init__(f"at column {column}: {why}")
        self.column, self.why = column, why


_Part = Callable[[int], str]  #: reads a part, so many levels deep, and gives its type


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression: a number, a name or a sign, and the column, from 1, in which it begins."""

    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may name: what it is, how it is written where that is no word, an example, and who accepts it.

    `quoted` is a pattern of its own groups, of which `said` makes the name; `known` refuses what there is not.
    """

    noun: str
    quoted: str
    said: Callable[[re.Match[str]], str]
    known: Callable[[Token], None]
    example: str


def read(expression: str, names: Names) -> tuple[Token, ...]:
    """Give the tokens of *expression*, the last of which is its end.

    Raises:
        ExpressionInvalid: It is too long, has a name that nobody knows or types that do not fit, or comes to a number.
    """
    if len(expression) > MOST_LENGTH:
        raise ExpressionInvalid(MOST_LENGTH + 1, f"more than {MOST_LENGTH} characters; as many are accepted")
    tokens = tuple(_tokens(expression, names))
    reading = _Reading(tokens, names)
    kind = reading.either(0)
    reading.end()
    if kind != TRUTH:
        raise ExpressionInvalid(1, f"it comes to {kind}; {TRUTH} is accepted, such as {names.example}")
    return tokens


def _tokens(text: str, names: Names) -> Iterator[Token]:
    at, end, pattern = 0, len(text.rstrip(SPACE)), _pattern(names.quoted)
    while at < end:
        found = pattern.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip(SPACE))
            told = f"{text[at]!r} is not accepted; {names.noun}s, numbers, comparisons and && || ! are"
            raise ExpressionInvalid(at + 1, told)
        kind = next(name for name in ("quoted", "number", "name", "sign") if found[name] is not None)
        said = names.said(found) if kind == "quoted" else found[kind]
        yield Token("name" if kind == "quoted" else kind, said, found.start(kind) + 1)
        at = found.end()
    yield Token("end", "the end", end + 1)


@cache
def _pattern(quoted: str) -> re.Pattern[str]:
    return re.compile(
        rf"[{SPACE}]*"
        rf"(?:(?P<quoted>{quoted})"
        r"|(?P<number>(?:[0-9]+\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]{1,2})?)(?![\w.])"
        r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)"
        r"|(?P<sign>&&|\|\||[<>=!]=|[-+*/<>!()]))"
    )


class _Reading:
    """Reads tokens from left to right, weakest bond first, and gives the type of each part."""

    def __init__(self, tokens: Sequence[Token], names: Names) -> None:
        self.tokens, self.names, self.at = tokens, names, 0

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
        if token.kind == "name":
            return self._named(token)
        return self._signed(token, depth)

    def _signed(self, token: Token, depth: int) -> str:
        match token.text:
            case "!":
                return self._after_sign((TRUTH,), depth)
            case "-":
                return self._after_sign((NUMBER, WHOLE), depth)
            case "(":
                return self._bracketed(depth)
            case _:
                raise ExpressionInvalid(
                    token.column, f"{token.text!r} is not accepted here; a {self.names.noun} or a number is"
                )

    def _after_sign(self, wanted: tuple[str, ...], depth: int) -> str:
        column, kind = self.tokens[self.at].column, self._single(depth + 1)
        self._want(kind, wanted, column)
        return kind

    def _bracketed(self, depth: int) -> str:
        kind, token = self.either(depth + 1), self.tokens[self.at]
        if not self._skip(")"):
            raise ExpressionInvalid(token.column, f"{token.text!r} is not accepted here; a closing bracket is")
        return kind

    def _number(self, token: Token) -> str:
        if len(token.text) > MOST_DIGITS:
            raise ExpressionInvalid(token.column, f"a number of more than {MOST_DIGITS} signs; as many are accepted")
        return WHOLE if token.text.isdecimal() else NUMBER

    def _named(self, token: Token) -> str:
        if token.text in TRUTHS:
            return TRUTH
        self.names.known(token)
        return NUMBER

    def _skip(self, *signs: str) -> bool:
        token = self.tokens[self.at]
        found = token.kind == "sign" and token.text in signs
        self.at += found
        return found

    def _want(self, kind: str, wanted: tuple[str, ...], column: int) -> None:
        if kind not in wanted:
            point = (
                f"; beside {self.names.noun}s a whole number is written with a point, as 2.0" if kind == WHOLE else ""
            )
            raise ExpressionInvalid(column, f"{kind} is not accepted here; {wanted[0]} is{point}")
