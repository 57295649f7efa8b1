"""Taking data in: an OK means that it is in the feed, durably, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

import orjson

from server.desk import Desk
from server.errors import Invalid, new_id
from server.intake import feed
from server.intake.points import MOST_SERIES, reconciled
from server.requests import LabelsBatch, MetricsBatch, Receipt, RowsBatch
from statemachine.record.canonical import canonical, digest
from store.errors import RequestIdReused
from store.ports import Unit
from store.records import FeedItem
from store.rules import first_answer


def ingest_rows(desk: Desk, unit: Unit, batch: RowsBatch) -> Receipt:
    """Accept a batch of rows whole, or refuse it whole."""
    desk.living(unit, batch.model)
    key, sha = f"rows/{batch.model}/{batch.batch_id}", batch.digest()
    with new_id("batch.batch_id", batch.batch_id):
        return _once(desk, unit, key, sha, lambda: _rows(desk, unit, batch))


def ingest_labels(desk: Desk, unit: Unit, batch: LabelsBatch) -> Receipt:
    """Accept labels for predictions that were ingested before."""
    desk.living(unit, batch.model)
    key, sha = f"labels/{batch.model}/{batch.batch_id}", batch.digest()
    with new_id("batch_id", batch.batch_id):
        return _once(desk, unit, key, sha, lambda: _labels(desk, unit, batch))


def ingest_metrics(desk: Desk, unit: Unit, batch: MetricsBatch) -> Receipt:
    """Accept points of metric series, each series in the order of time."""
    desk.living(unit, batch.model)
    key, sha = f"metrics/{batch.model}/{batch.request_id}", digest(canonical(batch.to_json()))
    with new_id("request_id", batch.request_id):
        return _once(desk, unit, key, sha, lambda: _points(desk, unit, batch))


def _rows(desk: Desk, unit: Unit, batch: RowsBatch) -> Receipt:
    intake = desk.intake(unit, batch.model)
    versions = desk.versions(unit, batch.model)
    strangers = sorted(set(batch.outputs) - versions)
    if strangers:
        raise Invalid("batch.outputs", f"unknown version {strangers[0]!r}; accepted are {', '.join(sorted(versions))}")
    newest = desk.health(unit, batch.model).route.generation
    if batch.generation > newest:
        raise Invalid("batch.route_generation", f"{batch.generation} was never issued; 0 to {newest} is accepted")
    entry = desk.sealer.keyed(batch.model, intake.rows(batch, desk.limit_us()), batch.subjects)
    _accept(desk, unit, batch.model, batch.batch_id, entry)
    return Receipt(
        batch_id=batch.batch_id, accepted=entry.count, first_row=entry.first_row, watermark_us=intake.watermark_us
    )


def _labels(desk: Desk, unit: Unit, batch: LabelsBatch) -> Receipt:
    intake = desk.intake(unit, batch.model)
    found = intake.labels(batch, desk.limit_us())
    if len(found.entry.rows):
        keys = intake.keys.of(found.entry.rows, desk.sealer.plain(batch.model))
        _accept(desk, unit, batch.model, batch.batch_id, found.entry, keys)
    return Receipt(
        batch_id=batch.batch_id,
        accepted=len(found.entry.rows),
        repeated=found.repeated,
        labelled=intake.labelled,
        watermark_us=intake.watermark_us,
        missing=found.missing,
        erased=intake.erased,
    )


def _points(desk: Desk, unit: Unit, batch: MetricsBatch) -> Receipt:
    intake, signals = desk.intake(unit, batch.model), desk.health(unit, batch.model).signals
    points = reconciled(batch, signals, intake.series, desk.limit_us())
    names = {*intake.series, *(point["name"] for point in points)}
    if len(names) > MOST_SERIES:
        raise Invalid("points", f"{len(names)} series; at most {MOST_SERIES} a model are accepted")
    if points:
        _accept(desk, unit, batch.model, batch.request_id, feed.Points(points=points))
    return Receipt(
        batch_id=batch.request_id, accepted=len(points), repeated=len(batch.points) - len(points),
        watermark_us=intake.watermark_us,
    )  # fmt: skip


def _accept(
    desk: Desk, unit: Unit, model: str, batch_id: str, entry: feed.Entry, keys: feed.Keys | None = None
) -> None:
    desk.feeds(model)
    intake = desk.intake(unit, model)
    body = desk.sealer.sealed(model, intake.next_seq, entry, keys)
    put_entry(unit, model, intake.next_seq, batch_id, entry, intake.watermark_us, body)
    intake.take(entry)


def put_entry(
    unit: Unit, model: str, seq: int, batch_id: str, entry: feed.Entry, watermark_us: int, body: bytes
) -> None:
    """Write one entry of the feed, sealed as *body*. The watermark never falls.

    Raises:
        RequestIdReused: The feed has a batch of this id.
    """
    match entry:
        case feed.Rows():
            kind, first, count, at_us = feed.ROWS, entry.first_row, entry.count, int(entry.times_us[-1])
        case feed.Labels():
            kind, first, count, at_us = feed.LABELS, int(entry.rows.min()), len(entry.rows), entry.time_us
        case feed.Points():
            kind, first, count = feed.METRICS, 0, len(entry.points)
            at_us = max(int(point["time_us"]) for point in entry.points)
    if unit.feed_batch(model, kind, batch_id) is not None:  # so long ago that its answer was let go of
        raise RequestIdReused(batch_id)
    unit.put(
        FeedItem(
            stream=model, seq=seq, kind=kind, batch_id=batch_id, first_row=first, row_count=count,
            watermark_us=max(at_us, watermark_us), body=body,
        )
    )  # fmt: skip


def _once(desk: Desk, unit: Unit, key: str, sha: str, work: Callable[[], Receipt]) -> Receipt:
    """Do *work* for the first request of this key; give a repeated one its first answer.

    What is kept of the content is a keyed hash: from a plain one a row of few values could be guessed.
    """
    keyed, had = desk.sealer.vault.pseudonym("request", sha), unit.request(key)
    # What an earlier release has kept is a plain one.
    answer = first_answer(had, sha if had is not None and had.payload_sha256 == sha else keyed)
    if answer is not None:
        return replace(Receipt(**orjson.loads(answer)), duplicate=True)
    receipt = work()
    unit.remember(key, keyed, orjson.dumps(asdict(receipt)))
    return receipt
