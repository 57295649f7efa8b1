from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import TypeVar

import pytest

from store import (
    Projection,
    ReferenceMissing,
    Store,
    StoreClosed,
    Timer,
    Unit,
    Window,
    WorkInsideWork,
    WrongExpectedVersion,
)
from store.answers import Answer, Later
from tests.fixtures.events import an_event, some_events
from tests.fixtures.work import appending, keeping

T = TypeVar("T")


class Nonsense(Exception):
    """The work has failed."""


def a_projection(stream: str, version: int = 1) -> Projection:
    return Projection(
        stream=stream,
        version=version,
        state="healthy",
        phase="",
        automation="auto",
        body=b"{}",
        updated_us=1,
    )


def test_work_reads_what_it_has_written(store: Store) -> None:
    def work(unit: Unit) -> tuple[object, ...]:
        unit.append("a", 0, some_events("a", 2))
        unit.put(a_projection("a", 2))
        unit.remember("r", "hash", b"answer")
        return (
            len(unit.events("a")),
            unit.version("a"),
            unit.head().position,
            unit.projection("a"),
            unit.projections(),
            unit.answer("r", "hash"),
        )

    assert store.run(work) == (2, 2, 2, a_projection("a", 2), (a_projection("a", 2),), b"answer")


def test_work_that_raises_leaves_nothing(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.append("a", 0, some_events("a", 1))
        unit.put(a_projection("a"))
        raise Nonsense

    with pytest.raises(Nonsense):
        store.run(work)

    assert store.read(lambda reader: (reader.head().position, reader.projection("a"))) == (0, None)


def test_work_that_raises_after_it_has_read_its_writes_leaves_nothing(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.append("a", 0, some_events("a", 1))
        unit.put(a_projection("a"))
        assert unit.events("a")
        assert unit.projections()
        raise Nonsense

    with pytest.raises(Nonsense):
        store.run(work)

    assert store.read(lambda reader: (reader.head().position, reader.projection("a"))) == (0, None)


def together(store: Store, *works: Callable[[Unit], T]) -> list[Answer[T]]:
    """Submit *works* while the writer is busy, so that they share a commit; return when all are settled."""

    def start(unit: Unit) -> list[Answer[T]]:
        unit.head()
        return [store.submit(work) for work in works]

    answers = store.submit(start).result()
    for answer in answers:
        answer.exception()
    return answers


def failing_by_thirds(number: int) -> Callable[[Unit], int]:
    def work(unit: Unit) -> int:
        recorded = unit.append(f"s-{number}", 0, [an_event(f"e-{number}")])
        if number % 2:
            unit.events(f"s-{number}")
        if number % 3 == 0:
            raise Nonsense
        return recorded[0].position

    return work


def test_what_failed_work_wrote_after_it_had_read_is_undone_with_the_rest(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.put(a_projection("a"))
        assert unit.projections()
        unit.put(a_projection("b"))
        raise Nonsense

    bad, good = together(store, work, keeping(a_projection("c")))

    assert (type(bad.exception()), good.exception()) == (Nonsense, None)
    assert store.read(lambda reader: [one.stream for one in reader.projections()]) == ["c"]


def test_one_failure_among_many_works_undoes_itself_alone(store: Store) -> None:
    answers = together(store, *(failing_by_thirds(number) for number in range(30)))

    assert [isinstance(answer.exception(), Nonsense) for answer in answers] == [number % 3 == 0 for number in range(30)]
    assert [answer.result() for answer in answers if answer.exception() is None] == list(range(1, 21))


@pytest.mark.parametrize("reads", [False, True])
def test_one_failure_lets_no_other_work_be_done_again(store: Store, *, reads: bool) -> None:
    done: list[int] = []

    def numbered(number: int) -> Callable[[Unit], None]:
        def work(unit: Unit) -> None:
            done.append(number)
            unit.append(f"s-{number}", 0, [an_event(f"e-{number}")])
            if reads:
                unit.events(f"s-{number}")
            if number == 1:
                raise Nonsense

        return work

    together(store, *(numbered(number) for number in range(3)))

    assert done == [0, 1, 2]


def test_one_row_that_the_database_refuses_undoes_its_work_alone(store: Store) -> None:
    timer = Timer(stream="a", name="t", due_us=1, visit=1)
    window = Window(stream="a", epoch=1, kind="label", idx=0, evidence_sha256="f" * 64, feed_seq=1)

    first, bad, last = together(store, keeping(timer), keeping(replace(timer, name="u"), window), keeping(timer))

    assert (first.exception(), last.exception()) == (None, None)
    assert isinstance(bad.exception(), ReferenceMissing)
    assert store.read(lambda reader: reader.timers("a")) == (timer,)


def test_a_conflict_is_seen_within_one_batch(store: Store) -> None:
    first, second = together(store, appending("a", 0, an_event("1")), appending("a", 0, an_event("2")))

    assert first.result()[0].version == 1
    assert isinstance(second.exception(), WrongExpectedVersion)


def test_a_result_is_visible_to_readers(store: Store) -> None:
    store.submit(lambda unit: unit.append("a", 0, [an_event("a")])).result()

    assert store.read(lambda reader: reader.version("a")) == 1


def test_followers_are_woken_after_the_commit_until_they_leave(store: Store) -> None:
    seen: list[int] = []
    leave = store.on_commit(lambda: seen.append(store.read(lambda reader: reader.head().position)))
    store.run(lambda unit: unit.append("a", 0, [an_event("1")]))
    leave()
    store.run(lambda unit: unit.append("a", 1, [an_event("2")]))

    assert seen == [1]


def test_work_cannot_wait_for_work(store: Store) -> None:
    with pytest.raises(WorkInsideWork):
        store.run(lambda _: store.run(lambda inner: inner.version("a")))


def test_a_closed_store_takes_no_work(store: Store) -> None:
    store.close()
    store.close()

    with pytest.raises(StoreClosed):
        store.submit(lambda unit: unit.version("a"))
    with pytest.raises(StoreClosed):
        store.run(lambda unit: unit.version("a"))


def test_closing_finishes_what_is_queued(store: Store) -> None:
    answers = [store.submit(appending(f"s-{n}", 0, an_event(f"e-{n}"))) for n in range(50)]

    store.close()

    assert all(answer.result() for answer in answers)


class Elsewhere:
    """Work that waits until others are done, and has written before it knew."""

    def __init__(self) -> None:
        self.again: list[Callable[[], object]] = []
        self.ended = False

    def __call__(self, unit: Unit) -> str:
        unit.append("a", 0, [an_event("a")])
        if not self.ended:
            raise Later(self.again.append)
        return "done"

    def end(self) -> None:
        self.ended = True
        self.again.pop()()


def test_work_that_waits_leaves_nothing_keeps_nobody_waiting_and_is_done_again(store: Store) -> None:
    waiting = Elsewhere()
    answer = store.submit(waiting)
    other = store.submit(lambda unit: unit.version("a")).result()
    before = store.read(lambda reader: reader.version("a"))
    waiting.end()

    assert (other, before) == (0, 0)
    assert (answer.result(), store.read(lambda reader: reader.version("a"))) == ("done", 1)


def test_who_runs_work_that_waits_is_told_what_it_gave_then(store: Store) -> None:
    waiting = Elsewhere()
    given: list[str] = []
    caller = Thread(target=lambda: given.append(store.run(waiting)))
    caller.start()
    while not waiting.again:
        store.run(lambda unit: unit.version("a"))
    waiting.end()
    caller.join(30)

    assert given == ["done"]


def test_a_store_that_was_closed_tells_work_that_waits(store: Store) -> None:
    waiting = Elsewhere()
    answer = store.submit(waiting)
    store.run(lambda unit: unit.version("a"))
    store.close()
    waiting.end()

    assert isinstance(answer.exception(), StoreClosed)
