"""The index of kept rows in a bundle: what each line says of one entry of the feed, or of one dataset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from remission_verify.archive import Archive
from remission_verify.canonical import decode
from remission_verify.errors import DocumentInvalid

INDEX = "rows.jsonl"
MOST_LINE_BYTES = 64 << 20
ROWS, LABELS, METRICS, DATASET = "rows", "labels", "metrics", "dataset"
KINDS = (ROWS, LABELS, METRICS, DATASET)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """One line. What is withheld has neither bytes in the bundle nor keys."""

    kind: str
    seq: int | None  #: place in the feed; None for a dataset
    plain_sha256: str | None  #: hash of what a dataset holds, by which the log names it; None in the feed
    watermark_us: int | None  #: the newest time in the feed once this was in it; None for a dataset
    first_row: int
    rows: int  #: how many rows, labels or points
    sha256: str | None  #: of the ciphertext
    size: int | None  #: of the ciphertext, in bytes
    keys: tuple[tuple[str, bool], ...]  #: id of each key, and whether it was alive when the bundle was made
    withheld: str | None  #: why it is not in the bundle

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.kind} {self.seq if self.plain_sha256 is None else self.plain_sha256}"


def index_of(archive: Archive) -> Iterator[Indexed]:
    """Read the index line by line.

    Raises:
        VerificationError: The file is torn, or a line is none.
    """
    return map(read_line, archive.lines(INDEX, MOST_LINE_BYTES))


def read_line(line: bytes) -> Indexed:
    """Read a line.

    Raises:
        VerificationError: It is no canonical JSON, or no line of an index.
    """
    told = decode(line)
    if not isinstance(told, dict) or set(told) != {one.name for one in fields(Indexed)}:
        raise DocumentInvalid(f"an object of {', '.join(one.name for one in fields(Indexed))} is accepted")
    wrong = [name for name, holds in _checks(told).items() if not holds]
    if wrong:
        raise DocumentInvalid(f"{wrong[0]} {told[wrong[0]]!r} is not accepted in an entry of kind {told['kind']!r}")
    keys: Any = told.pop("keys")
    return Indexed(keys=tuple((one["id"], one["alive"]) for one in keys), **told)  # type: ignore[arg-type]  # they were checked


def _checks(told: dict[str, Any]) -> dict[str, bool]:
    """Say of each field whether it is as the others ask."""
    kept, dataset = told["withheld"] is None, told["kind"] == DATASET
    return {
        "kind": told["kind"] in KINDS and not (kept and told["kind"] == METRICS),
        "seq": told["seq"] is None if dataset else _counts(told["seq"], 1),
        "plain_sha256": _is_hash(told["plain_sha256"]) if dataset else told["plain_sha256"] is None,
        "watermark_us": told["watermark_us"] is None if dataset else type(told["watermark_us"]) is int,
        "first_row": _counts(told["first_row"], 0),
        "rows": _counts(told["rows"], 0),
        "sha256": _is_hash(told["sha256"]) if kept else told["sha256"] is None,
        "size": _counts(told["size"], 1) if kept else told["size"] is None,
        "keys": isinstance(told["keys"], list) and bool(told["keys"]) == kept and all(map(_is_key, told["keys"])),
        "withheld": kept or (isinstance(told["withheld"], str) and bool(told["withheld"])),
    }


def _counts(value: object, least: int) -> bool:
    return type(value) is int and value >= least


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _is_key(value: object) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"alive", "id"}
        and isinstance(value["id"], str)
        and type(value["alive"]) is bool
    )
