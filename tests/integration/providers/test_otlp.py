"""What OpenTelemetry's exporters send arrives: over gRPC and HTTP, in clear on the loopback or with certificates."""

from __future__ import annotations

import gzip
import http.client
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from google.protobuf import json_format
from google.rpc import status_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as service_grpc
from remission import Client
from remission.errors import UnavailableError, make_error
from remission.v1 import ingest_pb2, signals_pb2

from providers.config import Metric, Otlp
from providers.errors import ConfigInvalid
from providers.otlp import over_grpc, over_http
from providers.otlp.receiving import Receiver
from tests.fixtures.authority import Authority
from tests.fixtures.listeners import in_memory
from tests.fixtures.otel import SECOND_NS, counted, export, gauge, histogram, number
from tests.integration.server.requests import model, reference

START = 1_700_000_000
PROTOBUF, JSON = "application/x-protobuf", "application/json"


class Silent:
    """A log that says nothing."""

    def info(self, event: str, **facts: Any) -> None:
        """Say nothing."""

    warning = info


class Away:
    """A service that is away as often as it is told, and then there."""

    def __init__(self, client: Client) -> None:
        self._client, self.times = client, 0

    def ingest_metrics(self, model: str, points: Any, *, request_id: str, provider: str) -> Any:
        """Send points, or break."""
        if self.times:
            self.times -= 1
            error = make_error(grpc.StatusCode.UNAVAILABLE, "away")
            assert isinstance(error, UnavailableError)
            raise error
        return self._client.ingest_metrics(model, points, request_id=request_id, provider=provider)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with in_memory() as target, Client(target, timeout=10) as made:
        yield made


class World:
    """A model with two signals, rules for them, and a receiver."""

    def __init__(self, client: Client, name: str) -> None:
        worse: dict[str, Any] = {
            "direction": ingest_pb2.DIRECTION_HIGHER_IS_WORSE,
            "tolerance": 0.2,
            "provider": "otel",
        }
        declared = [
            signals_pb2.ExternalSignal(name="queue", unit="ms", **worse),
            signals_pb2.ExternalSignal(name="latency.p50", unit="ms", **worse),
        ]
        client.models.create(model(name=name, signals=declared), reference())
        rules = [
            Metric(model=name, signal="queue", metric="queue.wait", resource={"service.name": "scoring"}),
            Metric(model=name, signal="latency.p50", metric="http.duration", reading="quantile", quantile=0.5),
        ]
        self.rules, self.service = rules, Away(client)
        self.client, self.name, self.at = client, name, START

    def config(self, **changes: Any) -> Otlp:
        """Give the settings."""
        return Otlp(
            **{"provider": "otel", "metric": self.rules, "grpc": "127.0.0.1:0", "http": "127.0.0.1:0", **changes}
        )

    def receiver(self, **changes: Any) -> Receiver:
        """Give a receiver."""
        return Receiver(self.config(**changes), self.service, Silent(), lambda: (self.at + 60) * SECOND_NS)

    def request(self, value: float = 2.5, unit: str = "ms") -> service_pb.ExportMetricsServiceRequest:
        """Give a request with the next point of the queue."""
        self.at += 10
        return export(gauge("queue.wait", number(self.at, value), unit=unit), service_name="scoring")


@pytest.fixture
def world(client: Client, request: pytest.FixtureRequest) -> World:
    return World(client, f"o{zlib.crc32(request.node.name.encode())}")


def exported(port: int, request: Any, **credentials: Any) -> service_pb.ExportMetricsServiceResponse:
    target = f"127.0.0.1:{port}"
    made = grpc.secure_channel(target, **credentials) if credentials else grpc.insecure_channel(target)
    with made as channel:
        stub: Any = service_grpc.MetricsServiceStub(channel)  # type: ignore[no-untyped-call]  # generated without types
        answer: service_pb.ExportMetricsServiceResponse = stub.Export(request, timeout=20)
    return answer


def posted(
    port: int, body: bytes, kind: str = PROTOBUF, path: str = "/v1/metrics", **headers: str
) -> tuple[int, bytes]:
    way = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    way.request("POST", path, body, {"Content-Type": kind, **{n.replace("_", "-"): v for n, v in headers.items()}})
    answer = way.getresponse()
    found = answer.status, answer.read()
    way.close()
    return found


def chunked(port: int, body: bytes, **headers: str) -> int:
    way = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    told = {"Content-Type": PROTOBUF, **{n.replace("_", "-"): v for n, v in headers.items()}}
    way.request("POST", "/v1/metrics", iter([body[:7], body[7:]]), told, encode_chunked=True)
    code = way.getresponse().status
    way.close()
    return code


def refused(answer: tuple[int, bytes]) -> tuple[int, str]:
    return answer[0], status_pb2.Status.FromString(answer[1]).message


def partial(body: bytes) -> service_pb.ExportMetricsPartialSuccess:
    return service_pb.ExportMetricsServiceResponse.FromString(body).partial_success


@contextmanager
def by_http(world: World, **changes: Any) -> Iterator[int]:
    with over_http.listening(world.config(**changes), world.receiver(**changes)) as port:
        yield port


def points(world: World) -> int:
    """Say how many of ten points that begin with the first the service does not know yet."""
    times = [(START + 10 * (i + 1)) * 1_000_000 for i in range(10)]
    sent = [ingest_pb2.MetricPoint(name="queue", time_us=at, value=2.5) for at in times]
    return 10 - world.client.ingest_metrics(world.name, sent, provider="otel").accepted


def test_points_arrive_over_grpc_once_however_often_they_are_sent(world: World) -> None:
    request = world.request()
    with over_grpc.listening(world.config(), world.receiver()) as port:
        answers = [exported(port, request) for _ in range(2)]

    assert answers == [service_pb.ExportMetricsServiceResponse()] * 2
    assert points(world) == 1


def test_a_restart_of_the_receiver_counts_nothing_twice(world: World) -> None:
    request = world.request()
    for _ in range(2):
        with over_grpc.listening(world.config(), world.receiver()) as port:
            assert not exported(port, request).partial_success.rejected_data_points

    assert points(world) == 1


def test_what_the_service_refuses_is_told_and_the_rest_is_taken(world: World) -> None:
    worse = world.request(unit="By")
    for point in (counted(START, (1, 1, 1, 1), 1.0, START - 9), counted(START + 10, (5, 1, 1, 1), 1.0, START - 9)):
        worse.resource_metrics[0].scope_metrics[0].metrics.append(histogram("http.duration", point))
    with over_grpc.listening(world.config(), world.receiver()) as port:
        told = exported(port, worse).partial_success

    assert told.rejected_data_points == 1
    assert "'By' cannot be told in 'ms'" in told.error_message


def test_one_point_that_is_refused_takes_no_other_with_it(world: World) -> None:
    sent = [ingest_pb2.MetricPoint(name="queue", time_us=(START + 20) * 1_000_000, value=7.0)]
    world.client.ingest_metrics(world.name, sent, provider="otel")
    request = export(gauge("queue.wait", number(START + 20, 2.5), number(START + 30, 2.5)), service_name="scoring")
    with over_grpc.listening(world.config(), world.receiver()) as port:
        told = exported(port, request).partial_success

    assert told.rejected_data_points == 1
    assert "was 7.0 at" in told.error_message
    again = [ingest_pb2.MetricPoint(name="queue", time_us=(START + 30) * 1_000_000, value=2.5)]
    assert world.client.ingest_metrics(world.name, again, provider="otel").repeated == 1


def test_while_the_service_is_away_exporters_are_asked_to_come_again_and_nothing_is_lost(world: World) -> None:
    world.service.times = 2
    request = world.request()
    receiver = world.receiver()
    with over_grpc.listening(world.config(), receiver) as port, over_http.listening(world.config(), receiver) as other:
        with pytest.raises(grpc.RpcError) as caught:
            exported(port, request)
        code, _ = posted(other, request.SerializeToString())
        last, _ = posted(other, request.SerializeToString())

    assert (caught.value.code(), code, last) == (grpc.StatusCode.UNAVAILABLE, 503, 200)
    assert points(world) == 1


def test_points_arrive_over_http_as_protobuf_and_as_json_gzipped_or_not(world: World) -> None:
    with by_http(world) as port:
        codes = [
            posted(port, world.request().SerializeToString())[0],
            posted(port, json_format.MessageToJson(world.request()).encode(), JSON)[0],
            posted(port, gzip.compress(world.request().SerializeToString()), Content_Encoding="gzip")[0],
            posted(port, json_format.MessageToJson(world.request()).encode(), f"{JSON}; charset=utf-8")[0],
        ]

    assert codes == [200] * 4
    assert points(world) == 4


def test_points_arrive_in_chunks_as_exporters_in_javascript_send_them(world: World) -> None:
    with by_http(world) as port:
        codes = [
            chunked(port, world.request().SerializeToString()),
            chunked(port, gzip.compress(world.request().SerializeToString()), Content_Encoding="GZIP"),
        ]

    assert codes == [200] * 2
    assert points(world) == 2


def test_points_of_one_request_arrive_in_whatever_order_they_stand(world: World) -> None:
    numbers = [number(START + 10 * i, 2.5) for i in (3, 1, 2)]
    with by_http(world) as port:
        export_one = export(gauge("queue.wait", *numbers), service_name="scoring")
        code, body = posted(port, export_one.SerializeToString())

    assert (code, body) == (200, b"")
    assert points(world) == 3


def test_a_point_that_comes_too_late_is_told_and_one_that_was_had_before_is_not(world: World) -> None:
    with by_http(world) as port:
        early, late = world.request(), world.request()
        posted(port, late.SerializeToString())
        again = partial(posted(port, late.SerializeToString())[1])
        told = partial(posted(port, early.SerializeToString())[1])

    assert again.rejected_data_points == 0
    assert told.rejected_data_points == 1
    assert "comes too late: series 'queue' has reached" in told.error_message


def test_json_is_answered_in_json(world: World) -> None:
    with by_http(world) as port:
        code, body = posted(port, json_format.MessageToJson(world.request(unit="By")).encode(), JSON)

    assert (code, b'"rejectedDataPoints": "1"' in body) == (200, True)


def test_json_may_have_ids_in_hexadecimal_enums_as_numbers_and_fields_of_tomorrow(world: World) -> None:
    text = """{"resourceMetrics": [{"newField": 1,
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "scoring"}}]},
        "scopeMetrics": [{"metrics": [{"name": "queue.wait", "unit": "ms", "sum": {
        "aggregationTemporality": 2, "isMonotonic": false, "dataPoints": [{"timeUnixNano": "1700000010000000000",
        "asDouble": 2.5, "exemplars": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174",
        "asDouble": 1}]}]}}]}]}]}"""
    with by_http(world) as port:
        code, body = posted(port, text.encode(), JSON)

    assert (code, body) == (200, b"{}")
    assert points(world) == 1


@pytest.mark.parametrize(
    ("body", "kind", "headers", "code", "told"),
    [
        (b"\xff\xff\xff", PROTOBUF, {}, 400, "cannot be read as application/x-protobuf"),
        (b"x", "text/plain", {}, 415, "text/plain is not accepted"),
        (b"x", PROTOBUF, {"Content_Encoding": "br"}, 415, "'br' is not accepted"),
        (b"x", PROTOBUF, {"Content_Encoding": "gzip"}, 400, "cannot be unzipped"),
        (2 * gzip.compress(b"", mtime=0), PROTOBUF, {"Content_Encoding": "gzip"}, 400, "something follows its end"),
        (gzip.compress(bytes(999), mtime=0)[:-9], PROTOBUF, {"Content_Encoding": "gzip"}, 400, "ends too early"),
        (gzip.compress(bytes(50_000_000), mtime=0), PROTOBUF, {"Content_Encoding": "gzip"}, 413, "once unzipped"),
        (bytes(70_000), PROTOBUF, {}, 413, "70000 bytes; at most 65536"),
        (b"", PROTOBUF, {"Content_Length": "-1"}, 411, "Content-Length, or Transfer-Encoding: chunked, is needed"),
        (b"", PROTOBUF, {"Content_Length": "9" * 4_000}, 413, "at most 65536"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_with_its_status(
    world: World, body: bytes, kind: str, headers: dict[str, str], code: int, told: str
) -> None:
    with by_http(world, most_bytes=65_536) as port:
        found = refused(posted(port, body, kind, **headers))

    assert found[0] == code
    assert told in found[1]


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b"\xff",
        b"[" * 60_000,
        b'{"resourceMetrics": 3}',
        b'{"resourceMetrics": [{"resource": {"attributes": "x"}}]}',
    ],
)
def test_json_that_is_no_request_is_refused(world: World, text: bytes) -> None:
    with by_http(world) as port:
        code, body = posted(port, text, JSON)

    assert code == 400
    assert b"cannot be read as application/json" in body


def test_another_path_is_told_where_points_go(world: World) -> None:
    with by_http(world) as port:
        assert refused(posted(port, b"", path="/v1/traces")) == (404, "nothing is here; /v1/metrics is accepted")


def test_a_request_over_grpc_that_is_too_large_is_refused(world: World) -> None:
    request = export(*[gauge(f"m{i}", number(START, 1.0)) for i in range(2_000)])
    with (
        over_grpc.listening(world.config(most_bytes=10_000), world.receiver()) as port,
        pytest.raises(grpc.RpcError) as caught,
    ):
        exported(port, request)

    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_with_certificates_only_those_of_the_authority_are_heard(world: World, tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path), Authority(folder(tmp_path / "theirs"))
    for authority in (ours, theirs):
        authority.give("exporter", x509.RFC822Name("exporter@example.org"))
    tls = {
        "tls_certificate": str(ours.path("server")), "tls_key": str(ours.path("server", "key")),
        "tls_client_authority": str(ours.path("authority")),
    }  # fmt: skip
    receiver, config = world.receiver(**tls), world.config(**tls)
    with over_grpc.listening(config, receiver) as port, over_http.listening(config, receiver) as other:
        exported(port, world.request(), credentials=channel(ours, ours))
        code = posted_in_tls(other, world.request(), ours, ours)
        with pytest.raises(grpc.RpcError):
            exported(port, world.request(), credentials=channel(ours, theirs))
        with pytest.raises(OSError, match=r"(?i)alert|certificate|reset|eof"):
            posted_in_tls(other, world.request(), ours, theirs)
        with pytest.raises(OSError, match=r"(?i)reset|closed|aborted"):
            posted(other, b"")

    assert code == 200
    assert points(world) == 2


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def channel(of_server: Authority, of_client: Authority) -> grpc.ChannelCredentials:
    files = (of_server.path("authority"), of_client.path("exporter", "key"), of_client.path("exporter"))
    return grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))


def posted_in_tls(port: int, request: Any, of_server: Authority, of_client: Authority) -> int:
    context = ssl.create_default_context(cafile=str(of_server.path("authority")))
    context.load_cert_chain(of_client.path("exporter"), of_client.path("exporter", "key"))
    way = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
    try:
        way.request("POST", "/v1/metrics", request.SerializeToString(), {"Content-Type": PROTOBUF})
        return way.getresponse().status
    finally:
        way.close()


@pytest.mark.parametrize("way", [over_grpc, over_http])
def test_an_address_that_is_taken_is_refused(world: World, way: Any) -> None:
    with way.listening(world.config(), world.receiver()) as port:
        taken = world.config(grpc=f"127.0.0.1:{port}", http=f"127.0.0.1:{port}")
        with (
            pytest.raises(ConfigInvalid, match=f"cannot listen on 127.0.0.1:{port}"),
            way.listening(taken, world.receiver()),
        ):
            pass


@pytest.mark.parametrize("way", [over_grpc, over_http])
def test_a_certificate_that_is_not_there_is_refused(world: World, way: Any, tmp_path: Path) -> None:
    none = str(tmp_path / "none.pem")
    config = world.config(tls_certificate=none, tls_key=none, tls_client_authority=none)
    with pytest.raises(ConfigInvalid, match="cannot listen"), way.listening(config, world.receiver()):
        pass


def test_a_lasting_rise_moves_the_model(world: World) -> None:
    with over_grpc.listening(world.config(), world.receiver()) as port:
        for value in [2.5] * 12 + [9.0] * 12:
            exported(port, world.request(value))

    deadline = time.monotonic() + 10
    while not (found := [one for one in world.client.history(world.name) if one.type == "decline_confirmed"]):
        assert time.monotonic() < deadline
    assert len(found) == 1
