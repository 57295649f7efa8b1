"""What a server answers to `query_range`, read with nothing taken on trust."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

from providers.errors import Unusable
from providers.upstream import plain

SECOND_US = 1_000_000
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?([eE][+-]?\d+)?|Inf|NaN)", re.ASCII)
SHOWN = 3  #: label sets of several series that a refusal names


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The instants that were asked about, in microseconds; both ends count."""

    start_us: int
    end_us: int
    step_us: int

    @property
    def count(self) -> int:
        """How many there are."""
        return (self.end_us - self.start_us) // self.step_us + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The points of one series, in order of time."""

    points: tuple[tuple[int, float], ...]
    left_out: int = 0  #: values that are no number: NaN, or infinite
    warnings: tuple[str, ...] = ()


def read(body: bytes, asked: Range) -> Answer:
    """Read the one series of an answer.

    Raises:
        Unusable: It is no answer to what was asked; the message says where.
    """
    told = _object(_json(body), "the answer")
    if told.get("status") != "success":
        raise Unusable(
            f"the query failed: {plain(str(told.get('errorType', '')))}: {plain(str(told.get('error', '')))}"
        )
    data = _object(told.get("data"), "data")
    if data.get("resultType") != "matrix":
        raise Unusable(f"data.resultType: {plain(repr(data.get('resultType')))} is not accepted; 'matrix' is")
    warnings = told.get("warnings") or []
    said = tuple(plain(str(one)) for one in _list(warnings, "warnings")[:SHOWN])
    points, left_out = _points(_one(_list(data.get("result"), "data.result")), asked)
    return Answer(points=points, left_out=left_out, warnings=said)


def _one(result: list[Any]) -> list[Any]:
    """Give the values of the one series, or none where there is none."""
    if not result:
        return []
    if len(result) > 1:
        labels = [_labels(each) for each in result[:SHOWN]]
        more = f" and {len(result) - SHOWN} more" if len(result) > SHOWN else ""
        told = f"the query gives {len(result)} series: {', '.join(labels)}{more}"
        raise Unusable(f"{told}; one is accepted, as sum, max or another aggregation gives")
    series = _object(result[0], "data.result[0]")
    if series.get("histograms"):
        raise Unusable("the query gives native histograms; numbers are accepted, as histogram_quantile gives")
    return _list(series.get("values"), "data.result[0].values")


def _points(values: list[Any], asked: Range) -> tuple[tuple[tuple[int, float], ...], int]:
    if len(values) > asked.count:
        raise Unusable(f"data.result[0].values: {len(values)} points; {asked.count} were asked for")
    points, left_out, last_us = list[tuple[int, float]](), 0, asked.start_us - 1
    for i, pair in enumerate(values):
        where = f"data.result[0].values[{i}]"
        if not isinstance(pair, list) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise Unusable(f"{where}: {plain(repr(pair))} is not accepted; a time and a value are")
        time_us = _time_us(pair[0], where)
        if not last_us < time_us <= asked.end_us:
            raise Unusable(f"{where}: {time_us} is no time after {last_us} and up to {asked.end_us}, as was asked for")
        last_us, value = time_us, _value(pair[1], where)
        if math.isfinite(value):
            points.append((time_us, value))
        else:
            left_out += 1
    return tuple(points), left_out


def _time_us(told: object, where: str) -> int:
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise Unusable(f"{where}[0]: {plain(repr(told))} is not accepted; seconds since 1970 are")
    return round(told * SECOND_US)


def _value(told: object, where: str) -> float:
    if not isinstance(told, str) or not NUMBER.fullmatch(told):
        raise Unusable(f"{where}[1]: {plain(repr(told))} is not accepted; a number in quotes is")
    return float(told)


def _labels(series: object) -> str:
    metric = series.get("metric") if isinstance(series, dict) else None
    pairs = metric.items() if isinstance(metric, dict) else ()
    return "{" + plain(", ".join(f'{name}="{value}"' for name, value in sorted(pairs)), 120) + "}"


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unusable(f"the answer is no JSON: {plain(str(error))}") from error


def _object(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unusable(f"{where}: {plain(repr(value), 80)} is not accepted; an object is")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Unusable(f"{where}: {plain(repr(value), 80)} is not accepted; a list is")
    return value
