"""No event of ours has a field for personal data; and one that had would be found."""

from __future__ import annotations

from dataclasses import make_dataclass
from typing import Any

import pytest

from statemachine import events
from statemachine.kinds import REGISTRY, Event
from statemachine.personal import ACTORS, NAMES, NOTES, PERSONAL, STRUCTURES, WORDS, unfit_fields


def planted(name: str, kind: Any) -> type[Event]:
    """Give an event with one field, which is registered nowhere."""
    made: Any = make_dataclass("Planted", [(name, kind)], bases=(Event,))
    made.name = "planted"
    return made  # type: ignore[no-any-return]  # a class made at run time


def test_no_event_has_a_field_for_personal_data() -> None:
    own = [cls for cls in REGISTRY.values() if cls.__module__ == events.__name__]

    assert len(own) > 20
    assert list(unfit_fields(own)) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("email", str),
        ("home_address", str),
        ("customerAge", int),
        ("ip", str),
        ("birth_year", int),
        ("comment", str),  # free text that nobody has listed
        ("remarks", list[str]),
        ("row", dict[str, float]),  # a structure that nobody has listed
        ("body", bytes),
        ("note", bytes),
    ],
)
def test_a_planted_field_for_personal_data_is_found_and_named(name: str, kind: Any) -> None:
    [told] = unfit_fields([planted(name, kind)])

    assert told.startswith(f"planted.{name}: ")


def test_what_is_listed_is_used_and_listed_once() -> None:
    used = {name for cls in REGISTRY.values() for name in cls.__annotations__}

    kinds = (WORDS, NAMES, ACTORS, NOTES, STRUCTURES)
    listed = frozenset().union(*kinds)

    assert listed - used == set()
    assert len(listed) == sum(map(len, kinds))
    assert set() == PERSONAL & listed
