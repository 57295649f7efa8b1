"""Rows of a bundle are opened as they came in; what does not open as it should is refused by the name of its entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from remission_verify.archive import ArchiveTorn
from remission_verify.errors import FileInvalid

from server.bundling.columns import Columns
from server.bundling.opening import Opened, open_rows
from server.intake import feed
from server.intake.schema import CATEGORICAL, NUMERIC, OTHER, Feature, Schema
from statemachine.record.canonical import canonical, digest
from tests.fixtures.bundles import Files, checked, kept_of, packed, sealed, source_of, unpacked, written
from tests.fixtures.steps import scenario
from tests.scenarios.script import script
from tests.scenarios.service_stage import ServiceStage, on_stage


@pytest.fixture(scope="module")
def stage() -> Iterator[ServiceStage]:
    """A model that declined, was remedied, and serves a new champion."""
    with on_stage() as found:
        script(scenario("service", "lasting_decline")).play(found)
        yield found


@pytest.fixture(scope="module")
def files(stage: ServiceStage) -> Files:
    return unpacked(written(source_of(stage.service), kept=kept_of(stage.service))[0])


def opened(stage: ServiceStage, files: Files, folder: Path) -> Opened:
    (folder / "b.zip").write_bytes(packed(files))
    (folder / "out").mkdir()
    return open_rows(folder / "b.zip", "m", stage.service.desk.sealer.vault, folder / "out")


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def index(files: Files) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["rows.jsonl"].splitlines()]


def with_index(files: Files, told: list[dict[str, Any]], ciphertext: bytes) -> Files:
    text = b"".join(canonical(one) + b"\n" for one in told)
    return sealed({**files, "rows.jsonl": text, "rows.sealed": ciphertext})


def test_every_row_and_label_is_what_came_in(stage: ServiceStage, files: Files, tmp_path: Path) -> None:
    done = opened(stage, files, tmp_path)
    items = stage.service.store.read(lambda reader: reader.feed("m", 0, 1_000))
    entries = [entry for _, entry in stage.service.desk.sealer.opened(items)]
    rows, labels = lines(tmp_path / "out" / "rows.jsonl"), lines(tmp_path / "out" / "labels.jsonl")

    assert [one["prediction_id"] for one in rows] == [
        i for one in entries if isinstance(one, feed.Rows) for i in one.ids
    ]
    assert [one["features"]["x"] for one in rows] == [
        x for one in entries if isinstance(one, feed.Rows) for x in one.features[0].tolist()
    ]
    assert {one["features"]["colour"] for one in rows} == {"red", "green"}
    assert [(one["row"], one["label"]) for one in labels] == [
        pair
        for one in entries
        if isinstance(one, feed.Labels)
        for pair in zip(one.rows.tolist(), one.values.tolist(), strict=True)
    ]
    assert (done.rows, done.labels, done.datasets, done.erased) == (len(rows), len(labels), 1, {})


def test_a_dataset_has_the_rows_that_the_index_says(stage: ServiceStage, files: Files, tmp_path: Path) -> None:
    opened(stage, files, tmp_path)
    told = index(files)[-1]
    rows = lines(tmp_path / "out" / f"dataset-{told['plain_sha256']}.jsonl")

    assert [one["row"] for one in rows] == list(range(told["first_row"], told["first_row"] + told["rows"]))


def test_a_bundle_without_rows_is_refused(stage: ServiceStage, tmp_path: Path) -> None:
    bare = unpacked(written(source_of(stage.service))[0])
    with pytest.raises(FileInvalid, match=r"b.zip: holds no kept rows; what `remission export --rows` has written"):
        opened(stage, bare, tmp_path)


def test_ciphertext_that_stood_at_another_place_is_refused_though_it_was_signed_there(
    stage: ServiceStage, files: Files, tmp_path: Path
) -> None:
    told, whole = index(files), files["rows.sealed"]
    ends = np.cumsum([one["size"] for one in told]).tolist()
    first, second = [one for one in range(len(told)) if told[one]["kind"] == "rows"][1:3]
    body = whole[ends[second - 1] : ends[second]]
    told[first] |= {name: told[second][name] for name in ("sha256", "size", "keys")}
    moved = with_index(files, told, whole[: ends[first - 1]] + body + whole[ends[first] :])
    with pytest.raises(ArchiveTorn, match=rf"rows.sealed: rows {told[first]['seq']}: expected bytes that open under"):
        opened(stage, moved, tmp_path)


def test_columns_that_others_have_are_refused_at_the_first_entry(
    stage: ServiceStage, files: Files, tmp_path: Path
) -> None:
    other = canonical({"classes": [], "features": [{"name": "x", "kind": "numeric", "categories": []}]})
    with pytest.raises(ArchiveTorn, match=r"rows.sealed: rows 1: expected what can be read as its columns"):
        opened(stage, sealed({**files, "columns.json": other}), tmp_path)


def test_what_stands_in_clear_and_was_altered_and_signed_is_refused(
    stage: ServiceStage, files: Files, tmp_path: Path
) -> None:
    told, whole = index(files), files["rows.sealed"]
    head = whole[: told[0]["size"]].replace(b'"features":2', b'"features":3')
    told[0]["sha256"] = digest(head)
    altered = with_index(files, told, head + whole[len(head) :])

    assert [one.file for one in checked(packed(altered)).faults] == ["report.html"]  # which a forger writes anew
    with pytest.raises(ArchiveTorn, match=r"rows.sealed: rows 1: expected what can be read"):
        opened(stage, altered, tmp_path)


def test_ciphertext_that_is_not_the_indexed_one_is_refused(stage: ServiceStage, files: Files, tmp_path: Path) -> None:
    torn = bytes([files["rows.sealed"][0] ^ 1]) + files["rows.sealed"][1:]
    with pytest.raises(ArchiveTorn, match=r"rows.sealed: rows 1: expected bytes with the hash"):
        opened(stage, {**files, "rows.sealed": torn}, tmp_path)


def test_values_are_told_so_that_none_is_taken_for_another() -> None:
    schema = Schema(
        task="", metric="", classes=("no", "yes"),
        features=(
            Feature(name="x", kind=NUMERIC), Feature(name="word", kind=CATEGORICAL, categories=("a",)),
        ),
    )  # fmt: skip
    entry = feed.Rows(
        first_row=7, ids=["p", "q", "r"], times_us=np.array([1, 2, 3]),
        features=np.array([[np.nan, np.inf, -0.5], [0, OTHER, np.nan]]),
        outputs={"v1": np.array([0.5, np.nan, 1.0])}, served_by=["v1"], served=np.zeros(3, dtype=np.uint8),
        generation=2, latency_us=np.array([4, 5, 6]),
    )  # fmt: skip
    rows = [line for _, line in Columns(schema).rows(entry)]
    labels = feed.Labels(rows=np.array([7, 8, 9]), values=np.array([1.0, 0.0, 2.5]), time_us=9)

    assert [one["features"] for one in rows] == [
        {"x": None, "word": "a"}, {"x": "inf", "word": {"code": OTHER}}, {"x": -0.5, "word": None},
    ]  # fmt: skip
    assert [one["outputs"]["v1"] for one in rows] == [0.5, None, 1.0]
    assert [one["latency_us"] for one in rows] == [4, 5, 6]
    assert [line["label"] for _, line in Columns(schema).labels(labels)] == ["yes", "no", 2.5]
