"""Requests are read against a book: gauges, sums, histograms, restarts, repeats, strangers, and what is impossible."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service_pb
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from providers.config import Metric
from providers.otlp.book import Book, Page, turned
from providers.otlp.measured import points_of
from tests.fixtures.otel import DELTA, SECOND_NS, counted, export, gauge, histogram, number, total

NOW_NS = 100_000 * SECOND_NS


def rule(**changes: Any) -> Metric:
    return Metric(**{"model": "m", "signal": "rate", "metric": "x", **changes})


def read(*requests: service_pb.ExportMetricsServiceRequest, **changes: Any) -> Page:
    """Read one request after another; give the last page, with the points and faults of all."""
    book: Book = {}
    found = Page()
    for request in requests:
        page = turned(book, request, [rule(**changes)], NOW_NS)
        book = page.after
        found.points.setdefault(0, []).extend(page.points.get(0, []))
        found.units |= page.units
        found.faults += page.faults
    return found


def values(*metrics: pb.Metric, **changes: Any) -> list[float]:
    page = read(*[export(one) for one in metrics], **changes)
    assert page.faults == []
    return [value for _, value in page.points[0]]


def test_a_gauge_gives_its_values_at_their_times() -> None:
    page = read(export(gauge("x", number(10, 1.5), number(20, 2.5))))

    assert page.points[0] == [(10_000_000, 1.5), (20_000_000, 2.5)]
    assert page.units[0] == "ms"


def test_the_unit_of_the_rule_wins_over_that_of_the_metric() -> None:
    assert read(export(gauge("x", number(10, 1.0), unit="weird")), unit="s").units[0] == "s"


@pytest.mark.parametrize(
    ("changes", "resource", "told", "count"),
    [
        ({}, {"service_name": "a"}, {}, 1),
        ({"metric": "y"}, {}, {}, 0),
        ({"resource": {"service.name": "a"}}, {"service_name": "a", "host_name": "h"}, {}, 1),
        ({"resource": {"service.name": "a"}}, {"service_name": "b"}, {}, 0),
        ({"attributes": {"ok": "true", "code": "200"}}, {}, {"ok": True, "code": 200, "more": 1.5}, 1),
        ({"attributes": {"ok": "true"}}, {}, {"ok": False}, 0),
        ({"scope": "lib"}, {}, {}, 1),
        ({"scope": "other"}, {}, {}, 0),
    ],
)
def test_a_point_is_taken_that_has_what_the_rule_says(
    changes: dict[str, Any], resource: dict[str, Any], told: dict[str, Any], count: int
) -> None:
    page = read(export(gauge("x", number(10, 1.0, **told)), **resource), **changes)

    assert (len(page.points[0]), page.faults) == (count, [])


def test_a_counter_gives_what_came_between_its_points() -> None:
    points = [number(at, value, 1) for at, value in ((10, 100), (20, 130), (40, 170))]

    assert values(total("x", *points), reading="difference") == [30, 40]
    assert values(total("x", *points), reading="rate") == [3, 2]


def test_the_rate_of_a_counter_is_in_its_unit_a_second() -> None:
    page = read(export(total("x", number(10, 1, 1), number(20, 2, 1))), reading="rate")

    assert page.units[0] == "{request}/s"


def test_a_counter_that_starts_anew_gives_what_came_since_it_started() -> None:
    points = [number(10, 100, 1), number(20, 12, 14), number(30, 32, 14)]

    assert values(total("x", *points), reading="rate") == [2, 2]


def test_a_counter_that_falls_with_no_word_of_a_start_gives_nothing_once() -> None:
    points = [number(10, 100), number(20, 12), number(30, 32)]

    assert values(total("x", *points), reading="difference") == [20]


def test_a_start_before_the_last_point_gives_nothing_once() -> None:
    points = [number(10, 100, 1), number(20, 12, 5), number(30, 32, 5)]

    assert values(total("x", *points), reading="difference") == [20]


def test_what_may_fall_is_read_as_it_is() -> None:
    points = [number(10, 5), number(20, 3)]

    assert values(total("x", *points, grows=False)) == [5, 3]
    assert values(total("x", *points, grows=False), reading="difference") == [-2]


def test_a_sum_that_tells_differences_gives_each() -> None:
    points = [number(10, 30, 5), number(20, 10, 10)]

    assert values(total("x", *points, how=DELTA), reading="difference") == [30, 10]
    assert values(total("x", *points, how=DELTA), reading="rate") == [6, 1]


def test_a_histogram_gives_mean_and_quantile_of_what_came_between_its_points() -> None:
    points = [
        counted(10, (5, 5, 5, 5), 9.0, 1),
        counted(20, (5, 15, 5, 5), 12.0, 1),
        counted(30, (5, 15, 5, 5), 12.0, 1),
    ]

    assert values(histogram("x", *points), reading="mean") == [pytest.approx(0.3)]
    assert values(histogram("x", *points), reading="quantile", quantile=0.5) == [pytest.approx(0.3)]


def test_a_histogram_that_tells_differences_gives_each() -> None:
    points = [counted(10, (0, 4, 0, 0), 1.0, 5), counted(20, (0, 0, 0, 2), 6.0, 10)]

    assert values(histogram("x", *points, how=DELTA), reading="mean") == [0.25, 3.0]
    assert values(histogram("x", *points, how=DELTA), reading="quantile", quantile=0.99) == [pytest.approx(0.496), 1.0]


def test_a_histogram_of_other_bounds_begins_anew() -> None:
    wide = counted(20, (9, 9), 9.0, 1, explicit_bounds=(1.0,))
    none = counted(30, (), 9.0, 1, explicit_bounds=(), count=18)

    assert values(histogram("x", counted(10, (1, 1, 1, 1), 1.0, 1), wide, none), reading="mean") == []


def test_the_mean_of_an_exponential_histogram_is_known() -> None:
    points = [
        pb.ExponentialHistogramDataPoint(time_unix_nano=at * SECOND_NS, count=count, sum=total)
        for at, count, total in ((10, 2, 3.0), (20, 4, 7.0))
    ]
    data = pb.ExponentialHistogram(data_points=points, aggregation_temporality=pb.AGGREGATION_TEMPORALITY_CUMULATIVE)
    request = export(pb.Metric(name="x", exponential_histogram=data))

    assert [value for _, value in read(request, reading="mean").points[0]] == [2.0]
    assert "has no quantile; accepted: mean" in read(request, reading="quantile", quantile=0.5).faults[0]


def test_what_was_had_before_of_a_sum_that_adds_up_is_no_fault_and_counts_once() -> None:
    request = export(total("x", number(10, 1, 1), number(20, 3, 1)))
    page = read(request, request, export(total("x", number(15, 2, 1))), reading="difference")

    assert (page.points[0], page.faults) == ([(20_000_000, 2.0)], [])


@pytest.mark.parametrize(
    ("metric", "reading"),
    [
        (gauge("x", number(15, 9.0)), "value"),
        (total("x", number(15, 9), grows=False), "value"),
        (total("x", number(15, 9, 5), how=DELTA), "difference"),
    ],
)
def test_a_late_point_that_stands_alone_is_left_to_the_service_and_turns_nothing_back(
    metric: pb.Metric, reading: str
) -> None:
    book = turned({}, export(_at(metric, 20)), [rule(reading=reading)], NOW_NS).after
    page = turned(book, export(metric), [rule(reading=reading)], NOW_NS)

    assert page.points[0] == [(15_000_000, 9.0)]
    assert page.after == book


def _at(metric: pb.Metric, second: int) -> pb.Metric:
    """Give a metric of one point at another time."""
    moved = pb.Metric()
    moved.CopyFrom(metric)
    for _, point, _, _ in points_of(moved):
        point.time_unix_nano = second * SECOND_NS
    return moved


def test_points_of_one_request_are_read_in_the_order_of_time() -> None:
    points = [number(30, 60, 1), number(10, 10, 1), number(20, 30, 1)]

    assert read(export(total("x", *points)), reading="difference").points[0] == [(20_000_000, 20), (30_000_000, 30)]


def test_a_point_that_says_that_there_is_no_value_is_no_point_and_no_fault() -> None:
    point = number(10, 1.0)
    point.flags = 1

    page = read(export(gauge("x", point)))

    assert (page.points[0], page.faults) == ([], [])


def test_a_second_stream_is_refused_by_what_tells_it_apart() -> None:
    page = read(export(gauge("x", number(10, 1.0, pod="a"), number(10, 2.0, pod="b"), number(20, 3.0, pod="a"))))

    assert [value for _, value in page.points[0]] == [1.0, 3.0]
    assert page.faults == ["x for rate: a second stream, {} lib {pod='b'}, beside {} lib {pod='a'}; one is accepted"]


def test_a_stream_follows_one_that_has_been_gone_for_long() -> None:
    page = read(export(gauge("x", number(10, 1.0, pod="a"))), export(gauge("x", number(310, 2.0, pod="b"))))

    assert ([value for _, value in page.points[0]], page.faults) == ([1.0, 2.0], [])


def test_a_counter_of_another_stream_is_no_continuation() -> None:
    requests = [export(total("x", number(at, at, 0, pod=pod))) for at, pod in ((10, "a"), (400, "b"), (500, "b"))]

    assert read(*requests, reading="difference").points[0] == [(500_000_000, 100.0)]


@pytest.mark.parametrize(
    ("metric", "changes", "told"),
    [
        (gauge("x", number(0, 1.0)), {}, "time_unix_nano: 0"),
        (
            gauge("x", pb.NumberDataPoint(time_unix_nano=2**64 - 1, as_int=1)),
            {},
            "time_unix_nano: 18446744073709551615",
        ),
        (gauge("x", number(100_301, 1.0)), {}, "lies in the future"),
        (gauge("x", number(10, 1.0, 11)), {}, "start_time_unix_nano"),
        (gauge("x", number(10, float("nan"))), {}, "as_double: nan"),
        (gauge("x", number(10, float("inf"))), {}, "as_double: inf"),
        (gauge("x", pb.NumberDataPoint(time_unix_nano=SECOND_NS)), {}, "has no value"),
        (gauge("x", number(10, 1.0)), {"reading": "rate"}, "a gauge has no rate; accepted: value"),
        (total("x", number(10, 1.0)), {}, "rate or difference is accepted"),
        (total("x", number(10, 1.0), how=DELTA, grows=False), {}, "rate or difference is accepted"),
        (total("x", number(10, 1.0), how=0), {"reading": "rate"}, "aggregation_temporality"),
        (total("x", number(10, 1.0), how=9), {"reading": "rate"}, "aggregation_temporality"),
        (total("x", number(10, 1.0), how=DELTA), {"reading": "rate"}, "start_time_unix_nano: is not told"),
        (histogram("x", counted(10, (1, 1), 1.0)), {"reading": "mean"}, "bucket_counts: 2 for 3 explicit_bounds"),
        (histogram("x", counted(10, (1, 1, 1, 1), 1.0, count=9)), {"reading": "mean"}, "count: 9 is not 4"),
        (
            histogram("x", counted(10, (1, 1), 1.0, explicit_bounds=[float("nan")])),
            {"reading": "mean"},
            "explicit_bounds",
        ),
        (histogram("x", counted(10, (1, 1, 1), 1.0, explicit_bounds=[2, 1])), {"reading": "mean"}, "explicit_bounds"),
        (histogram("x", counted(10, (1, 1, 1, 1), float("inf"))), {"reading": "mean"}, "sum: inf"),
        (histogram("x", counted(10, (1, 1, 1, 1), None, 1), how=DELTA), {"reading": "mean"}, "sum: is not told"),
        (
            histogram("x", counted(10, (), 1.0, explicit_bounds=(), count=3), how=DELTA),
            {"reading": "quantile", "quantile": 0.5},
            "explicit_bounds: are not told",
        ),
        (
            pb.Metric(name="x", summary=pb.Summary(data_points=[pb.SummaryDataPoint(time_unix_nano=SECOND_NS)])),
            {},
            "a summary is not accepted",
        ),
    ],
)
def test_what_cannot_be_taken_is_told_by_metric_and_field(
    metric: pb.Metric, changes: dict[str, Any], told: str
) -> None:
    page = read(export(metric), **changes)

    assert page.points.get(0, []) == []
    assert len(page.faults) == 1
    assert page.faults[0].startswith("x for rate: ")
    assert told in page.faults[0]


def test_a_metric_without_data_has_nothing_to_take() -> None:
    assert read(export(pb.Metric(name="x"))).faults == []


def test_the_book_that_is_read_against_stays_as_it_is() -> None:
    book: Book = {}
    turned(book, export(gauge("x", number(10, 1.0))), [rule()], NOW_NS)

    assert book == {}


counts = st.tuples(*[st.integers(0, 5)] * 4)


@given(st.lists(counts, min_size=2, max_size=6))
def test_a_count_that_adds_up_reads_as_its_differences_do(told: list[tuple[int, ...]]) -> None:
    sums = [tuple(sum(each) for each in zip(*told[: i + 1], strict=True)) for i in range(len(told))]
    growing = [counted(10 + i, each, float(sum(each)), 1) for i, each in enumerate(sums)]
    apart = [counted(10 + i, each, float(sum(each)), 9 + i) for i, each in enumerate(told)][1:]

    assert values(histogram("x", *growing), reading="mean") == values(histogram("x", *apart, how=DELTA), reading="mean")


@given(st.binary(max_size=300))
def test_whatever_can_be_parsed_is_read_or_told(garbage: bytes) -> None:
    request = export(gauge("x", number(10, 1.0)))
    try:
        request.MergeFromString(garbage)
    except DecodeError:  # garbage that is no protobuf is refused before it comes here
        return
    page = turned({}, request, [rule()], NOW_NS)
    assert len(page.points.get(0, [])) + len(page.faults) >= 1
