"""However much is kept of rows, a page of it is in memory at a time."""

from __future__ import annotations

import tracemalloc
from functools import partial
from pathlib import Path
from uuid import uuid4

import numpy as np

from server.bundling.kept import Kept, KeptRows
from server.bundling.parts import Parts
from server.bundling.period import Period
from server.desk import PAGE
from server.intake import feed
from server.intake.sealing import Sealer
from store import FsspecBlobs, Store, migrate, open_store
from store.ports import Unit
from store.records import FeedItem
from store.sealed_blobs import SealedBlobs
from store.vault import Vault, open_vault

ENTRIES, ROWS = 320, 4_000  #: ten pages of some 160 kB each entry


def fill(store: Store, vault: Vault) -> int:
    """Keep rows of one model; give the bytes of an entry."""
    sealer = Sealer(vault, lambda: 0)
    whole = feed.Rows(
        first_row=0, ids=[f"p-{i}" for i in range(ROWS)], times_us=np.arange(ROWS), features=np.zeros((1, ROWS)),
        outputs={"v1": np.zeros(ROWS)}, served_by=["v1"], served=np.zeros(ROWS, dtype=np.uint8), generation=0,
    )  # fmt: skip
    body = sealer.sealed("m", 1, sealer.keyed("m", whole, []))
    for number in range(ENTRIES):
        item = FeedItem(
            stream="m", seq=number + 1, kind=feed.ROWS, batch_id=f"b-{number}", first_row=number * ROWS,
            row_count=ROWS, watermark_us=number, body=body,
        )  # fmt: skip
        store.run(partial(_put, item))
    return len(body)


def _put(item: FeedItem, unit: Unit) -> None:
    unit.put(item)


def test_rows_are_copied_page_by_page_and_never_all_held(tmp_path: Path) -> None:
    database, vault = f"sqlite:///{tmp_path / 'log.db'}", open_vault("memory://", clock_us=lambda: 0)
    migrate.upgrade(database)
    store = open_store(database, clock_us=lambda: 0, vault=vault)
    size = fill(store, vault)
    kept = Kept(SealedBlobs(FsspecBlobs(f"memory://{uuid4().hex}"), vault), vault)
    tracemalloc.start()
    KeptRows(store, "m", Period(), kept).write(parts := Parts(tmp_path), None, [])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    store.close()

    assert parts.files["rows.sealed"]["size"] == ENTRIES * size
    assert peak < 4 * PAGE * size < ENTRIES * size / 2
