"""Claims about forgetting by age: when the writer is asked, and what it looks at again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

import pytest

from server.act import SERVICE
from server.clock import wall_us
from server.intake.sealing import ROWS
from server.models import holding
from server.privacy.ageing import Retention
from server.privacy.erasures import DONE, INTENDED, ErasureView, keep
from server.privacy.office import Privacy
from server.privacy.scopes import AGE, ScopeUnknown
from server.service import Service
from statemachine.record.coding import UnknownEvent
from store.answers import Answer
from store.ports import Unit
from store.vault import PERIOD_US
from tests.fixtures.services import Feed, a_model, a_service
from tests.unit.server.test_unreadable import later

T = TypeVar("T")

ALL = Retention(rows_days=1, evidence_days=1, events_days=1)


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service() as made:
        made.create_model(a_model()).result()
        Feed(made).rows(4)
        yield made


class Writer:
    """Does what a service does, and says how often; *first* is done before."""

    def __init__(self, service: Service, first: Callable[[], object] = lambda: None) -> None:
        self._service, self._first, self.asked = service, first, 0

    def __call__(self, work: Callable[[Unit], T], /) -> Answer[T]:
        self._first()
        self.asked += 1
        return self._service.do(work)


def test_the_writer_is_not_asked_when_nothing_is_due(service: Service) -> None:
    writer = Writer(service)

    found = Privacy(service.store, service.desk, writer, wall_us).erase_old(ALL, wall_us()).erasures

    assert (found, writer.asked) == (0, 0)


def test_a_hold_that_is_placed_while_it_is_asked_what_is_due_is_seen(service: Service) -> None:
    def hold() -> None:
        service.do(lambda unit: holding.place(service.desk, unit, "m", "a case", SERVICE)).result()

    privacy = Privacy(service.store, service.desk, Writer(service, hold), wall_us)

    assert privacy.erase_old(ALL, wall_us() + 3 * PERIOD_US).erasures == 0
    assert privacy.erasures("", 10) == []


def test_rows_of_the_others_age_and_who_cannot_be_read_is_left_and_named(service: Service) -> None:
    for name in ("broken", "n"):
        service.create_model(a_model(name)).result()
        Feed(service, name).rows(4)
    later(service)

    found = service.privacy.erase_old(Retention(rows_days=1), wall_us() + 3 * PERIOD_US)
    again = service.privacy.erase_old(Retention(rows_days=1), wall_us() + 3 * PERIOD_US)

    assert sorted(one.model for one in service.privacy.erasures("", 10)) == ["m", "n"]
    assert {one.status for one in service.privacy.erasures("", 10)} == {DONE}
    assert [key.model for key in service.desk.sealer.vault.find(ROWS) if key.destroyed_us is None] == ["broken"]
    assert (found.erasures, again.erasures) == (2, 0)
    for one in (found, again):
        assert [(name, type(error)) for name, error in one.left.items()] == [("broken", UnknownEvent)]


def test_a_model_of_which_nothing_is_due_is_not_named(service: Service) -> None:
    service.create_model(a_model("broken")).result()
    later(service)

    assert service.privacy.erase_old(Retention(rows_days=1, evidence_days=1), wall_us()).left == {}


def test_an_erasure_that_one_model_stops_keeps_no_other_from_being_finished(service: Service) -> None:
    service.create_model(a_model("broken")).result()
    Feed(service, "broken").rows(4)
    for erasure, model in (("a" * 32, "broken"), ("b" * 32, "m")):
        asked = ErasureView(
            erasure=erasure, status=INTENDED, scope=AGE, pseudonym="", note="", created_us=wall_us(), model=model,
            before_period=wall_us() // PERIOD_US + 1,
        )  # fmt: skip
        service.do(partial(keep, one=asked)).result()
    later(service)

    found = service.privacy.finish()

    assert (found.done, list(found.left)) == (1, ["a" * 32])
    assert [(model, type(error)) for model, error in found.left["a" * 32].items()] == [("broken", UnknownEvent)]
    assert [one.status for one in service.privacy.erasures("", 10)] == [INTENDED, DONE]


def test_an_erasure_of_a_scope_that_is_unknown_here_is_named(service: Service) -> None:
    strange = ErasureView(erasure="e" * 32, status=INTENDED, scope="moon", pseudonym="", note="", created_us=1)
    service.do(lambda unit: keep(unit, strange)).result()

    with pytest.raises(ScopeUnknown, match=r"erasure e{32} is of the scope 'moon'; known are subject, age, evidence"):
        service.privacy.finish()
