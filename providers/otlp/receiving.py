"""Takes requests of exporters in, one after another, and answers once what they told is durable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service_pb

from providers.config import Otlp
from providers.delivery import Service, deliver
from providers.errors import Unusable
from providers.otlp.book import Book, turned
from providers.prometheus import Log
from providers.upstream import plain

SHOWN = 5  #: faults that an answer tells
MOST_TOLD = 2_000  #: characters of them


class Receiver:
    """The one book, and the way to the service. What of a request did not arrive changes nothing in the book."""

    def __init__(self, config: Otlp, service: Service, log: Log, now_ns: Callable[[], int]) -> None:
        self._config, self._service, self._log, self._now_ns = config, service, log, now_ns
        self._book: Book = {}
        self._lock = threading.Lock()

    def take(self, request: service_pb.ExportMetricsServiceRequest) -> service_pb.ExportMetricsServiceResponse:
        """Take a request in; the answer tells what a rule asks for and was not taken.

        Raises:
            Away: The service is away; the exporter is to send it again.
        """
        with self._lock:
            page = turned(self._book, request, self._config.metric, self._now_ns())
            faults = list(page.faults)
            for index, points in sorted(page.points.items()):
                faults += self._deliver(index, page.units[index], points)
            self._book = page.after
        return self._answer(faults)

    def _deliver(self, index: int, unit: str, points: Sequence[tuple[int, float]]) -> list[str]:
        """Send the points of one signal; where they are refused together, one by one. Give why some are not taken."""
        rule, faults = self._config.metric[index], list[str]()
        try:
            told = deliver(self._service, self._config.provider, rule.model, rule.signal, unit, points)
            self._log.info("taken", query=rule.signal, points=told.accepted, had_before=told.repeated)
        except Unusable as error:
            if len(points) == 1:
                return [plain(str(error), MOST_TOLD)]
            for point in points:
                faults += self._deliver(index, unit, [point])
        return faults

    def _answer(self, faults: list[str]) -> service_pb.ExportMetricsServiceResponse:
        answer = service_pb.ExportMetricsServiceResponse()
        if faults:
            self._log.warning("refused", provider=self._config.provider, points=len(faults), told=faults[:SHOWN])
            more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
            answer.partial_success.rejected_data_points = len(faults)
            answer.partial_success.error_message = f"{'; '.join(faults[:SHOWN])}{more}"[:MOST_TOLD]
        return answer
