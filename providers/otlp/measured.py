"""One point of OpenTelemetry's, of whatever kind, as plain values; and what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

NO_RECORDED_VALUE = 1  #: the flag of a point that only says that there is none
LAST_NS = (1 << 53) * 1_000 - 1  #: in the year 2255


class Fault(ValueError):
    """A point cannot be taken; the message says why, and what would be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A point. Which of the fields count is told by its kind: gauge, sum, histogram or exponential histogram."""

    kind: str
    start_ns: int
    time_ns: int
    delta: bool = False
    monotonic: bool = False
    number: float = 0.0
    count: int = 0
    total: float | None = None  #: sum of what was counted
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()


Point = Any  #: a data point of any kind


def points_of(metric: pb.Metric) -> Iterator[tuple[str, Point, bool, bool]]:
    """Give each point of a metric with its kind, whether it tells a difference, and whether it only grows."""
    kind = metric.WhichOneof("data") or ""
    data = getattr(metric, kind) if kind else None
    for point in data.data_points if data is not None else ():
        delta = getattr(data, "aggregation_temporality", 0) == pb.AGGREGATION_TEMPORALITY_DELTA
        yield kind, point, delta, bool(getattr(data, "is_monotonic", kind != "sum"))


def temporality_is_told(metric: pb.Metric) -> bool:
    """Say whether a metric that adds up says since when."""
    kind = metric.WhichOneof("data") or ""
    if kind in ("gauge", "summary", ""):
        return True
    told = getattr(metric, kind).aggregation_temporality
    return told in (pb.AGGREGATION_TEMPORALITY_DELTA, pb.AGGREGATION_TEMPORALITY_CUMULATIVE)


def measured(kind: str, point: Point, *, delta: bool, monotonic: bool) -> Measured | None:
    """Read a point; None where it says that there is no value.

    Raises:
        Fault: A value in it is impossible.
    """
    if point.flags & NO_RECORDED_VALUE:
        return None
    if not 0 < point.time_unix_nano <= LAST_NS:
        raise Fault(f"time_unix_nano: {point.time_unix_nano} is not accepted; 1 to {LAST_NS} is")
    times = {"start_ns": point.start_time_unix_nano, "time_ns": point.time_unix_nano}
    if times["start_ns"] > times["time_ns"]:
        raise Fault(f"start_time_unix_nano: {times['start_ns']} lies behind time_unix_nano {times['time_ns']}")
    if kind in ("gauge", "sum"):
        return Measured(kind=kind, **times, delta=delta, monotonic=monotonic, number=_number(point))
    if kind in ("histogram", "exponential_histogram"):
        return _counted(kind, point, delta=delta, **times)
    raise Fault(f"a {kind or 'metric without data'} is not accepted; a gauge, a sum or a histogram is")


def _number(point: Point) -> float:
    which = point.WhichOneof("value")
    if which is None:
        raise Fault("has no value; as_double or as_int is accepted")
    value = float(getattr(point, which))
    if not math.isfinite(value):
        raise Fault(f"{which}: {value} is not accepted; a finite number is")
    return value


def _counted(kind: str, point: Point, *, delta: bool, start_ns: int, time_ns: int) -> Measured:
    total = point.sum if point.HasField("sum") else None
    if total is not None and not math.isfinite(total):
        raise Fault(f"sum: {total} is not accepted; a finite number is")
    bounds, buckets = (), ()
    if kind == "histogram":
        bounds, buckets = tuple(point.explicit_bounds), tuple(point.bucket_counts)
        _check_buckets(point.count, bounds, buckets)
    return Measured(
        kind=kind, start_ns=start_ns, time_ns=time_ns, delta=delta, monotonic=True, count=point.count, total=total,
        bounds=bounds, buckets=buckets,
    )  # fmt: skip


def _check_buckets(count: int, bounds: tuple[float, ...], buckets: tuple[int, ...]) -> None:
    if not buckets and not bounds:
        return
    if len(buckets) != len(bounds) + 1:
        raise Fault(f"bucket_counts: {len(buckets)} for {len(bounds)} explicit_bounds; one more is accepted")
    ordered = all(low < high for low, high in pairwise(bounds))
    if not ordered or not all(math.isfinite(each) for each in bounds):
        raise Fault("explicit_bounds: are not finite and growing, as is accepted")
    if sum(buckets) != count:
        raise Fault(f"count: {count} is not {sum(buckets)}, what bucket_counts add up to")
