"""Envelopes of events, the entries of a log: what they say of their places, and that they are written in the one way.

Format 2 is RFC 8785 JSON with a fixed list of fields, so one pattern says at once whether an entry is whole and
canonical; only where it does not fit is the entry taken apart to say why. Format 1 stands in `packed.py`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat, starmap
from typing import NamedTuple

from remission_verify.canonical import Json, decode, encode
from remission_verify.errors import EnvelopeInvalid, NotCanonical
from remission_verify.merkle import hash_leaf
from remission_verify.packed import unpack

#: How envelopes are written today.
FORMAT = 2

#: Entries that are read together, so that what they are copied to is at hand and not asked of the system each time.
AT_ONCE = 64

#: What stands before the first event of a stream.
GENESIS = "0" * 64

_PLAIN = r'[^"\\\x00-\x1f]*+'
_ESCAPES = rf'(?:\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f])){_PLAIN})*+'
_TEXT = f'"{_PLAIN}{_ESCAPES}"'
_NUMBER = r"(?:[1-9][0-9]{0,15}+|0|-[1-9][0-9]{0,15}+)"
_HASH = r'"[0-9a-f]{64}"'
#: The fields of format 2 in their order, and how each is written.
_WRITTEN = {
    "actor": _TEXT,
    "authentication": _TEXT,
    "causation_id": rf"(?:null|{_TEXT})",
    "commitment": _HASH,
    "correlation_id": rf"(?:null|{_TEXT})",
    "event_id": _TEXT,
    "format": "2",
    "machine_version": _TEXT,
    "namespace": _TEXT,
    "occurred_us": _NUMBER,
    "policy_version": _NUMBER,
    "position": _NUMBER,
    "previous_hash": _HASH,
    "recorded_us": _NUMBER,
    "request_id": rf"(?:null|{_TEXT})",
    "schema": _NUMBER,
    "stream": _TEXT,
    "type": _TEXT,
    "version": _NUMBER,
    "volatile": "(?:true|false)",
    "volatile_fields": rf"\[(?:{_TEXT}(?:,{_TEXT})*+)?+\]",
}
_TAKEN = ("commitment", "namespace", "position", "previous_hash", "stream", "type", "version")


def _taken(name: str, pattern: str) -> str:
    """Let the pattern give what it finds, without the quotes around it, of the fields that are taken."""
    if name not in _TAKEN:
        return pattern
    return f'"({pattern[1:-1]})"' if pattern[0] == '"' else f"({pattern})"


_FIELDS = ",".join(f'"{name}":{_taken(name, pattern)}' for name, pattern in _WRITTEN.items())
_LEAF = re.compile(rf"\{{{_FIELDS}\}}").fullmatch
#: The same where no text has an escape, which is usual: to look for them costs a sixth of the time.
_WITHOUT_ESCAPES = _FIELDS.replace(_ESCAPES, "")
_USUAL = re.compile(rf"\{{{_WITHOUT_ESCAPES}\}}").fullmatch
#: Many of these, a line each. Of hashes only the length is asked here: the digits of all are looked at together.
_LINES = re.compile(rf"^\{{{_WITHOUT_ESCAPES.replace(_HASH[1:-1], '.{64}')}\}}$", re.MULTILINE).findall
_DIGITS = b"0123456789abcdef"
_ONE = {name: re.compile(pattern) for name, pattern in _WRITTEN.items()}


class Envelope(NamedTuple):
    """What an entry says of itself. `hash` is what the next event of the stream must name."""

    format: int
    commitment: str
    namespace: str
    position: int
    previous_hash: str
    stream: str
    type: str
    version: int
    hash: str


#: Makes an envelope of what has its types already. Logs are long, and a call by names is a tenth of reading an entry.
_as_it_is: Callable[[type[Envelope], tuple[int, str, str, int, str, str, str, int, str]], Envelope] = tuple.__new__


def read_envelope(leaf: bytes, leaf_hash: bytes = b"") -> Envelope:
    """Read an entry strictly. *leaf_hash*, when it is known, is its hash in the tree.

    Raises:
        EnvelopeInvalid: It is none, or is not written in the one way.
    """
    if leaf[:1] != b"{":
        return _of_format_1(leaf)
    try:
        text = leaf.decode()
    except UnicodeDecodeError as error:
        raise EnvelopeInvalid(f"byte {error.start} is not UTF-8") from error
    found = _USUAL(text) or _LEAF(text)
    if found is None:
        raise EnvelopeInvalid(_why_not(leaf))
    commitment, namespace, position, previous, stream, kind, version = found.groups()
    if b"\\" in leaf:
        namespace, stream, kind = _plain(namespace), _plain(stream), _plain(kind)
    own = (leaf_hash or hash_leaf(leaf)).hex()
    told = FORMAT, commitment, namespace, int(position), previous, stream, kind, int(version), own
    return _as_it_is(Envelope, told)


def read_envelopes(leaves: Sequence[bytes], hashes: Sequence[bytes]) -> Iterator[Envelope | EnvelopeInvalid]:
    """Read entries as strictly as one by one, in less time; *hashes* are theirs in the tree.

    Where an entry is no envelope, what is said of it stands in its place.
    """
    for start in range(0, len(leaves), AT_ONCE):
        some, own = leaves[start : start + AT_ONCE], hashes[start : start + AT_ONCE]
        yield from _usual(some, own) or starmap(_read_or_refused, zip(some, own, strict=True))


def _usual(leaves: Sequence[bytes], hashes: Sequence[bytes]) -> list[Envelope]:
    """Read entries all of which are of format 2 and free of escapes. Where one is not, nothing is read."""
    try:
        text = b"\n".join(leaves).decode()
    except UnicodeDecodeError:
        return []
    # Each line that fits is an entry, since none has a line break. So where all lines do, all entries do.
    found = _LINES(text) if text.count("\n") == len(leaves) - 1 else ()
    if len(found) != len(leaves):
        return []
    commitments, namespaces, positions, before, streams, kinds, versions = zip(*found, strict=True)
    if "".join(commitments + before).encode().translate(None, _DIGITS):
        return []
    places = map(int, positions), before, streams, kinds, map(int, versions)
    forms = repeat(FORMAT, len(found))
    told = zip(forms, commitments, namespaces, *places, map(bytes.hex, hashes), strict=True)
    return list(map(_as_it_is, repeat(Envelope), told))


def _read_or_refused(leaf: bytes, leaf_hash: bytes) -> Envelope | EnvelopeInvalid:
    try:
        return read_envelope(leaf, leaf_hash)
    except EnvelopeInvalid as error:
        return error


def _of_format_1(leaf: bytes) -> Envelope:
    found = unpack(leaf)
    texts = {name: value or "" for name, value in found.items()}
    return Envelope(
        1,
        texts["commitment"],
        texts["namespace"],
        int(texts["position"]),
        texts["previous_hash"],
        texts["stream"],
        texts["type"],
        int(texts["version"]),
        hashlib.sha256(leaf).hexdigest(),
    )


def _plain(text: str) -> str:
    """Give what stands between the quotes of a JSON string, as it is meant."""
    return str(decode(f'"{text}"'.encode())) if "\\" in text else text


def _why_not(leaf: bytes) -> str:
    """Say why an entry is no envelope of format 2."""
    try:
        value = decode(leaf)
    except NotCanonical as error:
        return str(error)
    if not isinstance(value, dict):
        return "the entry is no object"
    if value.get("format", FORMAT) != FORMAT:
        return f"field format: {value['format']!r} is not known; 1 and 2 are"
    for name in value.keys() | _WRITTEN.keys():
        if name not in _WRITTEN or name not in value:
            return f"field {name[:100]}: is {'missing' if name in _WRITTEN else 'not known'}"
    return next(filter(None, (_wrong(name, item) for name, item in value.items())), "it is too long for a number")


def _wrong(name: str, value: Json) -> str:
    return "" if _ONE[name].fullmatch(encode(value).decode()) else f"field {name}: {value!r} does not belong here"
