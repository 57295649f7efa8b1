"""Of many streams a process remembers only so many ends; those that it has let go of it asks for again."""

from __future__ import annotations

import pytest

from store import WrongExpectedVersion
from store.sql import unit
from tests.fixtures.events import an_event
from tests.fixtures.work import appending
from tests.integration.store.conftest import Opening

STREAMS = ("a", "b", "c", "d")


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "_MOST_TAILS", 2)


def test_a_stream_whose_end_was_let_go_of_goes_on_where_it_ended(url: str, opened: Opening) -> None:
    store = opened(url)
    for version in range(3):
        for stream in STREAMS:
            store.run(appending(stream, version, an_event(f"{stream}{version}")))

    assert store.read(lambda reader: [reader.version(one) for one in STREAMS]) == [3] * 4


def test_what_expects_another_end_of_it_is_refused(url: str, opened: Opening) -> None:
    store = opened(url)
    for stream in STREAMS:
        store.run(appending(stream, 0, an_event(stream)))

    for stream in STREAMS:
        with pytest.raises(WrongExpectedVersion):
            store.run(appending(stream, 0, an_event(f"{stream} again")))
