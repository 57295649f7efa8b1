"""What a bundle tells of its record: every event that is spoken of is in the record, and gates are told as recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from remission_verify.archive import Archive, ArchiveTorn
from remission_verify.errors import DocumentInvalid
from remission_verify.findings import Fault, unlike
from remission_verify.jsontext import json_of
from remission_verify.limits import MOST_DEPTH, MOST_SHOWN

TOLD = ("gates.json", "incidents.json", "inventory.json", "lineage.json")
MOST_BYTES = 1 << 30
GATES = ("passed", "chosen", "remedy", "gates", "measured", "evidence")  #: fields told as the event has them


def check_retelling(
    archive: Archive, positions: Mapping[int, int], gates: Mapping[int, Any], digest: str
) -> Iterator[Fault]:
    """Tell what is wrong in the documents about the record: nothing, when all fits.

    *positions* gives the version of each event of the record, *gates* the payload of each that judged gates.
    """
    for file in TOLD:
        try:
            document = json_of(archive.read(file, MOST_BYTES))
        except ArchiveTorn as error:
            yield error.fault
        except DocumentInvalid as error:
            yield Fault(file, str(error))
        else:
            yield from _marks(file, document, "$", positions)
            if file == "gates.json":
                yield from _gates(document, gates)
    try:
        if digest.encode() not in archive.read("report.html", MOST_BYTES):
            yield unlike("report.html", "", f"the digest of the other files, {digest}", "a page without it")
    except ArchiveTorn as error:
        yield error.fault


def _marks(file: str, value: object, path: str, positions: Mapping[int, int], depth: int = 0) -> Iterator[Fault]:
    """Hold each position that is spoken of, and the version beside it, against the record."""
    if depth > MOST_DEPTH:
        yield Fault(file, f"{path[:MOST_SHOWN]}: nested too deep; up to {MOST_DEPTH} levels are accepted")
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _marks(file, item, f"{path}[{i}]", positions, depth + 1)
    elif isinstance(value, dict):
        position = value.get("position")
        if position is not None and (type(position) is not int or position not in positions):
            yield unlike(file, f"{path}.position", "the position of an event in events.jsonl", str(position))
        elif position is not None and type(value.get("version")) is int and value["version"] != positions[position]:
            yield unlike(file, f"{path}.version", f"{positions[position]}", f"{value['version']}")
        for name, item in value.items():
            yield from _marks(file, item, f"{path}.{name}", positions, depth + 1)


def _gates(document: Any, recorded: Mapping[int, Any]) -> Iterator[Fault]:  # noqa: ANN401 - whatever was read
    told = document.get("gates") if isinstance(document, dict) else None
    if not isinstance(told, list):
        yield unlike("gates.json", "$.gates", "a list", type(told).__name__)
        return
    for i, one in enumerate(told):
        position = one.get("position") if isinstance(one, dict) else None
        event = recorded.get(position) if type(position) is int else None
        if not isinstance(event, dict):
            yield unlike("gates.json", f"$.gates[{i}]", "the place of an event that judged gates", str(one))
            continue
        for name in GATES:
            if one.get(name) != event.get(name):
                yield unlike("gates.json", f"$.gates[{i}].{name}", str(event.get(name)), str(one.get(name)))
