"""The book of what each rule has seen: one stream at a time, and its point before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service_pb

from providers.config import Metric
from providers.otlp.matching import Sighting, sightings
from providers.otlp.measured import Fault, Measured, measured, temporality_is_told
from providers.otlp.reading import SECOND_NS, read
from providers.upstream import plain

FUTURE_NS = 300 * SECOND_NS  #: how far a point may lie ahead of the clock, as the service has it
#: For so long another stream is refused that a rule fits as well; then the one before is gone, as after a restart.
SOLE_NS = 300 * SECOND_NS


@dataclass(frozen=True, slots=True)
class Seen:
    """The stream that a rule follows, and its newest point."""

    stream: str
    last: Measured


@dataclass(slots=True)
class Page:
    """What one request told: points by rule, faults, and the book after it."""

    points: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    units: dict[int, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    after: dict[int, Seen] = field(default_factory=dict)


Book = dict[int, Seen]


def turned(book: Book, request: service_pb.ExportMetricsServiceRequest, rules: Sequence[Metric], now_ns: int) -> Page:
    """Read a request against *book*, which stays as it is: what follows from a request counts once it has arrived."""
    page = Page(after=dict(book))
    # Nothing says in which order the points of a request stand, and what adds up is read by the point before.
    for one in sorted(sightings(request, rules), key=lambda each: each.point.time_unix_nano):
        try:
            _take(page, one, rules[one.rule], now_ns)
        except Fault as fault:
            page.faults.append(f"{plain(one.metric.name, 80)} for {rules[one.rule].signal}: {fault}")
    return page


def _take(page: Page, one: Sighting, rule: Metric, now_ns: int) -> None:
    if not temporality_is_told(one.metric):
        raise Fault("aggregation_temporality: is not told; delta or cumulative is accepted")
    point = measured(one.kind, one.point, delta=one.delta, monotonic=one.monotonic)
    if point is None:
        return
    if point.time_ns > now_ns + FUTURE_NS:
        raise Fault(f"time_unix_nano: {point.time_ns} lies in the future; five minutes ahead of the clock is accepted")
    seen = page.after.get(one.rule)
    if seen is not None and seen.stream != one.stream:
        if point.time_ns < seen.last.time_ns + SOLE_NS:
            raise Fault(f"a second stream, {plain(one.stream)}, beside {plain(seen.stream)}; one is accepted")
        seen = None
    late = seen is not None and point.time_ns <= seen.last.time_ns
    if late and rule.reading != "value" and not point.delta:
        return  # what adds up is read from its newest point on; the service knows of the others which it had
    value = read(rule, seen.last if seen else None, point)
    if not late:
        page.after[one.rule] = Seen(one.stream, point)
    if value is not None:
        page.points.setdefault(one.rule, []).append((point.time_ns // 1_000, value))
        page.units[one.rule] = rule.unit or _unit(rule, one.metric.unit)


def _unit(rule: Metric, unit: str) -> str:
    """Say what a reading is in, of a metric in *unit*."""
    return f"{unit}/s" if rule.reading == "rate" and unit else unit
