"""OTLP over HTTP: POST /v1/metrics, as protobuf or as JSON, plain or gzipped."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service_pb

from providers.config import Otlp, address
from providers.errors import Away, ConfigInvalid
from providers.otlp.bodies import Refused, body_of
from providers.otlp.receiving import Receiver

PATH = "/v1/metrics"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
MOST_CONNECTIONS = 64
SILENT_SECONDS = 30.0  #: after which a connection on which nothing comes is closed
RETRY_SECONDS = "5"


class _Server(ThreadingHTTPServer):
    """A thread a connection, and so many connections at most: whoever comes after them is hung up on."""

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, where: tuple[str, int], config: Otlp, receiver: Receiver) -> None:
        self.config, self.receiver = config, receiver
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(where, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the library has it
        """Give the connection a thread, if there is one."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the library has it
        """Serve the connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: who breaks off, or speaks no TLS, is no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    timeout = SILENT_SECONDS
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "remission", ""

    def do_POST(self) -> None:
        """Take points in."""
        try:
            self._say(200, self.server.receiver.take(self._request()))
        except Refused as refused:
            self._say(refused.code, status_pb2.Status(message=refused.told))
        except Away as error:
            self._say(503, status_pb2.Status(message=str(error)))

    def _request(self) -> service_pb.ExportMetricsServiceRequest:
        if self.path != PATH:
            raise Refused(404, f"nothing is here; {PATH} is accepted")
        if self._kind not in (PROTOBUF, JSON):
            raise Refused(415, f"{self._kind} is not accepted; {PROTOBUF} or {JSON} is")
        body = body_of(self.headers, self.rfile, self.server.config.most_bytes)
        request = service_pb.ExportMetricsServiceRequest()
        try:
            if self._kind == JSON:
                json_format.ParseDict(_object(body), request, ignore_unknown_fields=True)
            else:
                request.ParseFromString(body)
        except (DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
            raise Refused(400, f"cannot be read as {self._kind}: {str(error)[:300]}") from error
        return request

    @property
    def _kind(self) -> str:
        return self.headers.get_content_type()

    def _say(self, code: int, message: Message) -> None:
        """Answer in the form of the question, and hang up after a refusal, since what follows may be its rest."""
        as_json = self._kind == JSON
        body = json_format.MessageToJson(message).encode() if as_json else message.SerializeToString()
        self.send_response(code)
        self.send_header("Content-Type", JSON if as_json else PROTOBUF)
        self.send_header("Content-Length", str(len(body)))
        if code == 503:  # noqa: PLR2004 - come again
            self.send_header("Retry-After", RETRY_SECONDS)
        if code != 200:  # noqa: PLR2004 - taken
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the receiver tells what was taken."""


def _object(body: bytes) -> dict[str, Any]:
    """Read an object; the library takes a list for an empty one."""
    told = json.loads(body)
    if not isinstance(told, dict):
        raise json_format.ParseError("an object is accepted")
    return told


@contextlib.contextmanager
def listening(config: Otlp, receiver: Receiver) -> Iterator[int]:
    """Listen for as long as it is needed; give the port.

    Raises:
        ConfigInvalid: The address is taken, or a file of TLS cannot be read.
    """
    try:
        server = _Server(address(config.http, "otlp.http"), config, receiver)
        if config.tls_certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.tls_client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(config.tls_certificate, config.tls_key)
            # The handshake is left to the thread of the connection: whoever is slow with it keeps nobody waiting.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    except OSError as error:
        raise ConfigInvalid(f"otlp.http: cannot listen on {config.http}: {error}") from error
    thread = threading.Thread(target=server.serve_forever, name="otlp-http")
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
