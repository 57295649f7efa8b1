"""When a process that serves looks for garbage."""

import gc
from collections.abc import Iterator

import pytest

from server.collecting import collect_seldom
from store.answers import Answer
from store.sequencer import LARGEST_BATCH


@pytest.fixture
def serving() -> Iterator[None]:
    """Collect as a server does, for one test."""
    before = gc.get_threshold()
    gc.collect()
    collect_seldom()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.usefixtures("serving")
def test_a_full_batch_waits_without_being_looked_through() -> None:
    looks: list[str] = []

    def look(phase: str, _: dict[str, int]) -> None:
        looks.append(phase)

    gc.callbacks.append(look)
    waiting = [(Answer[int](), [number]) for number in range(LARGEST_BATCH)]
    gc.callbacks.remove(look)

    assert (len(waiting), looks) == (LARGEST_BATCH, [])
