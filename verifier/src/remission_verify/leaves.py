"""Envelopes as objects, as a bundle writes them, and the leaf in the tree that each of them is."""

from __future__ import annotations

from remission_verify.canonical import Json, encode
from remission_verify.envelope import Envelope, read_envelope
from remission_verify.errors import EnvelopeInvalid
from remission_verify.packed import FIELDS, NUMBERS, OPTIONAL


def leaf_of(told: Json) -> tuple[bytes, Envelope]:
    """Give the leaf of an envelope, and what it says of its place.

    Raises:
        EnvelopeInvalid: It is none.
    """
    leaf = _packed(told) if isinstance(told, dict) and told.get("format") == 1 else encode(told)
    return leaf, read_envelope(leaf)


def _packed(told: dict[str, Json]) -> bytes:
    """Write format 1: one field after the other, and the names of volatile fields behind their number."""
    odd = sorted(told.keys() ^ {*FIELDS, "format"}) or [name for name in sorted(told) if not _fits(name, told[name])]
    if odd:
        raise EnvelopeInvalid(f"field {odd[0][:100]}: is missing, not known, or of another type")
    names = told["volatile_fields"]
    listed: list[Json] = names if isinstance(names, list) else []
    counted = {**told, "volatile": int(bool(told["volatile"])), "volatile_fields": len(listed)}
    return b"".join(_net(value) for value in (*(counted[name] for name in FIELDS), *listed))


def _fits(name: str, value: Json) -> bool:
    if name == "volatile":
        return isinstance(value, bool)
    if name == "volatile_fields":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if name in {*NUMBERS, "format"}:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str) or (value is None and name in OPTIONAL)


def _net(value: Json) -> bytes:
    if value is None:
        return b"-"
    data = str(value).encode()
    return b"%d:%b" % (len(data), data)
