"""The way to the service in which labels can be held back, and beside which a series of latencies runs."""

from __future__ import annotations

import numpy as np

from backtest.drills.planting import Planted
from backtest.local import Local
from backtest.stream import Floats, Ints, Stream
from server.requests import MetricsBatch, Point
from server.service import Service

SERIES = "latency_p99_ms"
TOLERANCE = 0.2  #: share of its level that a series may rise by


class Wire(Local):
    """The service in this process, behind a way on which things are planted."""

    def __init__(self, service: Service, planted: Planted) -> None:
        super().__init__(service)
        self._planted, self._sent, self._windows = planted, 0, 0
        self._held: Ints = np.empty(0, dtype=np.int64)

    def ingest(
        self,
        stream: Stream,
        model: str,
        rows: range,
        outputs: dict[str, Floats],
        served: list[str],
        generation: int,
    ) -> None:
        """Send rows, and the point of the series that belongs to them."""
        super().ingest(stream, model, rows, outputs, served, generation)
        self._sent = rows.stop
        if self._planted.series is not None:
            self._measure(model, int(stream.times_us[rows.stop - 1]), float(self._planted.series[self._windows]))
        self._windows += 1

    def label(self, stream: Stream, model: str, rows: Ints, time_us: int) -> None:
        """Send the labels that may be told by now, of *rows* and of those that were held back."""
        rows = np.concatenate([self._held, rows])
        may = np.ones(len(rows), dtype=np.bool_) if self._planted.due is None else self._planted.due[rows] < self._sent
        self._held = rows[~may]
        if may.any():
            super().label(stream, model, rows[may], time_us)

    def _measure(self, model: str, time_us: int, value: float) -> None:
        point = Point(name=SERIES, time_us=time_us, value=value, higher_is_worse=True, tolerance=TOLERANCE)
        batch = MetricsBatch(model=model, request_id=f"series-{self._windows}", points=[point])
        self._service.ingest_metrics(batch).result()
