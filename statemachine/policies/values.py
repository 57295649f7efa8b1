"""Which value a field of a policy takes. What is refused is named by its dotted path, with what would be accepted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from statemachine.policies.conditions import signals_of
from statemachine.policies.grammar import ExpressionInvalid
from statemachine.policies.rules import columns_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
MOST_TEXT = 200  #: characters of a column or a category
MOST_SHOWN = 300  #: characters of a value that is refused


class PolicyInvalid(ValueError):
    """A field of the policy cannot be taken as it is."""

    def __init__(self, name: str, why: str) -> None:
        """Name the dotted field."""
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


def word(spec: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    """Take a text as its field asks for it, or one of the words that it accepts."""
    if "text" in spec.metadata:
        return spec.metadata["text"](typed(value, str, "a text", where), where)
    accepted = spec.metadata["accepted"]
    if value not in accepted:
        raise PolicyInvalid(where, f"{shown(value)} is not accepted; one of {', '.join(accepted)} is")
    return value


def number(spec: Any, hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - int or float
    """Take a number within its bounds, both of which are accepted; None where the field may lack one."""
    whole = hint in (int, int | None)
    if value is None and hint in (int | None, float | None):
        return None
    wanted = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise PolicyInvalid(where, f"{shown(value)} is not accepted; {wanted} is")
    low, high = spec.metadata["low"], spec.metadata["high"]
    if not low <= value <= high:
        raise PolicyInvalid(where, f"{value} is not accepted; {wanted} from {low:g} to {high:g} is")
    return value if whole else float(value)


def names(accepted: tuple[str, ...], values: list[Any], where: str) -> tuple[str, ...]:
    """Take names out of *accepted*, each once."""
    for i, value in enumerate(values):
        if value not in accepted:
            raise PolicyInvalid(f"{where}[{i}]", f"{shown(value)} is not accepted; one of {', '.join(accepted)} is")
    return tuple(dict.fromkeys(values))


def rising(each: Callable[[Any, str], Any], values: list[Any], where: str) -> tuple[Any, ...]:
    """Take numbers that rise, or texts, each of which is another."""
    made = [each(value, f"{where}[{i}]") for i, value in enumerate(values)]
    for i, value in enumerate(made[1:], start=1):
        if value in made[:i] or (isinstance(value, float) and value < made[i - 1]):
            raise PolicyInvalid(
                f"{where}[{i}]", f"{shown(value)} is not accepted; another text, or a higher number, is"
            )
    return tuple(made)


def rungs(values: list[Any], where: str) -> tuple[int, ...]:
    """Take basis points that rise, far enough for a promotion."""
    whole = all(isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000 for value in values)  # noqa: PLR2004 - basis points
    if not values or not whole or sorted(set(values)) != values or values[-1] < 2_500:  # noqa: PLR2004 - see guards
        raise PolicyInvalid(
            where, f"{shown(values)} is not accepted; rising basis points below 10000, the last at least 2500, are"
        )
    return tuple(values)


def short_name(text: str, where: str) -> str:
    """Take a short name."""
    if not NAME.fullmatch(text):
        raise PolicyInvalid(where, f"{shown(text)} is not accepted; a letter and up to 62 of a to z, 0 to 9 and _ are")
    return text


def column(told: Any, where: str) -> str:  # noqa: ANN401 - whatever was read
    """Take the name of a column; empty for none."""
    return text(told, where) if told else ""


def text(told: Any, where: str) -> str:  # noqa: ANN401 - whatever was read
    """Take a text that people can read."""
    if not 0 < len(typed(told, str, "a text", where)) <= MOST_TEXT or not told.isprintable():
        raise PolicyInvalid(
            where, f"{shown(told)} is not accepted; 1 to {MOST_TEXT} characters that can be printed are"
        )
    return str(told)


def finite(value: Any, where: str) -> float:  # noqa: ANN401 - whatever was read
    """Take a number that is no infinity, and not NaN."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < math.inf:
        raise PolicyInvalid(where, f"{shown(value)} is not accepted; a finite number is")
    return float(value)


def condition(text: str, where: str) -> str:
    """Take an expression over signals."""
    try:
        signals_of(text)
    except ExpressionInvalid as error:
        raise PolicyInvalid(where, str(error)) from error
    return text


def rule(text: str, where: str) -> str:
    """Take an expression over the columns of a row."""
    try:
        columns_of(text)
    except ExpressionInvalid as error:
        raise PolicyInvalid(where, str(error)) from error
    return text


def typed(value: Any, kind: type[Any], wanted: str, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    """Take what is of the type *kind*, which a message calls *wanted*."""
    if not isinstance(value, kind):
        raise PolicyInvalid(where, f"{shown(value)} is not accepted; {wanted} is")
    return value


def shown(value: Any) -> str:  # noqa: ANN401 - anything that JSON holds
    """Write a value for a message, cut where it is long; what JSON calls otherwise than Python, as JSON does."""
    told = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return told if len(told) <= MOST_SHOWN else f"{told[:MOST_SHOWN]}…"
