"""The client: calls with deadlines, retries and typed errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from numpy.typing import ArrayLike

from remission.artifacts import Artifacts
from remission.batches import make_batch, read_ids, require_length
from remission.certificates import Tls
from remission.columns import Kinds, Table, pack_floats, pack_micros
from remission.connection import Connection, new_id
from remission.health import Health
from remission.history import History
from remission.models import Models
from remission.operations import Operations
from remission.privacy import Privacy
from remission.routes import Routes
from remission.training import Training
from remission.v1 import audit_pb2, health_pb2, ingest_pb2, ingest_pb2_grpc, model_pb2, routing_pb2

#: Where a server listens unless it is told otherwise.
DEFAULT_TARGET = "127.0.0.1:50061"


class Client:
    """A connection to a server; safe to use from several threads, and a context manager.

    Calls that change something are idempotent by an id: give one to be able to repeat the call after a crash, or leave
    it out and get a new one. Every call raises `remission.errors.CallError`, by class of its status.

    Args:
        target: Host and port.
        tls: Credentials of an encrypted channel, or `CertificateFiles`, which are read again when they are renewed;
            plain text without them.
        timeout: Seconds that a call may take in all, its retries included.
    """

    def __init__(self, target: str = DEFAULT_TARGET, tls: Tls | None = None, timeout: float = 30.0) -> None:
        self._connection = Connection(target, tls, timeout)
        self._ingest = ingest_pb2_grpc.IngestServiceStub(self._connection.channel)
        self.models = Models(self._connection)
        self.health = Health(self._connection)
        self.routes = Routes(self._connection)
        self.audit = History(self._connection)
        self.operations = Operations(self._connection)
        self.training = Training(self._connection)
        self.artifacts = Artifacts(self._connection)
        self.privacy = Privacy(self._connection)

    def create_model(
        self, model: model_pb2.Model, reference: model_pb2.Reference, *, request_id: str = ""
    ) -> model_pb2.Model:
        """Register a model; see `remission.models.Models.create`."""
        return self.models.create(model, reference, request_id=request_id)

    def ingest(  # noqa: PLR0913 - a batch has this many columns, and each is named
        self,
        model: str,
        data: Table | ArrayLike,
        *,
        outputs: Mapping[str, ArrayLike],
        prediction_ids: Sequence[str],
        times_us: ArrayLike,
        batch_id: str = "",
        served_by: Sequence[str] | str | None = None,
        route_generation: int = 0,
        unit_ids: Sequence[str | None] = (),
        subject_ids: Sequence[str | None] = (),
        latency_us: ArrayLike = (),
        kinds: Kinds | None = None,
    ) -> ingest_pb2.Receipt:
        """Send predictions; the receipt means that they are durable. See `remission.batches.make_batch`."""
        batch = make_batch(
            batch_id or new_id(),
            data,
            outputs=outputs,
            prediction_ids=prediction_ids,
            times_us=times_us,
            served_by=served_by,
            route_generation=route_generation,
            unit_ids=unit_ids,
            subject_ids=subject_ids,
            latency_us=latency_us,
            kinds=kinds,
        )
        return self.ingest_batch(model, batch)

    def ingest_batch(self, model: str, batch: ingest_pb2.Batch) -> ingest_pb2.Receipt:
        """Send a batch; sent again after a crash it gets its first answer."""
        request = ingest_pb2.IngestRequest(model=model, batch=batch)
        return self._connection.call(self._ingest.Ingest, request).receipt

    def ingest_stream(self, model: str, batches: Iterable[ingest_pb2.Batch]) -> Iterator[ingest_pb2.Receipt]:
        """Send batches as they come, and yield the receipt of each, in order.

        After a broken stream send again what has no receipt; batches that were had before are not counted twice.
        """
        requests = (ingest_pb2.IngestStreamRequest(model=model, batch=batch) for batch in batches)
        for answer in self._connection.stream(lambda: self._ingest.IngestStream(requests)):
            yield answer.receipt

    def ingest_labels(
        self,
        model: str,
        prediction_ids: Sequence[str],
        values: ArrayLike,
        *,
        times_us: ArrayLike = (),
        batch_id: str = "",
        allow_missing: bool = False,
    ) -> ingest_pb2.IngestLabelsResponse:
        """Send what turned out to be true: class indices or values, (rows,), one a prediction.

        Where nothing is known of a prediction, as of one whose row was erased, all are refused; with *allow_missing*
        the others are taken, and `missing` of the answer has the positions of those that were not.

        Raises:
            LengthsDifferError: There are more or fewer values, or times, than predictions.
            NotNumericError: A value is no number.
            NotMicrosecondsError: A time is no number, or too large.
            NotTextError: An id is no text.
            NotUnicodeError: An id holds half of a surrogate pair.
        """
        ids = read_ids("prediction_ids", prediction_ids)
        require_length("values", values, len(ids))
        require_length("times_us", times_us, len(ids), optional=True)
        request = ingest_pb2.IngestLabelsRequest(
            model=model,
            batch_id=batch_id or new_id(),
            prediction_ids=ids,
            values=pack_floats("values", values),
            times_us=pack_micros("times_us", times_us, "i8"),
            allow_missing=allow_missing,
        )
        return self._connection.call(self._ingest.IngestLabels, request)

    def ingest_metrics(
        self, model: str, points: Iterable[ingest_pb2.MetricPoint], *, request_id: str = "", provider: str = ""
    ) -> ingest_pb2.IngestMetricsResponse:
        """Send points of named series that others measure, and say who they are."""
        request = ingest_pb2.IngestMetricsRequest(
            model=model, request_id=request_id or new_id(), points=points, provider=provider
        )
        return self._connection.call(self._ingest.IngestMetrics, request)

    def feature_kinds(self, model: str) -> Kinds:
        """Return the kinds of a model's features, by name."""
        return {feature.name: feature.kind for feature in self.models.get(model).features}

    def state(self, model: str) -> health_pb2.ModelState:
        """Return a model's state."""
        return self.health.get(model)

    def watch(self, *models: str, after_position: int = 0) -> Iterator[health_pb2.WatchStatesResponse]:
        """Yield states as they change; see `remission.health.Health.watch`."""
        return self.health.watch(*models, after_position=after_position)

    def route(self, model: str) -> routing_pb2.Route:
        """Return the route in force."""
        return self.routes.get(model)

    def history(self, model: str = "", *, after_position: int = 0) -> Iterator[audit_pb2.Event]:
        """Yield a model's events, or everyone's, in order; see `remission.history.History.events`."""
        return self.audit.events(model, after_position=after_position)

    def replay(self, model: str) -> Iterator[audit_pb2.ReplayModelResponse]:
        """Yield each event of a model with the state before and after, then a summary."""
        return self.audit.replay(model)

    def close(self) -> None:
        """Close the connection; calls under way fail."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self.close()
