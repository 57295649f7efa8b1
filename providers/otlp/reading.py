"""What a rule reads of a stream: the value of a point, or what came between it and the point before.

Counters that add up since a start give what came since the point before them. A counter that starts anew (its start is
another, or it has fallen) gives what came since that start, where it is told, and otherwise nothing: its point is the
first of a new count. What was counted between the last point and the start is not known.
"""

from __future__ import annotations

from providers.config import Metric
from providers.otlp.histogram import quantile
from providers.otlp.measured import Fault, Measured

SECOND_NS = 1_000_000_000
#: What can be read of each kind.
READINGS: dict[str, tuple[str, ...]] = {
    "gauge": ("value",), "sum": ("value", "rate", "difference"), "histogram": ("mean", "quantile"),
    "exponential_histogram": ("mean",),
}  # fmt: skip


def read(rule: Metric, before: Measured | None, now: Measured) -> float | None:
    """Give what *rule* reads of *now*, or None where that tells nothing yet.

    Raises:
        Fault: The rule does not fit the metric.
    """
    if rule.reading not in READINGS[now.kind]:
        raise Fault(f"a {now.kind} has no {rule.reading}; accepted: {', '.join(READINGS[now.kind])}")
    if rule.reading == "value":
        return _value(now)
    came = now if now.delta else _between(before, now)
    if came is None:
        return None
    if rule.reading == "difference":
        return came.number
    if rule.reading == "rate":
        return _rate(came)
    return _mean(came) if rule.reading == "mean" else _quantile(rule.quantile or 0.0, came)


def _value(now: Measured) -> float:
    if now.kind == "sum" and (now.delta or now.monotonic):
        raise Fault(
            "the value of a sum that only grows, or tells differences, says little; rate or difference is accepted"
        )
    return now.number


def _rate(came: Measured) -> float:
    if not 0 < came.start_ns < came.time_ns:
        raise Fault("start_time_unix_nano: is not told, so no rate follows from a difference")
    return came.number * SECOND_NS / (came.time_ns - came.start_ns)


def _mean(came: Measured) -> float | None:
    if came.total is None:
        raise Fault("sum: is not told, so there is no mean")
    return came.total / came.count if came.count else None


def _quantile(share: float, came: Measured) -> float | None:
    if not came.bounds:
        raise Fault("explicit_bounds: are not told, so there is no quantile; mean is accepted")
    return quantile(share, came.bounds, came.buckets) if came.count else None


def _between(before: Measured | None, now: Measured) -> Measured | None:
    """Give what came since the point before, as one that tells a difference; None where that is not known."""
    if before is None:
        return None
    restarted = now.start_ns != before.start_ns
    if restarted:
        return now if now.start_ns >= before.time_ns else None
    if _form(before) != _form(now) or _fell(before, now):
        return None
    totals = None if now.total is None or before.total is None else now.total - before.total
    buckets = tuple(new - old for new, old in zip(now.buckets, before.buckets, strict=True))
    return Measured(
        kind=now.kind, start_ns=before.time_ns, time_ns=now.time_ns, delta=True, monotonic=now.monotonic,
        number=now.number - before.number, count=now.count - before.count, total=totals, bounds=now.bounds,
        buckets=buckets,
    )  # fmt: skip


def _form(point: Measured) -> tuple[str, bool, tuple[float, ...], int]:
    return point.kind, point.total is None, point.bounds, len(point.buckets)


def _fell(before: Measured, now: Measured) -> bool:
    """Say whether a counter is below what it was, so that it must have begun anew."""
    falls = now.count < before.count or any(n < o for n, o in zip(now.buckets, before.buckets, strict=True))
    return now.monotonic and (falls or now.number < before.number)
