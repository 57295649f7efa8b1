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


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression: a number, a name or a sign, and the column, from 1, in which it begins."""

    kind: str
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression, with its type: a name, a number or a truth, or else a sign and the `parts` it joins."""

    what: str  #: name, number, truth or sign
    text: str
    kind: str  #: TRUTH, WHOLE or NUMBER
    parts: tuple[Part, ...] = ()

    def names(self) -> Iterator[str]:
        """Give the names in it, in order."""
        if self.what == "name":
            yield self.text
        for part in self.parts:
            yield from part.names()


_Reader = Callable[[int], Part]  #: reads a part, so many levels deep


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


def read(expression: str, names: Names) -> Part:
    """Read *expression*.

    Raises:
        ExpressionInvalid: It is too long, has a name that nobody knows or types that do not fit, or comes to a number.
    """
    if len(expression) > MOST_LENGTH:
        raise ExpressionInvalid(MOST_LENGTH + 1, f"more than {MOST_LENGTH} characters; as many are accepted")
    tokens = tuple(_tokens(expression, names))
    reading = _Reading(tokens, names)
    found = reading.either(0)
    reading.end()
    if found.kind != TRUTH:
        raise ExpressionInvalid(1, f"it comes to {found.kind}; {TRUTH} is accepted, such as {names.example}")
    return found


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
    """Reads tokens from left to right, weakest bond first."""

    def __init__(self, tokens: Sequence[Token], names: Names) -> None:
        self.tokens, self.names, self.at = tokens, names, 0

    def either(self, depth: int) -> Part:
        """Read what `||` joins."""
        return self._chained(("||",), self._both, depth, TRUTH)

    def end(self) -> None:
        """Refuse what is left over."""
        token = self.tokens[self.at]
        if token.kind != "end":
            raise ExpressionInvalid(token.column, f"{token.text!r} is not accepted here; the end, && or || is")

    def _both(self, depth: int) -> Part:
        return self._chained(("&&",), self._compared, depth, TRUTH)

    def _compared(self, depth: int) -> Part:
        column, left = self.tokens[self.at].column, self._sum(depth)
        sign = self._skip("<", "<=", ">", ">=", "==", "!=")
        if not sign:
            return left
        self._want(left, (NUMBER, WHOLE), column)
        column, right = self.tokens[self.at].column, self._sum(depth)
        self._want(right, (NUMBER, WHOLE), column)
        return Part("sign", sign, TRUTH, (left, right))

    def _sum(self, depth: int) -> Part:
        return self._chained(("+", "-"), self._product, depth, NUMBER)

    def _product(self, depth: int) -> Part:
        return self._chained(("*", "/"), self._single, depth, NUMBER)

    def _chained(self, signs: tuple[str, ...], reader: _Reader, depth: int, kind: str) -> Part:
        """Read parts of one *kind* that *signs* join, from the left; one alone may be of any."""
        column, found = self.tokens[self.at].column, reader(depth)
        while sign := self._skip(*signs):
            self._want(found, (kind,), column)
            column, other = self.tokens[self.at].column, reader(depth)
            self._want(other, (kind,), column)
            found = Part("sign", sign, kind, (found, other))
        return found

    def _single(self, depth: int) -> Part:
        token = self.tokens[self.at]
        if depth > MOST_DEPTH:
            raise ExpressionInvalid(token.column, f"deeper than {MOST_DEPTH} levels, the most that are accepted")
        self.at += token.kind != "end"
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            return self._named(token)
        return self._signed(token, depth)

    def _signed(self, token: Token, depth: int) -> Part:
        match token.text:
            case "!":
                return self._after_sign(token, (TRUTH,), depth)
            case "-":
                return self._after_sign(token, (NUMBER, WHOLE), depth)
            case "(":
                return self._bracketed(depth)
            case _:
                raise ExpressionInvalid(
                    token.column, f"{token.text!r} is not accepted here; a {self.names.noun} or a number is"
                )

    def _after_sign(self, sign: Token, wanted: tuple[str, ...], depth: int) -> Part:
        column, found = self.tokens[self.at].column, self._single(depth + 1)
        self._want(found, wanted, column)
        return Part("sign", sign.text, found.kind, (found,))

    def _bracketed(self, depth: int) -> Part:
        found, token = self.either(depth + 1), self.tokens[self.at]
        if not self._skip(")"):
            raise ExpressionInvalid(token.column, f"{token.text!r} is not accepted here; a closing bracket is")
        return found

    def _number(self, token: Token) -> Part:
        if len(token.text) > MOST_DIGITS:
            raise ExpressionInvalid(token.column, f"a number of more than {MOST_DIGITS} signs; as many are accepted")
        return Part("number", token.text, WHOLE if token.text.isdecimal() else NUMBER)

    def _named(self, token: Token) -> Part:
        if token.text in TRUTHS:
            return Part("truth", token.text, TRUTH)
        self.names.known(token)
        return Part("name", token.text, NUMBER)

    def _skip(self, *signs: str) -> str:
        """Pass over one of *signs*, and give it; nothing where another token stands."""
        token = self.tokens[self.at]
        if token.kind != "sign" or token.text not in signs:
            return ""
        self.at += 1
        return token.text

    def _want(self, part: Part, wanted: tuple[str, ...], column: int) -> None:
        if part.kind not in wanted:
            more = f"; beside {self.names.noun}s a whole number is written with a point, as 2.0"
            point = more if part.kind == WHOLE else ""
            raise ExpressionInvalid(column, f"{part.kind} is not accepted here; {wanted[0]} is{point}")
