"""What differs between two policies, in what they come to: what one leaves to its default counts as that default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli.policies.source import Source
from cli.policies.words import sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that differs."""

    path: str
    old: Any
    new: Any
    old_said: bool  #: not left to its default
    new_said: bool


def changes(old: Source, new: Source) -> list[Change]:
    """Give the fields that differ, by dotted name."""
    before, after = leaves(old.policy.to_json()), leaves(new.policy.to_json())
    said = leaves(old.said), leaves(new.said)
    return [
        Change(path=path, old=before.get(path), new=after.get(path), old_said=path in said[0], new_said=path in said[1])
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def retold(old: Source, new: Source) -> list[tuple[str, list[str], list[str]]]:
    """Give the sentences that differ: the heading, those that hold no more, and those that hold now."""
    before, after = sentences(old.policy), sentences(new.policy)
    return [
        (
            heading,
            [s for s in before[heading] if s not in told],
            [s for s in told if s not in before[heading]],
        )
        for heading, told in after.items()
        if told != before[heading]
    ]


def leaves(value: dict[str, Any], where: str = "") -> dict[str, Any]:
    """Give what is no object, by dotted name; what lies in a list of objects goes by their names.

    >>> leaves({"tier": 1, "canary": {"alpha": 0.2}})
    {'tier': 1, 'canary.alpha': 0.2}
    """
    return dict(_leaves(value, where))


def _leaves(value: dict[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    for name, each in value.items():
        if isinstance(each, dict):
            yield from _leaves(each, f"{where}{name}.")
        elif isinstance(each, list) and each and all(isinstance(item, dict) for item in each):
            yield from _leaves({item["name"]: item for item in each}, f"{where}{name}.")
        else:
            yield f"{where}{name}", each
