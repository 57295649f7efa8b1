"""A state machine that does anything to a store and to a dictionary, and wants the same answers of both.

A piece of work is a list of steps. The same work is done by the store, alone or together with others in one commit,
and by the dictionary, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from statemachine.record.chain import chain_faults
from statemachine.record.envelope import RecordedEvent, leaf_hash
from store import NEVER_US, ClearLease, ClearTimer, Job, Lease, Store, Timer
from store.answers import Answer
from tests.fixtures.events import an_event
from tests.fixtures.plain import Placed, Plain
from tests.fixtures.trees import root_of

STREAMS, NAMES, MOST = ("a", "b"), ("x", "y"), 1_000
#: What a step does to a unit: the store's, or the dictionary.
Step = Callable[[Any], object]


class Nonsense(Exception):
    """The work has failed."""


@dataclass(frozen=True, slots=True)
class Told:
    """A step that can say what it is."""

    text: str
    do: Step

    def __repr__(self) -> str:
        """Say what it is."""
        return self.text


def step(name: str, do: Callable[..., object], *values: st.SearchStrategy[Any]) -> st.SearchStrategy[Told]:
    """Give steps that do *do* with a unit and with values that are drawn."""
    return st.tuples(*values).map(lambda drawn: Told(f"{name}{drawn}", lambda unit: do(unit, *drawn)))


def append(unit: Any, stream: str, behind: int, count: int) -> object:
    """Append behind the end of a stream, or behind a version that it does not have."""
    start = unit.head().position + 1
    return unit.append(stream, unit.version(stream) + behind, [an_event(f"e{start + i}") for i in range(count)])


def once(unit: Any, request_id: str, payload: str) -> object:
    """Append for a request; a repeated one gets its first answer."""
    answer = unit.answer(request_id, payload)
    if answer is not None:
        return answer
    (event,) = append_right(unit, "requests")
    unit.remember(request_id, payload, str(event.position).encode())
    return event.position


def append_right(unit: Any, stream: str) -> Any:
    """Append one event where it belongs."""
    return append(unit, stream, 0, 1)


def repeat(unit: Any) -> object:
    """Append an event whose id may be on record."""
    return unit.append("a", unit.version("a"), [an_event("e1")])


def fail(unit: Any) -> object:
    """Fail after what was done."""
    raise Nonsense(unit.head().position)


def put(make: Callable[..., Any]) -> Callable[..., object]:
    """Give what puts a row that is made of the values."""
    return lambda unit, *values: unit.put(make(*values))


def a_timer(stream: str, name: str, due_us: int) -> Timer:
    return Timer(stream=stream, name=name, due_us=due_us, visit=due_us)


def a_job(job_id: str, status: str, created_us: int) -> Job:
    return Job(job_id=job_id, stream="a", kind="train", status=status, spec=b"", created_us=created_us, visit=1)


def a_lease(job_id: str, attempt: int, until_us: int) -> Lease:
    return Lease(job_id=job_id, attempt=attempt, worker="w", token="", lease_until_us=until_us, heartbeat_us=0)


def ask(name: str) -> Callable[..., object]:
    """Give what asks a question by its name."""
    return lambda unit, *values: getattr(unit, name)(*values)


streams, names, jobs = st.sampled_from(STREAMS), st.sampled_from(NAMES), st.sampled_from(("j", "k"))
small, status = st.integers(0, 6), st.sampled_from(("queued", "leased"))
questions = st.one_of(
    step("version", ask("version"), streams),
    step("version_at", ask("version_at"), streams, small),
    step("events", ask("events"), streams, small),
    step("tellings", lambda unit, *values: tuple(one.version for one in unit.tellings(*values)), streams, small),
    step("all_events", ask("all_events"), small, small),
    step("timers", ask("timers"), streams),
    step("timers_due", ask("timers_due"), small, st.integers(1, 3)),
    step("next_timer", ask("next_timer")),
    step("jobs", lambda unit, one: unit.jobs(status=one), st.none() | status),
    step("lease", ask("lease"), jobs),
    step("leases", lambda unit, one: unit.leases(status=one), status),
)
steps = st.one_of(
    step("append", append, streams, st.sampled_from((0, 0, 0, 0, 1, -1)), st.integers(1, 3)),
    step("once", once, st.sampled_from(("r", "s")), st.sampled_from(("p", "p", "p", "q"))),
    step("put_timer", put(a_timer), streams, names, small),
    step("clear_timer", put(lambda stream, name: ClearTimer(stream=stream, name=name)), streams, names),
    step("put_job", put(a_job), jobs, status, small),
    step("clear_lease", put(lambda job_id: ClearLease(job_id=job_id)), jobs),
    step("take_lease", ask("take_lease"), jobs),
    questions,
)
#: What a database may refuse late, at the commit: nothing comes after it in its work.
ends = st.one_of(
    step("put_lease", put(a_lease), jobs, st.integers(1, 3), small | st.just(NEVER_US)),
    step("repeat", repeat),
    step("fail", fail),
)
works = st.builds(lambda body, end: [*body, *end], st.lists(steps, min_size=1, max_size=4), st.lists(ends, max_size=1))


def work_of(told: list[Told]) -> Callable[[Any], list[object]]:
    """Give the work that takes these steps, and answers what each has answered."""
    return lambda unit: [plainly(one.do(unit)) for one in told]


def plainly(found: object) -> object:
    """Tell events by what both know of them."""
    if isinstance(found, RecordedEvent):
        return Placed(found.position, found.stream, found.version, found.event_id)
    return tuple(map(plainly, found)) if isinstance(found, tuple) and not isinstance(found, Placed) else found


def outcome(call: Callable[[], object]) -> object:
    """Give what a call gives, or the name of its error."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - both sides must fail in the same way
        return type(error).__name__


class StoreMachine(RuleBasedStateMachine):
    """Drives both. A subclass says how a store is begun, and opened again."""

    begin: ClassVar[Callable[[], Callable[[], Store]]]
    durable: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._opening = type(self).begin()
        self._store, self._plain = self._opening(), Plain()

    def teardown(self) -> None:
        """Close the store."""
        self._store.close()

    @rule(told=works)
    def work_alone(self, told: list[Told]) -> None:
        """One work, one commit."""
        work = work_of(told)

        assert outcome(lambda: self._store.run(work)) == outcome(lambda: self._plain.run(work))

    @rule(many=st.lists(works, min_size=2, max_size=4))
    def work_together(self, many: list[list[Told]]) -> None:
        """Many works in one commit: those that fail undo themselves alone."""
        jobs = [work_of(told) for told in many]

        def start(unit: object) -> list[Answer[list[object]]]:
            del unit  # while this is under way, what is submitted waits and shares the next commit
            return [self._store.submit(job) for job in jobs]

        answers = self._store.run(start)
        assert [outcome(answer.result) for answer in answers] == [
            outcome(partial(self._plain.run, job)) for job in jobs
        ]

    @rule(asked=questions)
    def read(self, asked: Told) -> None:
        """A question beside the writer."""
        assert plainly(self._store.read(asked.do)) == asked.do(self._plain)

    @precondition(lambda self: self.durable)
    @rule()
    def reopen(self) -> None:
        """What was committed outlives the process's hold on it."""
        self._store.close()
        self._store = self._opening()

    @invariant()
    def both_have_the_same_log(self) -> None:
        """The log is the dictionary's, its chain holds, and its tree has the root that the head says."""
        log, head = self._store.read(lambda reader: (reader.all_events(0, MOST), reader.head()))
        assert plainly(log) == tuple(self._plain.log)
        assert (head.position, head.root) == (len(log), root_of([leaf_hash(event) for event in log]).hex())
        assert not any([*chain_faults([e for e in log if e.stream == stream])] for stream in (*STREAMS, "requests"))


def machine_of(begin: Callable[[], Callable[[], Store]], *, durable: bool = False) -> type[StoreMachine]:
    """Give the machine of stores that *begin* begins: each time with nothing in it."""
    return type("Machine", (StoreMachine,), {"begin": staticmethod(begin), "durable": durable})
