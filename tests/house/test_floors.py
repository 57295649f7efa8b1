"""What import-linter cannot say: which packages of others a room may lean on at all."""

from __future__ import annotations

import sys

import grimp
import pytest

ADVISERS = {"numpy", "measures", "statemachine"}
ALLOWED = {
    "measures": {"numpy"},
    "statemachine": {"transitions", "orjson", "msgspec"},
    # The language of conditions is evaluated by its own library, a pure function of recorded signals. What it is given
    # was read and bounded by `statemachine/policies/grammar.py`, which leans on nothing. Numba is for `compiled.py`
    # alone, which no room imports.
    "monitoring": ADVISERS | {"cel", "numba"},
    "diagnosis": ADVISERS,
    "rollout": ADVISERS,
}


def leans_on(room: str) -> set[str]:
    """Return the packages outside the standard library that *room* imports anywhere."""
    graph = grimp.build_graph(room, include_external_packages=True, cache_dir=None)
    outside = {module for module in graph.modules if graph.is_module_squashed(module)}
    return {module.partition(".")[0] for module in outside} - sys.stdlib_module_names


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_a_pure_room_leans_on_nothing_but_what_it_may(room: str) -> None:
    assert leans_on(room) <= ALLOWED[room]
