"""What a condition may name: the signals of a model, in expressions of `statemachine.policies.grammar`."""

from __future__ import annotations

import re
from functools import lru_cache

from statemachine.policies.grammar import KEPT, ExpressionInvalid, Names, Token, read
from statemachine.policies.signals import OF_METRICS, SIGNALS, metric

METRIC = r'metric\["(?P<series>[^"\\]{1,200})"\]\.(?P<part>[a-z_]+)'


@lru_cache(KEPT)
def signals_of(expression: str) -> tuple[str, ...]:
    """Give the signals that *expression* names, each once, in order.

    >>> signals_of('loss.up > 0.1 && metric["p99"].value < 250')
    ('loss.up', 'metric["p99"].value')

    Raises:
        ExpressionInvalid: It is no condition: too long, a name that nobody knows, types that do not fit, or more than
            comparisons of numbers.
    """
    return tuple(dict.fromkeys(read(expression, NAMES).names()))


def _metric(found: re.Match[str]) -> str:
    series, part = found["series"], found["part"]
    if not series.isprintable():
        told = f"the metric {series!r}; names that can be printed are accepted"
        raise ExpressionInvalid(found.start("quoted") + 1, told)
    if part not in OF_METRICS:
        told = f"there is no signal {metric(series, part)}; {', '.join(OF_METRICS)} are accepted"
        raise ExpressionInvalid(found.start("part") + 1, told)
    return metric(series, part)


def _known(token: Token) -> None:
    if token.text not in SIGNALS and not token.text.startswith("metric["):
        known = ", ".join((*SIGNALS, *(metric("name", part) for part in OF_METRICS)))
        raise ExpressionInvalid(token.column, f"there is no signal {token.text}; {known} are accepted")


NAMES = Names("signal", METRIC, _metric, _known, "loss.up > 0.1")
