"""OTLP over gRPC: `MetricsService.Export`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as service_grpc

from providers.config import Otlp
from providers.errors import Away, ConfigInvalid
from providers.otlp.receiving import Receiver

WORKERS = 4
MOST_CALLS = 32
GRACE_SECONDS = 10.0


class Metrics(service_grpc.MetricsServiceServicer):
    """The one call of the service."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def Export(  # noqa: N802 - gRPC names the methods of a servicer
        self, request: service_pb.ExportMetricsServiceRequest, context: grpc.ServicerContext
    ) -> service_pb.ExportMetricsServiceResponse:
        """Take points in; UNAVAILABLE asks to send them again."""
        try:
            return self._receiver.take(request)
        except Away as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
            raise AssertionError from error  # abort never returns


@contextlib.contextmanager
def listening(config: Otlp, receiver: Receiver) -> Iterator[int]:
    """Listen for as long as it is needed; give the port.

    Raises:
        ConfigInvalid: The address is taken, or a file of TLS cannot be read.
    """
    options = [("grpc.max_receive_message_length", config.most_bytes), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(WORKERS), options=options, maximum_concurrent_rpcs=MOST_CALLS)
    service_grpc.add_MetricsServiceServicer_to_server(Metrics(receiver), server)  # type: ignore[no-untyped-call]
    try:
        tls = _credentials(config)
        port = server.add_secure_port(config.grpc, tls) if tls else server.add_insecure_port(config.grpc)
    except (OSError, RuntimeError) as error:
        raise ConfigInvalid(f"otlp.grpc: cannot listen on {config.grpc}: {error}") from error
    server.start()
    try:
        yield port
    finally:
        server.stop(GRACE_SECONDS).wait()


def _credentials(config: Otlp) -> grpc.ServerCredentials | None:
    if not config.tls_certificate:
        return None
    names = (config.tls_key, config.tls_certificate, config.tls_client_authority)
    key, certificate, authority = (Path(name).read_bytes() for name in names)
    return grpc.ssl_server_credentials([(key, certificate)], authority, require_client_auth=True)
