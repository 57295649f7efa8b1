"""IngestService: rows, labels and metric points come in; an OK means durable."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import numpy as np
from remission.v1 import health_pb2, ingest_pb2_grpc
from remission.v1 import ingest_pb2 as pb

from server.errors import Invalid, TooLarge
from server.intake.checks import LAST_US
from server.requests import Categories, Column, Floats, Ints, LabelsBatch, MetricsBatch, Point, Receipt, RowsBatch
from server.service import Service
from server.transport.calls import Context, answering, caller, done, read, streaming
from server.transport.fields import (
    MOST_BATCH_BYTES,
    MOST_WORD,
    array,
    between,
    columns,
    identifier,
    identifiers,
    model_name,
    number,
    rows_within,
    subject,
    text,
    word,
)
from server.transport.speakers import Speakers
from server.views import StateView
from statemachine.externals import DIRECTIONS, NAME, PROVIDER

MOST_POINTS = 10_000
MOST_OUTPUTS = 16
MOST_UNIT_ID = 128
MOST_MESSAGE_ROWS = 10_000


class IngestServicer(ingest_pb2_grpc.IngestServiceServicer):
    """The way in."""

    def __init__(self, service: Service, speakers: Speakers) -> None:
        self._service, self._speakers = service, speakers

    @answering
    async def Ingest(self, request: pb.IngestRequest, _: Context) -> pb.IngestResponse:
        """Take one batch of rows in."""
        batch = await read(rows_batch, self._service, request)
        return pb.IngestResponse(receipt=await self._rows(batch))

    @streaming
    async def IngestStream(
        self, requests: AsyncIterator[pb.IngestStreamRequest], _: Context
    ) -> AsyncGenerator[pb.IngestStreamResponse, None]:
        """Take batches in as they come; acknowledge each, in order, before the next is taken."""
        model = ""
        async for request in requests:
            model = same_model(request.model, model)
            batch = await read(column_batch, model, request.batch)
            yield pb.IngestStreamResponse(receipt=await self._rows(batch))

    @answering
    async def IngestLabels(self, request: pb.IngestLabelsRequest, _: Context) -> pb.IngestLabelsResponse:
        """Take labels in."""
        batch = await read(labels_batch, self._service, request)
        told = await done(self._service.ingest_labels(batch))
        state = await self._state(batch.model)
        return pb.IngestLabelsResponse(
            accepted=told.accepted, repeated=told.repeated, labelled_rows=told.labelled, duplicate=told.duplicate,
            state=number(health_pb2.State, state.state), route_generation=state.routing_generation,
            missing=told.missing, erased_rows=told.erased,
        )  # fmt: skip

    @answering
    async def IngestMetrics(self, request: pb.IngestMetricsRequest, context: Context) -> pb.IngestMetricsResponse:
        """Take points of metric series in."""
        batch, who = await read(metrics_batch, request), await caller(self._service, context)
        self._speakers.check(who, batch.provider)
        told = await done(self._service.ingest_metrics(batch))
        state = await self._state(batch.model)
        return pb.IngestMetricsResponse(
            accepted=told.accepted, duplicate=told.duplicate, repeated=told.repeated,
            state=number(health_pb2.State, state.state), route_generation=state.routing_generation,
        )  # fmt: skip

    async def _rows(self, batch: RowsBatch) -> pb.Receipt:
        if batch.subjects:
            # New keys must be durable first; made here, no other work waits for them.
            await read(self._service.ready, batch)
        told = await done(self._service.ingest(batch))
        return receipt(told, await self._state(batch.model))

    async def _state(self, model: str) -> StateView:
        return await read(self._service.state, model)


def same_model(asked: str, before: str) -> str:
    """Give the model of a stream's next message: named in the first, and later either not or the same."""
    if before and asked not in ("", before):
        raise Invalid("model", f"{asked!r} is not {before!r}, which this stream began with; a stream has one model")
    return before or model_name(asked)


def receipt(told: Receipt, state: StateView) -> pb.Receipt:
    """Write a receipt."""
    return pb.Receipt(
        batch_id=told.batch_id, accepted_rows=told.accepted, first_row=told.first_row,
        watermark_us=told.watermark_us, duplicate=told.duplicate, state=number(health_pb2.State, state.state),
        state_version=state.version, route_generation=state.routing_generation,
    )  # fmt: skip


def rows_batch(service: Service, request: pb.IngestRequest) -> RowsBatch:
    """Read a batch, in columns or in rows."""
    model = model_name(request.model)
    match request.WhichOneof("content"):
        case "batch":
            return column_batch(model, request.batch)
        case "rows":
            return message_batch(service, model, request.rows)
        case _:
            raise Invalid("content", "is missing; batch or rows is accepted")


def column_batch(model: str, batch: pb.Batch) -> RowsBatch:
    """Read a columnar batch."""
    if batch.ByteSize() > MOST_BATCH_BYTES:
        raise TooLarge("batch", batch.ByteSize(), MOST_BATCH_BYTES)
    count = rows_within(batch.row_count, "batch.row_count")
    ids = identifiers(batch.prediction_ids, "batch.prediction_ids")
    if len(ids) != count:
        raise Invalid("batch.prediction_ids", f"{len(ids)} ids for {count} rows")
    _check_units(batch.unit_ids, count)
    return RowsBatch(
        model=model, batch_id=identifier(batch.batch_id, "batch.batch_id"), ids=ids,
        times_us=array(batch.times_us, "<i8", count, "batch.times_us"),
        columns=columns(batch.columns, count, "batch.columns"), outputs=_outputs(batch, count),
        served=array(batch.served_by, "u1", count, "batch.served_by") if batch.served_by else np.zeros(count, np.uint8),
        generation=batch.route_generation, latency_us=_latency(batch, count), subjects=_subjects(batch, count),
    )  # fmt: skip


def _outputs(batch: pb.Batch, count: int) -> dict[str, Floats]:
    if len(batch.outputs) > MOST_OUTPUTS:
        raise Invalid("batch.outputs", f"{len(batch.outputs)} versions; 1 to {MOST_OUTPUTS} are accepted")
    found = {one.version: array(one.values, "<f8", count, f"batch.outputs[{one.version}]") for one in batch.outputs}
    if len(found) != len(batch.outputs):
        raise Invalid("batch.outputs", "a version stands twice; each once is accepted")
    return found


def _latency(batch: pb.Batch, count: int) -> Ints | None:
    if not batch.latency_us:
        return None
    found = array(batch.latency_us, "<i4", count, "batch.latency_us").astype(np.int64)
    if (found < 0).any():
        raise Invalid(f"batch.latency_us[{int((found < 0).argmax())}]", "is negative; 0 or more is accepted")
    return found


def _subjects(batch: pb.Batch, count: int) -> list[str]:
    found = list(batch.subject_ids)
    if found and len(found) != count:
        raise Invalid("batch.subject_ids", f"{len(found)} ids for {count} rows; none, or one a row, is accepted")
    for i, one in enumerate(found):
        subject(one, f"batch.subject_ids[{i}]")
    return found


def _check_units(ids: Sequence[str], count: int) -> None:
    if ids and len(ids) != count:
        raise Invalid("batch.unit_ids", f"{len(ids)} ids for {count} rows; none, or one a row, is accepted")
    for i, one in enumerate(ids):
        text(one, f"batch.unit_ids[{i}]", MOST_UNIT_ID)


def message_batch(service: Service, model: str, batch: pb.Rows) -> RowsBatch:
    """Turn row messages into columns."""
    count = len(batch.rows)
    if not 0 < count <= MOST_MESSAGE_ROWS:
        raise Invalid("rows.rows", f"{count} rows; 1 to {MOST_MESSAGE_ROWS} are accepted")
    versions = list(dict.fromkeys(version for row in batch.rows for version in row.outputs))
    served = [versions.index(row.served_by) if row.served_by in versions else -1 for row in batch.rows]
    if -1 in served:
        raise Invalid(f"rows.rows[{served.index(-1)}].served_by", f"is not accepted; one of {versions} is")
    schema = service.model(model).schema
    found: dict[str, Column] = {}
    known = {feature["name"] for feature in schema["features"]}
    for i, row in enumerate(batch.rows):
        strangers = sorted(set(row.features) - known)
        if strangers:
            raise Invalid(f"rows.rows[{i}].features[{strangers[0]}]", f"is unknown; the schema has {sorted(known)}")
    for feature in schema["features"]:
        found[feature["name"]] = _column(batch, feature["name"], feature["kind"])
    return RowsBatch(
        model=model, batch_id=identifier(batch.batch_id, "rows.batch_id"),
        ids=identifiers([row.prediction_id for row in batch.rows], "rows.rows.prediction_id"),
        times_us=np.array([row.time_us for row in batch.rows], dtype=np.int64), columns=found,
        outputs={v: np.array([row.outputs.get(v, math.nan) for row in batch.rows]) for v in versions},
        served=np.array(served, dtype=np.uint8), generation=batch.route_generation, subjects=_named(batch),
    )  # fmt: skip


def _named(batch: pb.Rows) -> list[str]:
    found = [subject(row.subject_id, f"rows.rows[{i}].subject_id") for i, row in enumerate(batch.rows)]
    return found if any(found) else []


def _column(batch: pb.Rows, name: str, kind: str) -> Column:
    wanted = "number" if kind == "numeric" else "category"
    for i, row in enumerate(batch.rows):
        if name in row.features and row.features[name].WhichOneof("value") not in (wanted, None):
            raise Invalid(f"rows.rows[{i}].features[{name}]", f"is not accepted; a {wanted} is")
    held = [name in row.features and row.features[name].WhichOneof("value") is not None for row in batch.rows]
    if kind == "numeric":
        return np.array(
            [row.features[name].number if here else math.nan for row, here in zip(batch.rows, held, strict=True)]
        )
    codes: dict[str, int] = {}
    found = np.full(len(batch.rows), -1, dtype=np.int32)
    for i in (i for i, here in enumerate(held) if here):
        category = text(batch.rows[i].features[name].category, f"rows.rows[{i}].features[{name}]", MOST_WORD)
        found[i] = codes.setdefault(category, len(codes))
    return Categories(dictionary=list(codes), codes=found)


def labels_batch(service: Service, request: pb.IngestLabelsRequest) -> LabelsBatch:
    """Read labels."""
    ids = identifiers(request.prediction_ids, "prediction_ids")
    rows_within(len(ids), "prediction_ids")
    now_us = service.desk.limit_us()
    times = array(request.times_us, "<i8", len(ids), "times_us") if request.times_us else np.full(len(ids), now_us or 0)
    return LabelsBatch(
        model=model_name(request.model), batch_id=identifier(request.batch_id, "batch_id"), ids=ids,
        values=array(request.values, "<f8", len(ids), "values"), times_us=times, allow_missing=request.allow_missing,
    )  # fmt: skip


def metrics_batch(request: pb.IngestMetricsRequest) -> MetricsBatch:
    """Read points of metric series."""
    if not 0 < len(request.points) <= MOST_POINTS:
        raise Invalid("points", f"{len(request.points)} points; 1 to {MOST_POINTS} are accepted")
    points = [_point(one, f"points[{i}]") for i, one in enumerate(request.points)]
    directions: dict[str, bool | None] = {}
    for i, one in enumerate(points):
        if directions.setdefault(one.name, one.higher_is_worse) != one.higher_is_worse:
            raise Invalid(
                f"points[{i}].direction",
                f"differs from that of an earlier point of {one.name!r}; one a series is accepted",
            )
    return MetricsBatch(
        model=model_name(request.model), request_id=identifier(request.request_id, "request_id"), points=points,
        provider=provider(request.provider),
    )  # fmt: skip


def provider(name: str, where: str = "provider") -> str:
    """Read who measured; nobody in particular is accepted."""
    if name and not PROVIDER.fullmatch(name):
        raise Invalid(where, f"{name[:MOST_WORD]!r} is not accepted; {PROVIDER.pattern}, or nothing, is")
    return name


def _point(one: pb.MetricPoint, where: str) -> Point:
    if not NAME.fullmatch(one.name):
        raise Invalid(f"{where}.name", f"{one.name!r} is not accepted; {NAME.pattern} is")
    if not math.isfinite(one.value):
        raise Invalid(f"{where}.value", f"{one.value} is not accepted; a finite number is")
    if not math.isfinite(one.tolerance) or one.tolerance < 0:
        raise Invalid(f"{where}.tolerance", f"{one.tolerance} is not accepted; a finite number above 0 is")
    between(one.time_us, 0, LAST_US, f"{where}.time_us")
    worse = word(pb.Direction, one.direction, f"{where}.direction", DIRECTIONS) if one.direction else ""
    return Point(
        name=one.name, time_us=one.time_us, value=one.value, unit=text(one.unit, f"{where}.unit", MOST_WORD),
        higher_is_worse=worse == DIRECTIONS[0] if worse else None, tolerance=one.tolerance or None,
    )  # fmt: skip
