"""Whatever is done to a store, it answers as a dictionary would; and a store with a small bug does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from store import ClearTimer, Lease, Reader, Store, StoreError, Unit, open_store
from store.in_memory.store import MemoryStore
from store.ledger import Ledger
from tests.contract.store.machine import machine_of
from tests.fixtures.events import ticking

T = TypeVar("T")
_NUMBERS = count(1)
EXAMPLES = {"memory": 50, "sqlite": 15, "postgresql": 6}
MUTANT = settings(max_examples=100, stateful_step_count=20, phases=[Phase.generate], report_multiple_bugs=False)


def test_a_store_answers_as_a_dictionary_does(url: str) -> None:
    kind = url.partition(":")[0]

    def begin() -> Callable[[], Store]:
        return partial(open_store, url, clock_us=ticking(), namespace=f"machine-{next(_NUMBERS)}")

    machine = machine_of(begin, durable=kind != "memory")
    run_state_machine_as_test(machine, settings=settings(max_examples=EXAMPLES[kind], stateful_step_count=20))


class Through:
    """Passes everything on to a unit; a mutant does one thing wrong on the way."""

    def __init__(self, unit: Any) -> None:
        self._unit = unit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)


class Mutant(MemoryStore):
    """A store whose works and readers see units through a bug."""

    through: type[Through] = Through

    def submit(self, work: Callable[[Unit], T]) -> Any:
        """Queue work."""
        return super().submit(lambda unit: work(self.through(unit)))

    def run(self, work: Callable[[Unit], T]) -> T:
        """Do work."""
        return super().run(lambda unit: work(self.through(unit)))

    def read(self, work: Callable[[Reader], T]) -> T:
        """Read."""
        return super().read(lambda reader: work(self.through(reader)))


class AnyVersion(Through):
    def append(self, stream: str, _: int, events: Any) -> Any:
        return self._unit.append(stream, self._unit.version(stream), events)


class NoMemory(Through):
    def answer(self, request_id: str, _: str) -> None:
        del request_id

    def remember(self, request_id: str, payload: str, response: bytes) -> None:
        if self._unit.request(request_id) is None:
            self._unit.remember(request_id, payload, response)


class AnyPayload(Through):
    def answer(self, request_id: str, _: str) -> bytes | None:
        known = self._unit.request(request_id)
        return known.response if known else None


class OneTooEarly(Through):
    def all_events(self, after: int, limit: int) -> Any:
        return self._unit.all_events(after - 1 if after else 0, limit)


class NotYetDue(Through):
    def timers_due(self, now_us: int, limit: int = 1000) -> Any:
        return tuple(timer for timer in self._unit.timers_due(now_us, limit) if timer.due_us < now_us)


class ClearsAll(Through):
    def put(self, write: Any) -> None:
        if isinstance(write, ClearTimer):
            for timer in self._unit.timers(write.stream):
                self._unit.put(ClearTimer(stream=timer.stream, name=timer.name))
        else:
            self._unit.put(write)


class FirstLease(Through):
    def put(self, write: Any) -> None:
        if not (isinstance(write, Lease) and self._unit.lease(write.job_id)):
            self._unit.put(write)


class OffByOne(Through):
    def version_at(self, stream: str, position: int) -> Any:
        return self._unit.version_at(stream, position - 1)


class KeepsFailures(Mutant):
    """Work that fails leaves behind what it has done."""

    def run(self, work: Callable[[Unit], T]) -> T:
        """Do work, and raise what it raises, only later."""
        failed: list[Exception] = []

        def quiet(unit: Unit) -> Any:
            try:
                return work(unit)
            except Exception as error:  # noqa: BLE001 - the bug
                failed.append(error)

        found: T = super().run(quiet)
        if failed:
            raise failed[0]
        return found


class Undone(StoreError):
    """The work was undone."""


class AcknowledgesTooEarly(Mutant):
    """A work is answered, and then undone, every third time."""

    works = 0

    def run(self, work: Callable[[Unit], T]) -> T:
        """Answer before it is so."""
        self.works += 1
        if self.works % 3:
            return super().run(work)
        answers: list[T] = []

        def undone(unit: Unit) -> T:
            answers.append(work(unit))
            raise Undone

        try:
            return super().run(undone)
        except Undone:
            return answers[0]


MUTANTS = [
    *(type(bug.__name__, (Mutant,), {"through": bug})
      for bug in (AnyVersion, NoMemory, AnyPayload, OneTooEarly, NotYetDue, ClearsAll, FirstLease, OffByOne)),
    KeepsFailures,
    AcknowledgesTooEarly,
]  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_store_with_a_small_bug_is_told_from_a_dictionary(mutant: type[Mutant]) -> None:
    machine = machine_of(lambda: partial(mutant, Ledger("machine", ticking())))

    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=MUTANT)


def test_a_store_without_a_bug_passes_where_mutants_fail() -> None:
    machine = machine_of(lambda: partial(Mutant, Ledger("machine", ticking())))

    run_state_machine_as_test(machine, settings=MUTANT)
