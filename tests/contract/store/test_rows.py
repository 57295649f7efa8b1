from dataclasses import replace

from store import ClearLease, ClearTimer, Job, Lease, Projection, Route, Store, Timer, Unit, Write
from tests.fixtures.work import keeping

#: What a worker shows to prove that the lease is its own.
SHOWN = "t"


def keep(store: Store, *writes: Write) -> None:
    store.run(keeping(*writes))


def a_job(job_id: str, created_us: int = 1, status: str = "queued", kind: str = "train", stream: str = "a") -> Job:
    return Job(job_id=job_id, stream=stream, kind=kind, status=status, spec=b"\x00\xff", created_us=created_us, visit=3)


def a_lease(job_id: str, until_us: int, attempt: int = 1) -> Lease:
    return Lease(
        job_id=job_id, attempt=attempt, worker="w", token=SHOWN, lease_until_us=until_us, heartbeat_us=1, progress=b"{}"
    )


def a_timer(stream: str, name: str, due_us: int) -> Timer:
    return Timer(stream=stream, name=name, due_us=due_us, visit=1)


def test_a_projection_is_replaced_and_listed_by_code_point(store: Store) -> None:
    first = Projection(stream="b", version=1, state="s", phase="p", automation="auto", body=b"1", updated_us=1)
    later = replace(first, version=2, body=b"2")
    others = [replace(first, stream=name) for name in ("a", "B", "é", "a-1", "a_1")]
    keep(store, first, *others, later)

    listed = store.read(lambda reader: reader.projections())

    assert [row.stream for row in listed] == ["B", "a", "a-1", "a_1", "b", "é"]
    assert store.read(lambda reader: reader.projection("b")) == later
    assert [row.stream for row in store.read(lambda reader: reader.projections(after="a", limit=2))] == ["a-1", "a_1"]


def test_a_timer_is_replaced_by_name_and_forgotten(store: Store) -> None:
    keep(store, a_timer("a", "x", 5), a_timer("a", "x", 7), a_timer("a", "y", 1), ClearTimer(stream="a", name="y"))
    keep(store, ClearTimer(stream="a", name="never there"))

    assert store.read(lambda reader: reader.timers("a")) == (a_timer("a", "x", 7),)
    assert store.read(lambda reader: reader.timer("a", "y")) is None


def test_timers_come_due_in_order(store: Store) -> None:
    keep(store, a_timer("b", "x", 5), a_timer("a", "x", 5), a_timer("c", "x", 4), a_timer("d", "x", 6))

    due = store.read(lambda reader: reader.timers_due(5))

    assert [(timer.due_us, timer.stream) for timer in due] == [(4, "c"), (5, "a"), (5, "b")]
    assert store.read(lambda reader: reader.timers_due(5, limit=1)) == due[:1]
    assert store.read(lambda reader: reader.next_timer()) == due[0]


def test_work_takes_timers_as_it_has_left_them(store: Store) -> None:
    keep(store, a_timer("a", "x", 5), a_timer("a", "y", 5))

    def work(unit: Unit) -> tuple[Timer, ...]:
        unit.put(a_timer("a", "z", 7))
        unit.put(ClearTimer(stream="a", name="x"))
        return unit.timers("a")

    assert store.run(work) == (a_timer("a", "y", 5), a_timer("a", "z", 7))


def test_no_timer_is_next_where_there_is_none(store: Store) -> None:
    assert store.read(lambda reader: reader.next_timer()) is None


def test_jobs_are_found_by_every_filter_in_order_of_age(store: Store) -> None:
    keep(store, a_job("2", 5), a_job("1", 5), a_job("3", 1, status="done"), a_job("4", 9, kind="score", stream="b"))

    def found(**filters: str) -> list[str]:
        return [job.job_id for job in store.read(lambda reader: reader.jobs(**filters))]

    assert found() == ["3", "1", "2", "4"]
    assert found(status="queued") == ["1", "2", "4"]
    assert found(kind="train") == ["3", "1", "2"]
    assert found(status="queued", stream="b") == ["4"]


def test_a_job_is_replaced_by_id(store: Store) -> None:
    keep(store, a_job("1"), a_job("1", status="done"))

    assert store.read(lambda reader: reader.job("1")) == a_job("1", status="done")
    assert store.read(lambda reader: reader.job("2")) is None


def test_a_lease_is_taken_over_and_let_go(store: Store) -> None:
    keep(store, a_job("1"), a_lease("1", 5), a_lease("1", 9, attempt=2))
    taken = store.read(lambda reader: reader.lease("1"))
    keep(store, ClearLease(job_id="1"))

    assert taken == a_lease("1", 9, attempt=2)
    assert store.read(lambda reader: reader.lease("1")) is None


def test_leases_are_found_by_the_status_of_their_jobs_in_order_of_age(store: Store) -> None:
    jobs = [a_job("a", 5), a_job("b", 1), a_job("c", 5, status="done"), a_job("d", 1)]
    keep(store, *jobs, *(a_lease(job.job_id, 9) for job in jobs[:3]))

    def found(status: str) -> list[str]:
        return [lease.job_id for lease in store.read(lambda reader: reader.leases(status=status))]

    assert (found("queued"), found("done"), found("leased")) == (["b", "a"], ["c"], [])
    assert store.run(lambda unit: over(unit, jobs[0])) == ["b"]


def over(unit: Unit, job: Job) -> list[str]:
    unit.put(replace(job, status="done"))
    return [lease.job_id for lease in unit.leases(status="queued")]


def test_a_lease_is_taken_by_its_job_and_seen_as_the_work_has_written_it(store: Store) -> None:
    keep(store, a_job("a"), a_job("b"), a_lease("a", 5))

    def work(unit: Unit) -> list[Lease | None]:
        seen = [unit.take_lease(name) for name in ("a", "b", "ghost")]
        unit.put(a_lease("a", 6, attempt=2))
        return [*seen, unit.take_lease("a")]

    assert store.run(work) == [a_lease("a", 5), None, None, a_lease("a", 6, attempt=2)]


def test_the_highest_generation_of_a_route_is_in_force(store: Store) -> None:
    first = Route(stream="a", generation=1, body=b"1", issued_us=1)
    second = Route(stream="a", generation=2, body=b"2", issued_us=2)
    acknowledged = replace(second, acknowledged_us=3, acknowledged_by="router")
    keep(store, first, second, acknowledged, replace(first, acknowledged_us=9, acknowledged_by="late"))

    assert store.read(lambda reader: reader.route("a")) == acknowledged
    assert store.read(lambda reader: reader.route("b")) is None


def test_all_intents_of_a_stream_are_told_by_generation(store: Store) -> None:
    routes = [Route(stream=name, generation=one, body=b"x", issued_us=1) for one in (10, 9, 1) for name in "ab"]
    keep(store, *routes)

    found = store.read(lambda reader: reader.routes("a"))
    assert [(one.stream, one.generation) for one in found] == [("a", 1), ("a", 9), ("a", 10)]
    assert store.read(lambda reader: reader.routes("c")) == ()
