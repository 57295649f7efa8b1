"""Claims about what is known by heart: it is made anew when what it rests on has changed."""

from __future__ import annotations

import json

import pytest

from server.following.consequences import follow
from server.ingestion import ingest_rows
from store import Unit
from tests.fixtures.services import REFERENCE_ROWS, Feed, a_model, a_service


def test_a_watch_is_made_anew_when_another_policy_holds() -> None:
    with a_service() as service:
        service.create_model(a_model("m")).result()
        before = service.store.read(lambda reader: service.desk.watch(reader, "m"))
        kept = service.store.read(lambda reader: service.desk.watch(reader, "m"))

        policy = json.dumps({"windows": {"rows": 30}})
        service.update_model("m", "", None, None, policy).result()
        after = service.store.read(lambda reader: service.desk.watch(reader, "m"))

    assert kept is before
    assert (before.window_rows, after.window_rows) == (10, 30)


class DiskFull(Exception):
    """The work could not be written."""


@pytest.mark.parametrize(("looks", "kept"), [(False, True), (True, False)], ids=["taken in", "looked at"])
def test_a_watch_outlives_rows_that_were_not_written_unless_it_has_looked_at_them(looks: bool, kept: bool) -> None:  # noqa: FBT001
    with a_service() as service:
        service.create_model(a_model("m")).result()
        feed = Feed(service)
        feed.rows(20)
        before = service.store.read(lambda reader: service.desk.watch(reader, "m"))
        lost = feed.a_batch(20)

        def fail(unit: Unit) -> None:
            ingest_rows(service.desk, unit, lost)
            if looks:
                follow(service.desk, unit, "m")
            raise DiskFull

        failed = service.do(fail).exception()
        after = service.store.read(lambda reader: service.desk.watch(reader, "m"))
        receipt = service.ingest(lost).result()

    assert isinstance(failed, DiskFull)
    assert (after is before) == kept
    assert receipt.first_row == REFERENCE_ROWS + 20
