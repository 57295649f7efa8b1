"""Points on their way into the service."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Protocol

from remission.errors import CallError, DeadlineExceededError, ResourceExhaustedError, UnavailableError
from remission.v1 import ingest_pb2

from providers.errors import Away, Unusable

PASSING = (UnavailableError, DeadlineExceededError, ResourceExhaustedError)


class Service(Protocol):
    """What of the client is needed here."""

    def ingest_metrics(
        self, model: str, points: Sequence[ingest_pb2.MetricPoint], *, request_id: str, provider: str
    ) -> ingest_pb2.IngestMetricsResponse:
        """Send points; once this returns they are durable."""
        ...


def deliver(
    service: Service, provider: str, model: str, signal: str, unit: str, points: Sequence[tuple[int, float]]
) -> ingest_pb2.IngestMetricsResponse:
    """Send *points*, pairs of time and value, under an id that follows from them: sent twice, they count once.

    Raises:
        Away: The service, or its database, is away.
        Unusable: It refuses them.
    """
    made = [ingest_pb2.MetricPoint(name=signal, time_us=at_us, value=value, unit=unit) for at_us, value in points]
    content = json.dumps([provider, model, signal, unit, [[at_us, value] for at_us, value in points]])
    request_id = f"signal-{hashlib.sha256(content.encode()).hexdigest()[:40]}"
    try:
        return service.ingest_metrics(model, made, request_id=request_id, provider=provider)
    except PASSING as error:
        raise Away(f"the service does not take points of {signal}: {error}") from error
    except CallError as error:
        raise Unusable(f"the service refuses points of {signal}: {error}") from error
