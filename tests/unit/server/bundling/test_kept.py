"""Kept rows go into a bundle as they stand and in the period asked for; what is in clear stays where it is."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from server.bundling.bundle import Source, write_bundle
from server.bundling.kept import GONE, IN_CLEAR, OF_NOBODY, Kept, RowsTooLarge
from server.bundling.period import Period
from server.intake import feed
from server.service import Service
from statemachine.record.canonical import digest
from store.blobs import FsspecBlobs
from store.ports import Unit
from store.records import FeedItem
from store.sealed_blobs import SealedBlobs
from store.vault import KeyUnknown, open_vault
from tests.fixtures.bundles import ALWAYS, checked, kept_of, source_of, unpacked, written
from tests.fixtures.steps import scenario
from tests.scenarios.script import script
from tests.scenarios.service_stage import ServiceStage, on_stage


@pytest.fixture
def stage() -> Iterator[ServiceStage]:
    """A model that declined, was remedied, and serves a new champion; its log is signed."""
    with on_stage() as found:
        script(scenario("service", "lasting_decline")).play(found)
        yield found


@pytest.fixture
def source(stage: ServiceStage) -> Source:
    return source_of(stage.service)


@pytest.fixture
def kept(stage: ServiceStage) -> Kept:
    return kept_of(stage.service)


def feed_of(service: Service) -> tuple[FeedItem, ...]:
    return service.store.read(lambda reader: reader.feed("m", 0, 1_000))


def index(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in unpacked(data)["rows.jsonl"].splitlines()]


def put(item: FeedItem, unit: Unit) -> None:
    unit.put(item)


def next_item(service: Service, entry: feed.Entry, kind: str, body: bytes) -> FeedItem:
    """Make the next item of the feed."""
    last = feed_of(service)[-1]
    count = entry.count if isinstance(entry, feed.Rows) else 1
    return replace(last, seq=last.seq + 1, kind=kind, batch_id="next", first_row=0, row_count=count, body=body)


def test_rows_are_in_a_bundle_only_where_they_were_asked_for(source: Source) -> None:
    files = unpacked(written(source)[0])

    assert {name for name in files if "rows" in name or "columns" in name} == set()


def test_every_entry_of_the_feed_is_there_as_it_stands_and_in_its_order(
    stage: ServiceStage, source: Source, kept: Kept
) -> None:
    data, _ = written(source, kept=kept)
    items, lines, ciphertext = feed_of(stage.service), index(data), unpacked(data)["rows.sealed"]
    told = [one for one in lines if one["kind"] != "dataset"]

    assert checked(data).faults == []
    assert [(one["seq"], one["kind"], one["rows"]) for one in told] == [(i.seq, i.kind, i.row_count) for i in items]
    assert [one["sha256"] for one in told] == [digest(item.body) for item in items]
    assert ciphertext.startswith(b"".join(item.body for item in items))


def test_the_dataset_of_each_version_is_there_sealed_and_under_the_hash_that_the_log_names(
    stage: ServiceStage, source: Source, kept: Kept
) -> None:
    data, _ = written(source, kept=kept)
    lineage = json.loads(unpacked(data)["lineage.json"])
    trained = {one["sha256"] for one in lineage["data"] if one["versions"] and one["kind"] != "reference"}
    (line,) = [one for one in index(data) if one["kind"] == "dataset"]
    sealed = stage.service.desk.blobs.sealed(line["plain_sha256"]) or b""

    assert {line["plain_sha256"]} == trained
    assert (line["sha256"], line["size"]) == (digest(sealed), len(sealed))
    assert unpacked(data)["rows.sealed"].endswith(sealed)


def test_made_again_it_has_the_same_bytes_until_a_key_is_destroyed(
    stage: ServiceStage, source: Source, kept: Kept
) -> None:
    first, _ = written(source, kept=kept)
    again, _ = written(source, kept=kept)
    key = index(first)[-1]["keys"][0]["id"]
    stage.service.desk.sealer.vault.destroy([key])
    later, _ = written(source, kept=kept)

    assert again == first
    assert [one for one in index(later) if one not in index(first)] == [
        {**index(first)[-1], "keys": [{"alive": False, "id": key}]}
    ]


def test_only_entries_of_the_period_are_there(stage: ServiceStage, source: Source, kept: Kept) -> None:
    items = feed_of(stage.service)
    start, end = items[3].watermark_us, items[-2].watermark_us
    data, _ = written(source, Period(start, end), kept=kept)
    seqs = [one["seq"] for one in index(data) if one["kind"] != "dataset"]

    assert checked(data).faults == []
    assert seqs == [item.seq for item in items if start <= item.watermark_us <= end]
    assert len(seqs) < len(items)


def test_words_that_were_learned_before_the_period_are_told_with_it(
    stage: ServiceStage, source: Source, kept: Kept
) -> None:
    last = feed_of(stage.service)[-1].watermark_us
    whole, part = (unpacked(written(source, period, kept=kept)[0]) for period in (ALWAYS, Period(last)))

    assert part["columns.json"] == whole["columns.json"]
    assert [one["name"] for one in json.loads(part["columns.json"])["features"]] == ["x", "colour"]


def test_what_stands_in_clear_is_withheld_and_said_to_be(stage: ServiceStage, source: Source, kept: Kept) -> None:
    points = feed.Points(points=[{"name": "rate", "time_us": 1, "value": 0.25}])
    opened = [entry for _, entry in stage.service.desk.sealer.opened(feed_of(stage.service)[:1])]
    for entry, kind in ((opened[0], feed.ROWS), (points, feed.METRICS)):
        item = next_item(stage.service, entry, kind, feed.encode(entry))
        rows = stage.service.store.read(lambda reader: reader.feed_head("m")).next_row
        stage.service.store.run(partial(put, replace(item, first_row=rows if kind == feed.ROWS else 0)))
    data, _ = written(source, kept=kept)
    found = [one for one in index(data) if one["withheld"]]

    assert checked(data).faults == []
    assert [(one["kind"], one["withheld"]) for one in found] == [("rows", IN_CLEAR), ("metrics", OF_NOBODY)]
    assert [(one["sha256"], one["size"], one["keys"]) for one in found] == [(None, None, [])] * 2
    assert checked(data).more["withheld"] == 2
    assert b"reference/0" not in b"".join(unpacked(data).values())


@pytest.mark.parametrize("why", [IN_CLEAR, GONE])
def test_a_dataset_that_is_not_sealed_is_withheld(stage: ServiceStage, source: Source, kept: Kept, why: str) -> None:
    (line,) = [one for one in index(written(source, kept=kept)[0]) if one["kind"] == "dataset"]
    elsewhere = SealedBlobs(FsspecBlobs(f"memory://{uuid4().hex}"), stage.service.desk.sealer.vault)
    if why == IN_CLEAR:
        elsewhere.put(stage.service.desk.blobs.get(line["plain_sha256"]))
    data, _ = written(source, kept=replace(kept, blobs=elsewhere))

    assert checked(data).faults == []
    assert [one["withheld"] for one in index(data) if one["kind"] == "dataset"] == [why]


def test_more_than_a_bundle_holds_is_refused_and_a_shorter_period_is_not(
    stage: ServiceStage, source: Source, kept: Kept
) -> None:
    whole = len(unpacked(written(source, kept=kept)[0])["rows.sealed"])
    tight = replace(kept, most_bytes=whole - 1)
    with pytest.raises(RowsTooLarge) as caught:
        written(source, kept=tight)
    shorter, _ = written(source, Period(until_us=feed_of(stage.service)[2].watermark_us), kept=tight)

    assert str(caught.value) == (
        f"rows: those of the period have more than {whole - 1} bytes; a shorter period is accepted"
    )
    assert len(index(shorter)) == 3
    assert index(written(source, kept=replace(kept, most_bytes=whole))[0])[-1]["kind"] == "dataset"


def test_a_vault_that_never_held_the_keys_gives_no_bundle(source: Source, kept: Kept) -> None:
    foreign = replace(kept, keys=open_vault("memory://", clock_us=lambda: 0))
    with pytest.raises(KeyUnknown):
        write_bundle(source, "m", ALWAYS, 1, io.BytesIO(), foreign)
