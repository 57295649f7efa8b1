"""Files of policies: JSON, or YAML of the same values, and the line and column at which each of them stands.

Of YAML only what JSON can say is read, by the rules of YAML 1.2: no alias, so that nothing grows when it is read; no
tag, so that nothing is made but plain values; and `no` is a word, not false.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 65_536  #: as the contract has it
MOST_DEPTH = 20
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
Place = tuple[int, int]  #: line and column, from 1


class PolicyFileInvalid(ValueError):
    """A file cannot be read as a policy."""

    def __init__(self, file: str, place: Place | None, why: str) -> None:
        """Name the file, and the line and column if one is to blame."""
        super().__init__(f"{file}{''.join(f':{number}' for number in place or ())}: {why}")
        self.file, self.place, self.why = file, place, why


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """What a file says, and where; places are by dotted path, as refusals name fields."""

    name: str
    data: Any
    places: dict[str, Place]

    def place(self, path: str) -> Place:
        """Give where *path* stands, or the nearest that holds it."""
        while path and path not in self.places:
            path = re.sub(r"\.?[^.\[]+$|\[\d+\]$", "", path)
        return self.places.get(path, (1, 1))


def read_policy_file(path: Path) -> PolicyFile:
    """Read a file by its ending: `.yaml` and `.yml` are YAML, everything else is JSON.

    Raises:
        PolicyFileInvalid: It cannot be read, is neither, or says a key twice.
    """
    try:
        raw = path.read_bytes()[: MOST_BYTES + 1]
    except OSError as error:
        raise PolicyFileInvalid(str(path), None, f"cannot be read: {error.strerror}") from error
    if len(raw) > MOST_BYTES:
        raise PolicyFileInvalid(str(path), None, f"is longer than {MOST_BYTES} bytes, the most that are accepted")
    try:
        text = raw.decode("utf-8-sig")  # some editors begin a file with a mark of order
    except UnicodeDecodeError as error:
        raise PolicyFileInvalid(str(path), None, f"is no UTF-8: {error.reason} at byte {error.start}") from error
    if path.suffix not in (".yaml", ".yml"):
        text = _json_only(str(path), text)
    return parse(str(path), text)


def parse(name: str, text: str) -> PolicyFile:
    """Read YAML, of which JSON is a part.

    Raises:
        PolicyFileInvalid: It is none, or says more than JSON can.
    """
    reading = _Reading(name)
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            reading.take(event)
    except yaml.MarkedYAMLError as error:
        raise PolicyFileInvalid(name, _place(error.problem_mark), f"is no YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise PolicyFileInvalid(name, None, f"is no YAML: {str(error).splitlines()[0]}") from error
    return PolicyFile(name=name, data=reading.data, places=reading.places)


def _json_only(name: str, text: str) -> str:
    """Give *text* in the part of YAML that JSON is, if it is JSON: in strings there are no tabs."""
    try:
        json.loads(text, parse_int=str)  # a number too long to be read is refused as its field
    except json.JSONDecodeError as error:
        raise PolicyFileInvalid(name, (error.lineno, error.colno), f"is no JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise PolicyFileInvalid(name, None, f"is no JSON: {error}") from error
    return text.replace("\t", " ")


@dataclass(slots=True)
class _Open:
    """A list or an object that is not closed yet; of an object, also the key whose value comes next."""

    path: str
    items: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass(slots=True)
class _Reading:
    """Makes plain values of YAML's events, with no recursion, so that depth is ours to refuse."""

    name: str
    data: Any = None
    documents: int = 0
    open: list[_Open] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        for why in self._refused(event):
            raise PolicyFileInvalid(self.name, _place(event.start_mark), why)
        if isinstance(event, yaml.MappingStartEvent):
            self._begin({}, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin([], event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)

    def _refused(self, event: yaml.Event) -> Iterator[str]:
        self.documents += isinstance(event, yaml.DocumentStartEvent)
        if self.documents > 1:
            yield "a second document; one is accepted"
        if isinstance(event, yaml.AliasEvent):
            yield f"the alias *{event.anchor}; what it stands for, written out, is accepted"
        if getattr(event, "tag", None) is not None:
            yield f"the tag {event.tag}; plain values are accepted"  # type: ignore[attr-defined]  # asked just before
        if isinstance(event, yaml.CollectionStartEvent) and len(self.open) >= MOST_DEPTH:
            yield f"more than {MOST_DEPTH} levels, the most that are accepted"

    def _begin(self, items: dict[str, Any] | list[Any], event: yaml.CollectionStartEvent) -> None:
        path = self._add(items, event)
        self.open.append(_Open(path, items))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.items, dict) and top.key is None:
            self._key(top, event)
            return
        self._add(event.value if event.style else _plain(event.value), event)

    def _key(self, top: _Open, event: yaml.ScalarEvent) -> None:
        path, place = f"{top.path}.{event.value}".lstrip("."), _place(event.start_mark)
        if not event.value.isprintable():
            raise PolicyFileInvalid(self.name, place, f"the key {event.value!r}; what can be printed is accepted")
        if event.value in top.items:
            raise PolicyFileInvalid(self.name, place, f"{path}: stands here a second time")
        top.key, self.places[path] = event.value, place

    def _add(self, value: Any, event: yaml.NodeEvent) -> str:  # noqa: ANN401 - any plain value
        """Put *value* where it belongs, and give its path."""
        if not self.open:
            self.data = value
            return ""
        top = self.open[-1]
        if isinstance(top.items, list):
            top.items.append(value)
            path = f"{top.path}[{len(top.items) - 1}]"
            self.places[path] = _place(event.start_mark)
            return path
        if top.key is None:
            raise PolicyFileInvalid(self.name, _place(event.start_mark), "a key that is no word; words are accepted")
        path, top.items[top.key], top.key = f"{top.path}.{top.key}".lstrip("."), value, None
        return path


def _plain(text: str) -> Any:  # noqa: ANN401 - any plain value
    """Give what a word without quotes says, by the core schema of YAML 1.2.

    >>> [_plain(word) for word in ("12", "1e3", "no", "~", "true", "1:30", ".inf")]
    [12, 1000.0, 'no', None, True, '1:30', '.inf']
    """
    if text in WORDS:
        return WORDS[text]
    if WHOLE.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _place(mark: Any) -> Place:  # noqa: ANN401 - the library types it so
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
