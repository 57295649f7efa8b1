"""The kept rows of a bundle: what the feed and the artefacts hold of them, sealed as it stands, and an index of it.

Nothing is opened for it. What an earlier release left in clear stays where it is: the index names it, and says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from remission_verify.archive import MOST_FILE_BYTES
from remission_verify.indexed import DATASET, INDEX
from remission_verify.sealed import COLUMNS, SEALED

from server.bundling.parts import Part, Parts
from server.bundling.period import Period
from server.desk import PAGE
from server.errors import TooLarge
from server.history.lineage import Document
from server.intake import feed
from server.intake.schema import Schema, Vocabulary
from server.intake.sealing import outline
from statemachine.record.canonical import canonical, digest
from store.ports import Readable, Reader
from store.records import FeedItem
from store.sealed_blobs import SealedBlobs, key_of
from store.vault import Vault

IN_CLEAR = "it stands in clear, as an earlier release kept it"
OF_NOBODY = "points of metric series are of nobody, and are kept in clear"
GONE = "it is not among the artefacts"


@dataclass(frozen=True, slots=True)
class Kept:
    """Where kept rows are copied from, and how much of them."""

    blobs: SealedBlobs
    keys: Vault  #: tells which are alive; none is used
    most_bytes: int = MOST_FILE_BYTES  #: of ciphertext in one bundle


class RowsTooLarge(TooLarge):
    """The kept rows of a period are more than one bundle holds."""

    def __init__(self, limit: int) -> None:
        """Give the limit in bytes."""
        super().__init__("rows", limit + 1, limit)

    def __str__(self) -> str:
        """Say what would be accepted."""
        return f"rows: those of the period have more than {self.limit} bytes; a shorter period is accepted"


class KeptRows:
    """Copies what is kept of one model's rows into *parts*, page by page."""

    def __init__(self, store: Readable, model: str, period: Period, kept: Kept) -> None:
        self._store, self._model, self._period, self._kept = store, model, period, kept

    def write(self, parts: Parts, schema: Document | None, data: Sequence[Document]) -> None:
        """Write index, ciphertext and the names of columns. *data* are those of the lineage.

        Raises:
            RowsTooLarge: The bundle would hold more than is agreed on.
            KeyUnknown: The vault has never held a key of what is kept.
        """
        columns = Schema.from_json(schema) if schema else Schema(task="", metric="", features=())
        words = Vocabulary.of(columns)
        with parts.writing(INDEX) as index, parts.writing(SEALED) as sealed:
            out = _Out(index, sealed, self._kept)
            for item in self._items():
                for feature, names in _categories(item).items() if schema else ():
                    words.learn(int(feature), names)
                if self._period.has_begun(item.watermark_us):
                    out.put_entry(item)
            for sha256, (first, end) in sorted(_trained_on(data).items()):
                out.put_dataset(sha256, first, end - first)
        features = [one.to_json() for one in words.features(columns)]
        parts.put(COLUMNS, canonical({"classes": list(columns.classes), "features": features}))

    def _items(self) -> Iterator[FeedItem]:
        """Read the feed up to the end of the period. No transaction outlives a page."""
        after = 0
        while page := self._store.read(partial(_page, self._model, after)):
            for item in page:
                if self._period.until_us is not None and item.watermark_us > self._period.until_us:
                    return
                yield item
            after = page[-1].seq


class _Out:
    """Writes lines, and the bytes that they are about."""

    def __init__(self, index: Part, sealed: Part, kept: Kept) -> None:
        self._index, self._sealed, self._kept = index, sealed, kept

    def put_entry(self, item: FeedItem) -> None:
        """Write an entry of the feed."""
        line = {
            "kind": item.kind, "seq": item.seq, "first_row": item.first_row, "rows": item.row_count,
            "watermark_us": item.watermark_us,
        }  # fmt: skip
        head = outline(item.body)
        if head is None:
            self._withhold(line, OF_NOBODY if item.kind == feed.METRICS else IN_CLEAR)
        else:
            self._put(line, item.body, head["keys"])

    def put_dataset(self, sha256: str, first_row: int, rows: int) -> None:
        """Write a dataset, which the log names by the hash of what is in it."""
        line = {"kind": DATASET, "plain_sha256": sha256, "first_row": first_row, "rows": rows}
        body = self._kept.blobs.sealed(sha256)
        if body is None:
            self._withhold(line, IN_CLEAR if self._kept.blobs.exists(sha256) else GONE)
        else:
            self._put(line, body, [key_of(body)])

    def _put(self, line: Document, body: bytes, keys: list[str]) -> None:
        if self._sealed.size + len(body) > self._kept.most_bytes:
            raise RowsTooLarge(self._kept.most_bytes)
        alive = self._kept.keys.opened(keys)
        told = [{"id": key_id, "alive": key_id in alive} for key_id in keys]
        self._sealed.write(body)
        self._write({**line, "keys": told, "sha256": digest(body), "size": len(body)})

    def _withhold(self, line: Document, why: str) -> None:
        self._write({**line, "withheld": why})

    def _write(self, line: Document) -> None:
        self._index.write(canonical({**EMPTY, **line}) + b"\n")


#: What a line says where nothing else is to be said.
EMPTY: dict[str, Any] = {
    "seq": None, "plain_sha256": None, "watermark_us": None, "sha256": None, "size": None, "keys": [], "withheld": None,
}  # fmt: skip


def _page(model: str, after: int, reader: Reader) -> tuple[FeedItem, ...]:
    return reader.feed(model, after, PAGE)


def _categories(item: FeedItem) -> dict[str, list[str]]:
    """Give the words that the vocabulary learned from an entry; they stand in clear."""
    if item.kind != feed.ROWS:
        return {}
    head = outline(item.body)
    if head is not None:
        words: dict[str, list[str]] = head["categories"]
        return words
    entry = feed.decode(item.kind, item.body)
    return entry.categories if isinstance(entry, feed.Rows) else {}


def _trained_on(data: Sequence[Document]) -> dict[str, tuple[int, int]]:
    """Give the datasets that versions were trained on, by hash: the first row of each, and one past its last."""
    return {
        one["sha256"]: (one["rows"][0][0], one["rows"][0][1])
        for one in data
        if one["kind"] != "reference" and one["versions"] and one["sha256"]
    }
