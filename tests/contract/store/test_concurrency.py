from concurrent.futures import ThreadPoolExecutor

from statemachine.record.chain import chain_faults
from statemachine.record.envelope import RecordedEvent
from store import Store, Unit, WrongExpectedVersion
from tests.fixtures.events import an_event
from tests.fixtures.work import appending, page

THREADS = 8
EACH = 25


def append_to(store: Store, stream: str, name: str) -> RecordedEvent:
    """Append one event wherever the stream ends; try again when another was faster."""
    while True:
        version = store.read(lambda reader: reader.version(stream))
        try:
            return store.submit(appending(stream, version, an_event(name))).result()[0]
        except WrongExpectedVersion:
            continue


def test_many_writers_leave_one_dense_order(store: Store) -> None:
    def write(thread: int) -> list[RecordedEvent]:
        return [append_to(store, f"s-{thread % 3}", f"{thread}-{number}") for number in range(EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        acknowledged = [event for events in pool.map(write, range(THREADS)) for event in events]

    log = store.read(lambda reader: reader.all_events(0, 1000))
    assert [event.position for event in log] == list(range(1, THREADS * EACH + 1))
    assert {event.position: event.event_id for event in acknowledged} == {e.position: e.event_id for e in log}
    for stream in ("s-0", "s-1", "s-2"):
        events = [event for event in log if event.stream == stream]
        assert [event.version for event in events] == list(range(1, len(events) + 1))
        assert list(chain_faults(events)) == []


def test_a_follower_misses_nothing_while_others_write(store: Store) -> None:
    def write(thread: int) -> None:
        for number in range(EACH):
            append_to(store, f"s-{thread}", f"{thread}-{number}")

    def follow() -> list[int]:
        seen: list[int] = []
        while len(seen) < THREADS * EACH:
            after = seen[-1] if seen else 0
            seen += [event.position for event in store.read(page(after, 7))]
        return seen

    with ThreadPoolExecutor(THREADS + 2) as pool:
        followers = [pool.submit(follow) for _ in range(2)]
        list(pool.map(write, range(THREADS)))

    assert [follower.result() for follower in followers] == [list(range(1, THREADS * EACH + 1))] * 2


def test_inline_and_queued_work_share_one_order(store: Store) -> None:
    def count(unit: Unit) -> int:
        version = unit.version("counter")
        return unit.append("counter", version, [an_event(f"c-{version}")])[0].version

    def write(thread: int) -> list[int]:
        if thread % 2:
            return [store.run(count) for _ in range(EACH)]
        return [answer.result() for answer in [store.submit(count) for _ in range(EACH)]]

    with ThreadPoolExecutor(4) as pool:
        versions = [version for part in pool.map(write, range(4)) for version in part]

    assert sorted(versions) == list(range(1, 4 * EACH + 1))
