"""Rows in a bundle are ciphertext: they show what was kept, tell nobody what it was, and are forgotten with a key."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from remission import Client
from remission_verify.findings import Findings
from remission_verify.note import Verifier
from remission_verify.trust import Trust

from server.bundling.opening import Opened, open_rows
from store.vault import read_vault
from tests.fixtures.bundles import checked, unpacked
from tests.fixtures.servers import start
from tests.integration.server import marked
from tests.integration.server.marked import BATCH, MARKED, REFERENCE_ROWS, SUBJECT
from tests.integration.server.marked_life import BATCHES, a_life

#: What must stand nowhere in a bundle, by what it is. The vocabulary learns no word of a single person.
TRACES = marked.traces(BATCHES)
OTHERS = BATCHES * (BATCH - MARKED)


@dataclass
class Exported:
    """Bundles of one model from before and after a subject of it was erased, opened before and after."""

    older: bytes
    newer: bytes
    trust: Trust
    dataset: str
    destroyed: set[str]
    before: Path
    after: Path
    opened: dict[Path, Opened]


def exported(client: Client) -> bytes:
    out = io.BytesIO()
    client.audit.export("m", out, rows=True)
    return out.getvalue()


def opened(bundle: bytes, folder: Path, into: str) -> tuple[Path, Opened]:
    """Open a bundle beside the running server, with its vault."""
    file, out = folder / f"{into}.zip", folder / into
    file.write_bytes(bundle)
    out.mkdir()
    vault = read_vault(f"sqlite:///{folder / 'vault.db'}")
    try:
        return out, open_rows(file, "m", vault, out)
    finally:
        vault.close()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder = tmp_path_factory.mktemp("bundled")
    server = start(folder, clock="stream", vault=f"sqlite:///{folder / 'vault.db'}")
    try:
        with Client(server.target, timeout=60.0) as client:
            dataset, older = a_life(client, server.target), exported(client)
            before = opened(older, folder, "before")
            client.privacy.erase_subject(SUBJECT, request_id="e-1")
            after, newer = opened(older, folder, "after"), exported(client)
            trust = Trust(tuple(Verifier.from_text(key) for key in client.audit.checkpoint().keys))
        gone = marked.destroyed(folder / "vault.db")
        yield Exported(older, newer, trust, dataset, gone, before[0], after[0], dict((before, after)))
    finally:
        server.stop()


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


def index(bundle: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in unpacked(bundle)["rows.jsonl"].splitlines()]


def told(findings: Findings, name: str) -> object:
    assert findings.faults == []
    return findings.more[name]


def test_no_value_of_a_marked_row_stands_anywhere_in_a_bundle(life: Exported) -> None:
    files = unpacked(life.older)
    found = [(what, name) for name, data in files.items() for what, trace in TRACES.items() if trace in data]

    assert found == []
    assert "rows.sealed" in files


def test_whoever_has_the_vault_opens_all_of_it(life: Exported) -> None:
    rows, labels = lines(life.before / "rows.jsonl"), lines(life.before / "labels.jsonl")

    assert [one["row"] for one in rows] == list(range(REFERENCE_ROWS + BATCHES * BATCH))
    assert {one["row"] for one in labels} == {one["row"] for one in rows}
    assert life.opened[life.before].erased == {}
    assert (life.before / f"dataset-{life.dataset}.jsonl").exists()
    of_subject = [one for one in rows if one["prediction_id"].startswith("trace-")]
    assert of_subject[0]["features"] == {"x": marked.VALUE, "word": {"code": 10_000}}
    assert len({one["key"] for one in of_subject}) == 1


def test_after_an_erasure_an_older_bundle_opens_without_the_subject_and_with_all_others(life: Exported) -> None:
    before, after = (lines(folder / "rows.jsonl") for folder in (life.before, life.after))

    assert after == [one for one in before if not one["prediction_id"].startswith("trace-")]
    assert len(after) == REFERENCE_ROWS + OTHERS
    assert len(lines(life.after / "labels.jsonl")) == REFERENCE_ROWS + OTHERS


def test_what_is_lost_is_named_with_its_entry_its_key_and_its_rows(life: Exported) -> None:
    lost = [one for one in lines(life.after / "lost.jsonl") if one["reason"] == "EVIDENCE_ERASED"]
    rows = [row for one in lost if one["entry"].startswith("rows ") for row in one["rows"]]

    assert {one["key"] for one in lost} == life.destroyed
    assert rows == [
        REFERENCE_ROWS + number * BATCH + row
        for number in range(BATCHES)
        for row in range(BATCH)
        if marked.is_marked(row)
    ]
    assert life.opened[life.after].erased[f"dataset {life.dataset}"] > 0
    assert not (life.after / f"dataset-{life.dataset}.jsonl").exists()


def test_a_bundle_verifies_whether_its_rows_can_be_opened_or_not(life: Exported) -> None:
    older, newer = checked(life.older, life.trust), checked(life.newer, life.trust)

    assert told(older, "sealed") == told(newer, "sealed") == 2 + 2 * BATCHES + 1  # reference, batches, dataset
    assert (told(older, "dead_keys"), told(older, "withheld")) == (0, 0)
    assert told(newer, "dead_keys") == 2 * BATCHES + 1
    assert "no key was needed" in str(older.more["unseen"])


def test_the_index_says_which_keys_were_alive_when_the_bundle_was_made(life: Exported) -> None:
    dead = {key["id"] for one in index(life.newer) for key in one["keys"] if not key["alive"]}

    assert dead == life.destroyed
    assert all(key["alive"] for one in index(life.older) for key in one["keys"])


def test_the_ciphertext_of_what_is_erased_stays_what_it_was(life: Exported) -> None:
    older, newer = unpacked(life.older), unpacked(life.newer)

    assert older["rows.sealed"] == newer["rows.sealed"]
    assert [one["sha256"] for one in index(life.older)] == [one["sha256"] for one in index(life.newer)]
