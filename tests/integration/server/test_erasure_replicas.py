"""What one server has erased no other one on the same database goes on using."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from server.clock import wall_us
from server.errors import ThingMissing
from server.privacy.ageing import DAY_US, Retention, intend_old
from server.service import Service
from server.settings import Settings
from server.wiring import build
from store import migrate
from tests.fixtures.postgres import Postgres
from tests.fixtures.services import REFERENCE_ROWS, Feed, a_model


@pytest.fixture
def pair(tmp_path: Path, postgres: Postgres) -> Iterator[tuple[Service, Service]]:
    """Two servers on one database and one vault."""
    database, vault = postgres.new_database(), postgres.new_database()
    migrate.upgrade(database)
    settings = Settings(
        database=database, vault=vault, artifacts=str(tmp_path / "artifacts"), clock="stream",
        signing_key=str(tmp_path / "log.key"),
    )  # fmt: skip
    with ExitStack() as stack:
        first = stack.enter_context(closing(build(settings)))
        first.create_model(a_model()).result()
        yield first, stack.enter_context(closing(build(settings)))


def drift(service: Service) -> None:
    """Have evidence on record that may age."""
    sender = Feed(service)
    sender.skip_to(REFERENCE_ROWS + 4)
    for _ in range(4):
        sender.labels(sender.rows(20, output=0.99), 0.0)


def known_to(service: Service) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Give the feature `x` of every row, as a server has it at hand."""
    tape = service.store.read(lambda reader: service.desk.watch(reader, "m")).tape
    return tape.features(REFERENCE_ROWS, tape.end)[:, 0]


def test_what_one_server_erases_the_other_knows_no_more(pair: tuple[Service, Service]) -> None:
    one, other = pair
    ids = Feed(other).rows(4, subjects=["ann", "bob"])
    before = known_to(other)
    found = one.privacy.erase_subject("ann", "", "e-1")
    after = known_to(other)

    assert not np.isnan(before).any()
    assert [model.rows for model in found.models] == [2]
    assert np.isnan(after).tolist() == [True, False, True, False]
    with pytest.raises(ThingMissing, match="erased rows"):
        Feed(other).labels(ids[:1], 1.0)


def test_the_other_server_seals_later_rows_of_the_subject_under_a_new_key(pair: tuple[Service, Service]) -> None:
    one, other = pair
    sender = Feed(other)
    sender.rows(2, subjects=["ann"])
    one.privacy.erase_subject("ann", "", "e-1")
    sender.rows(3, subjects=["ann"])

    assert np.isnan(known_to(one)).tolist() == [True, True, False, False, False]
    assert [model.rows for model in one.privacy.erase_subject("ann", "", "e-2").models] == [3]
    assert np.isnan(known_to(other)).all()
    assert other.verify().failures == []


@pytest.mark.parametrize("keep", [Retention(rows_days=30), Retention(evidence_days=183), Retention(events_days=183)])
def test_what_two_servers_find_old_at_once_is_told_once(pair: tuple[Service, Service], keep: Retention) -> None:
    one, other = pair
    Feed(one).rows(4)
    if not keep.rows_days:
        drift(one)
        one.retire_model("m", "", "").result()
    later_us = wall_us() + 400 * DAY_US
    asked = [
        server.do(partial(intend_old, server.desk, keep=keep, now_us=later_us + number)).result()
        for number, server in enumerate(pair)
    ]
    other.privacy.finish()
    one.privacy.finish()

    assert [len(found.erasures) for found in asked] == [1, 0]
    assert [event.type for event in one.events("m", 0, 1_000)].count("erased") == 1
    assert one.privacy.erase_old(keep, later_us).erasures == 0
