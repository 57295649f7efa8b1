"""Sealed entries: the rows of each subject under that subject's key, all others under a key of the model.

A sealed body begins with a mark that no plain one has; then come the length of a JSON header, the header, what
stands in clear, and a sealed piece for each key. Once a key is destroyed its rows keep their numbers, and nobody
knows any more what was in them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import orjson

from server.errors import ThingMissing
from server.intake import feed
from server.intake.pieces import Cut, Header, cut_labels, cut_rows, join_labels, join_rows
from store.records import FeedItem
from store.vault import PERIOD_US, DataKey, Owner, Vault, seal, unseal

ROWS = "rows"  #: the class of data that rows and labels belong to
REFERENCE = "reference"  #: that of the rows a champion was trained on, which no age erases
MARK = b"\xff\xff\xff\xff\x02"  #: a plain body begins with the length of its header, which is never as much
_LENGTH_BYTES = 4


class Sealer:
    """Seals entries of feeds, and opens them again."""

    def __init__(self, vault: Vault, clock_us: Callable[[], int]) -> None:
        self.vault, self._clock_us = vault, clock_us

    def ready(self, model: str, subjects: Iterable[str]) -> None:
        """Have the keys of *subjects* made, so that whoever writes their rows finds them at hand."""
        self._keys(model, list(dict.fromkeys(("", *subjects))))

    def plain(self, model: str, kind: str = ROWS) -> str:
        """Give the id of the key for rows of nobody."""
        return self._keys(model, [""], kind)[0].key_id

    def keyed(self, model: str, entry: feed.Rows, subjects: Sequence[str], kind: str = ROWS) -> feed.Rows:
        """Give *entry* with the keys of its rows. *subjects* are one a row, empty for nobody, or none at all."""
        names, of = _numbered(subjects) if subjects else ([""], np.zeros(entry.count, dtype=np.int64))
        keys = self._keys(model, names, kind)
        return replace(entry, keys=feed.Keys([key.key_id for key in keys], of))

    def sealed(self, model: str, seq: int, entry: feed.Entry, keys: feed.Keys | None = None) -> bytes:
        """Write *entry*: labels under the *keys* of their rows, rows under their own, and points, of nobody, in clear.

        Raises:
            ThingMissing: Labels are for rows that were erased a moment ago.
        """
        if isinstance(entry, feed.Points):
            return feed.encode(entry)
        keys = entry.keys if isinstance(entry, feed.Rows) else keys
        if keys is None:
            return feed.encode(entry)
        found = self.vault.opened(keys.ids)
        if len(found) < len(set(keys.ids)):
            raise ThingMissing("prediction_ids", "rows of this batch were erased while it came in")
        cut = cut_labels(entry, keys) if isinstance(entry, feed.Labels) else cut_rows(entry, keys)
        return _joined(cut, [found[key_id] for key_id in keys.ids], _about(model, seq))

    def opened(self, items: Sequence[FeedItem]) -> Iterator[tuple[FeedItem, feed.Entry]]:
        """Give each of *items* with what it holds, as far as its keys are alive."""
        heads = [outline(item.body) for item in items]
        keys = self.vault.opened({key_id for head in heads if head for key_id in head["keys"]})
        for item in items:
            yield item, entry_of(item, keys)

    def _keys(self, model: str, subjects: Sequence[str], kind: str = ROWS) -> list[DataKey]:
        period = self._clock_us() // PERIOD_US
        return self.vault.keys([Owner(kind, model, subject, period) for subject in subjects])


def entry_of(item: FeedItem, keys: Mapping[str, DataKey]) -> feed.Entry:
    """Give what *item* holds, as far as its keys are among *keys*.

    Raises:
        SealBroken: It was altered, or moved to another place.
    """
    head = outline(item.body)
    return feed.decode(item.kind, item.body) if head is None else _opened(item, head, keys)


def outline(body: bytes) -> Header | None:
    """Read what stands in clear in the header of a sealed body; None where nothing is sealed."""
    if not body.startswith(MARK):
        return None
    start, size = _header(body)
    found: Header = orjson.loads(body[start : start + size])
    return found


def keys_of(item: FeedItem) -> feed.Keys:
    """Tell which key each row, or label, of a sealed entry is under. No key is needed for it."""
    head = outline(item.body) or {"keys": []}
    return feed.Keys(head["keys"], _numbers(item.body, head, item.row_count))


def erased_rows(items: Iterable[FeedItem], key_ids: Collection[str]) -> tuple[feed.Ints, int]:
    """Name the rows that are sealed under any of *key_ids*, and count the labels that are. No key is needed for it."""
    rows: list[feed.Ints] = []
    labels = 0
    for item in items:
        head = outline(item.body)
        if head is None or not set(head["keys"]) & set(key_ids):
            continue
        mine = _under(item.body, head, item.row_count, key_ids)
        if item.kind == feed.ROWS:
            rows.append(item.first_row + np.flatnonzero(mine))
        else:
            labels += int(mine.sum())
    return np.concatenate(rows) if rows else np.empty(0, dtype=np.int64), labels


def _under(body: bytes, head: Header, count: int, key_ids: Collection[str]) -> feed.Bools:
    wanted = np.array([key_id in key_ids for key_id in head["keys"]])
    return np.asarray(wanted[_numbers(body, head, count)])


def _numbers(body: bytes, head: Header, count: int) -> feed.Ints:
    """Give the number of each row's key among those of the header."""
    if len(head["keys"]) <= 1:
        return np.zeros(count, dtype=np.int64)
    start, size = _header(body)
    return np.frombuffer(body, dtype="<i4", count=count, offset=start + size).astype(np.int64)


def _joined(cut: Cut, keys: Sequence[DataKey], about: bytes) -> bytes:
    parts = [seal(key, part, about) for key, part in zip(keys, cut.pieces, strict=True)]
    told = {"keys": [key.key_id for key in keys], "clear": len(cut.clear), "sizes": [len(part) for part in parts]}
    head = orjson.dumps({**cut.header, **told})
    return b"".join([MARK, len(head).to_bytes(_LENGTH_BYTES, "little"), head, cut.clear, *parts])


def _opened(item: FeedItem, head: Header, keys: Mapping[str, DataKey]) -> feed.Entry:
    start, size = _header(item.body)
    at = start + size
    clear = item.body[at : at + head["clear"]]
    at += head["clear"]
    pieces: list[bytes | None] = []
    for key_id, length in zip(head["keys"], head["sizes"], strict=True):
        key = keys.get(key_id)
        pieces.append(unseal(key, item.body[at : at + length], _about(item.stream, item.seq)) if key else None)
        at += length
    return (join_rows if item.kind == feed.ROWS else join_labels)(head, clear, pieces)


def _header(body: bytes) -> tuple[int, int]:
    """Give where the header of a sealed body begins, and how long it is."""
    start = len(MARK) + _LENGTH_BYTES
    return start, int.from_bytes(body[len(MARK) : start], "little")


def _about(model: str, seq: int) -> bytes:
    """Name the place of an entry, to which what is sealed is bound: the number tells rows from labels too."""
    return f"feed/{model}/{seq}".encode()


def _numbered(subjects: Sequence[str]) -> tuple[list[str], feed.Ints]:
    """Give the distinct subjects, and the number of each row's among them."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(subjects))}
    return list(numbers), np.fromiter((numbers[name] for name in subjects), dtype=np.int64, count=len(subjects))
