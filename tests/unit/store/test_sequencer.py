"""What the sequencer does when its backend fails, shown on a backend that fails on demand."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from store import DatabaseLocked, DatabaseUnavailable, DatabaseUnreachable, Interrupted, Unit
from store.answers import Answer
from store.in_memory.rows import Rows
from store.in_memory.unit import MemoryUnit
from store.ledger import Ledger
from store.sequencer import ATTEMPTS, Sequencer
from tests.fixtures.events import NOON_US

T = TypeVar("T")


class FailingBackend:
    """Commits nothing and fails as it is told: one error, or None, for each commit, as long as there are any."""

    def __init__(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.begun = 0
        self.undone = 0
        self.closed = False

    def begin(self) -> "FailingBackend":
        self.begun += 1
        return self

    def attempt(self, work: Callable[[Unit], T]) -> T:
        return work(MemoryUnit(Ledger("n", lambda: NOON_US), Rows()))

    def commit(self) -> None:
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error

    def rollback(self) -> None:
        self.undone += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def sequencers() -> Iterator[Callable[[FailingBackend], Sequencer]]:
    """Make sequencers that are closed at the end."""
    made: list[Sequencer] = []

    def make(backend: FailingBackend) -> Sequencer:
        made.append(Sequencer(backend))
        return made[-1]

    yield make
    for sequencer in made:
        sequencer.close()


Making = Callable[[FailingBackend], Sequencer]


def seven(unit: Unit) -> int:
    unit.head()
    return 7


def test_an_interrupted_batch_is_tried_again(sequencers: Making) -> None:
    backend = FailingBackend(Interrupted("conflict"), Interrupted("conflict"))

    assert sequencers(backend).run(seven) == 7
    assert (backend.begun, backend.undone) == (3, 2)


def test_trying_again_has_an_end(sequencers: Making) -> None:
    backend = FailingBackend(*[Interrupted("conflict")] * ATTEMPTS)

    with pytest.raises(Interrupted):
        sequencers(backend).run(seven)
    assert backend.begun == ATTEMPTS


def test_a_lock_that_stays_is_told_at_once_to_those_who_came_meanwhile(sequencers: Making) -> None:
    backend = FailingBackend(*[DatabaseLocked("by another")] * ATTEMPTS)
    sequencer, queued = sequencers(backend), list[Answer[int]]()

    def start(unit: Unit) -> None:
        unit.head()
        if not queued:
            queued.append(sequencer.submit(seven))

    with pytest.raises(DatabaseLocked):
        sequencer.run(start)
    assert isinstance(queued[0].exception(), DatabaseLocked)
    assert backend.begun == ATTEMPTS


def test_a_database_that_is_away_is_not_asked_again(sequencers: Making) -> None:
    backend = FailingBackend(DatabaseUnreachable("nobody"))

    with pytest.raises(DatabaseUnavailable):
        sequencers(backend).run(seven)
    assert backend.begun == 1


def test_a_commit_that_is_refused_is_split_until_its_cause_is_alone(sequencers: Making) -> None:
    backend = FailingBackend(None, ValueError("of the batch"), ValueError("of the first"))
    sequencer = sequencers(backend)

    def start(unit: Unit) -> list[Answer[int]]:
        # The writer is busy with this work, so all of those share the next commit.
        unit.head()
        return [sequencer.submit(seven) for _ in range(3)]

    answers = sequencer.run(start)

    assert [str(answer.exception()) for answer in answers] == ["of the first", "None", "None"]
    assert backend.begun == 5


def test_a_work_that_was_cancelled_is_not_done(sequencers: Making) -> None:
    sequencer = sequencers(FailingBackend())

    def start(unit: Unit) -> Answer[int]:
        unit.head()
        answer = sequencer.submit(seven)
        answer.cancel()
        return answer

    cancelled = sequencer.run(start)

    assert sequencer.submit(seven).result() == 7
    assert cancelled.cancelled()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_follower_that_fails_does_not_stop_the_writer(sequencers: Making) -> None:
    sequencer, told = sequencers(FailingBackend()), []

    def fail() -> None:
        told.append("failed")
        raise ValueError

    sequencer.on_commit(fail)

    assert [sequencer.submit(seven).result(), sequencer.submit(seven).result()] == [7, 7]
    sequencer.close()
    assert told == ["failed", "failed"]


def test_followers_are_told_of_a_commit_beside_a_work_that_failed_and_not_of_nothing(sequencers: Making) -> None:
    sequencer, told = sequencers(FailingBackend()), []

    def refuse(unit: Unit) -> None:
        unit.head()
        raise LookupError

    def start(unit: Unit) -> list[Answer[None] | Answer[int]]:
        unit.head()
        sequencer.on_commit(lambda: told.append("told"))
        return [sequencer.submit(refuse), sequencer.submit(seven)]

    answers = sequencer.run(start)
    with pytest.raises(LookupError):
        sequencer.run(refuse)
    sequencer.close()

    assert [type(answer.exception()) for answer in answers] == [LookupError, type(None)]
    assert told == ["told", "told"]  # of the first commit, and of the one that both shared


def test_a_work_that_finds_the_database_away_takes_its_batch_back(sequencers: Making) -> None:
    backend = FailingBackend()

    def find_nobody(unit: Unit) -> None:
        unit.head()
        raise DatabaseUnreachable("nobody")

    with pytest.raises(DatabaseUnavailable):
        sequencers(backend).run(find_nobody)
    assert (backend.begun, backend.undone) == (1, 1)


def test_closing_closes_the_backend(sequencers: Making) -> None:
    backend = FailingBackend()
    sequencers(backend).close()

    assert backend.closed
