"""Which points of a request a rule asks for: by metric, resource, scope and attributes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service_pb
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from providers.config import Metric
from providers.otlp.measured import Point, points_of

Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A point that a rule asks for, and the stream that it is of."""

    rule: int  #: its index
    stream: str  #: all that tells it from others
    metric: pb.Metric
    kind: str
    point: Point
    delta: bool
    monotonic: bool


def sightings(request: service_pb.ExportMetricsServiceRequest, rules: Sequence[Metric]) -> Iterator[Sighting]:
    """Give every point of a request that a rule asks for, in the order of the request."""
    asked: dict[str, list[int]] = {}
    for i, rule in enumerate(rules):
        asked.setdefault(rule.metric, []).append(i)
    for of_resource in request.resource_metrics:
        resource = plain(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                here = [i for i in asked.get(metric.name, ()) if _fits(rules[i], resource, of_scope.scope.name)]
                yield from _of_metric(metric, here, rules, resource, of_scope.scope.name)


def _of_metric(
    metric: pb.Metric, here: Sequence[int], rules: Sequence[Metric], resource: Attributes, scope: str
) -> Iterator[Sighting]:
    for kind, point, delta, monotonic in points_of(metric) if here else ():
        attributes = plain(point.attributes)
        for i in here:
            if rules[i].attributes.items() <= attributes.items():
                stream = f"{_written(resource)} {scope} {_written(attributes)}"
                yield Sighting(i, stream, metric, kind, point, delta, monotonic)


def _fits(rule: Metric, resource: Attributes, scope: str) -> bool:
    return rule.resource.items() <= resource.items() and rule.scope in ("", scope)


def plain(attributes: Iterable[common_pb2.KeyValue]) -> dict[str, str]:
    """Give attributes as text: true and false, and numbers as they are written in a file of settings."""
    return {one.key: _text(one.value) for one in attributes}


def _text(value: common_pb2.AnyValue) -> str:
    which = value.WhichOneof("value")
    if which == "bool_value":
        return "true" if value.bool_value else "false"
    return str(getattr(value, which)) if which in ("string_value", "int_value", "double_value") else ""


def _written(attributes: Attributes) -> str:
    return "{" + ", ".join(f"{name}={value!r}" for name, value in sorted(attributes.items())) + "}"
