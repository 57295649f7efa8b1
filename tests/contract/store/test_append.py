import msgspec
import pytest
from msgspec.structs import astuple

from statemachine.record.chain import chain_faults
from statemachine.record.digest import log_sha256
from statemachine.record.envelope import Telling
from store import Head, Store, Unit, WrongExpectedVersion
from tests.fixtures.events import an_event, some_events
from tests.fixtures.trees import root_of
from tests.fixtures.work import appending


def test_events_get_dense_versions_and_positions(store: Store) -> None:
    store.run(lambda unit: unit.append("a", 0, some_events("a", 2)))
    store.run(lambda unit: unit.append("b", 0, some_events("b", 1)))
    store.run(lambda unit: unit.append("a", 2, [an_event("a-2")]))

    log = store.read(lambda reader: reader.all_events(0, 10))
    assert [(event.stream, event.version, event.position) for event in log] == [
        ("a", 1, 1),
        ("a", 2, 2),
        ("b", 1, 3),
        ("a", 3, 4),
    ]


def test_what_was_appended_is_what_is_read(store: Store) -> None:
    written = store.run(lambda unit: unit.append("a", 0, some_events("a", 3)))

    assert store.read(lambda reader: reader.events("a")) == written


def test_a_stretch_of_a_stream_leaves_out_its_start_and_keeps_its_end(store: Store) -> None:
    store.run(lambda unit: unit.append("a", 0, some_events("a", 5)))

    stretch = store.read(lambda reader: reader.events("a", after=1, until=3))

    assert [event.version for event in stretch] == [2, 3]


def test_a_stale_version_is_refused_and_named(store: Store) -> None:
    store.run(lambda unit: unit.append("a", 0, some_events("a", 2)))

    with pytest.raises(WrongExpectedVersion) as refused:
        store.run(lambda unit: unit.append("a", 1, [an_event("late")]))

    assert (refused.value.stream, refused.value.expected, refused.value.actual) == ("a", 1, 2)


def test_a_refused_append_takes_no_position(store: Store) -> None:
    with pytest.raises(WrongExpectedVersion):
        store.run(lambda unit: unit.append("a", 7, [an_event("early")]))
    recorded = store.run(lambda unit: unit.append("a", 0, [an_event("first")]))

    assert (recorded[0].position, recorded[0].version) == (1, 1)


def test_ids_that_stand_at_two_places_are_told_with_the_first(store: Store) -> None:
    store.run(lambda unit: unit.append("a", 0, [an_event("other"), an_event("same"), an_event("once")]))
    single = store.read(lambda reader: reader.repeated_ids(10))
    store.run(lambda unit: unit.append("b", 0, [an_event("same"), an_event("other"), an_event("same")]))

    assert single == ()
    assert store.read(lambda reader: reader.repeated_ids(10)) == (("other", 1), ("same", 2))
    assert store.read(lambda reader: reader.repeated_ids(1)) == (("other", 1),)


def test_a_work_is_told_of_the_ids_that_it_repeats(store: Store) -> None:
    def work(unit: Unit) -> tuple[tuple[str, int], ...]:
        unit.append("a", 0, [an_event("same")])
        unit.append("b", 0, [an_event("same")])
        return unit.repeated_ids(10)

    assert store.run(work) == (("same", 1),)


def test_every_stream_is_a_whole_chain(store: Store) -> None:
    for version in range(4):
        store.run(appending("a", version, an_event(f"a-{version}")))

    assert list(chain_faults(store.read(lambda reader: reader.events("a")))) == []


def test_the_head_moves_with_every_event(store: Store) -> None:
    empty = store.read(lambda reader: reader.head())
    store.run(lambda unit: unit.append("a", 0, some_events("a", 2)))
    full = store.read(lambda reader: reader.head())

    assert empty == Head(0, root_of([]).hex(), 1)
    assert full.position == 2
    assert full.root != empty.root


def test_an_empty_append_checks_the_version_and_records_nothing(store: Store) -> None:
    assert store.run(lambda unit: unit.append("a", 0, [])) == ()
    with pytest.raises(WrongExpectedVersion):
        store.run(lambda unit: unit.append("a", 1, []))


def test_the_digest_of_a_log_does_not_know_the_database(store: Store) -> None:
    store.run(lambda unit: unit.append("a", 0, some_events("a", 3)))

    digest = log_sha256(store.read(lambda reader: reader.all_events(0, 10)))

    assert digest == "ccb7c07f2c5af62e8094f7e14165b88db11a3ca1d34084a65baa9963421af6b6"


def test_text_of_any_script_is_kept(store: Store) -> None:
    store.run(lambda unit: unit.append("модель-模型-🚆", 0, [an_event("x", note="Zürich ✓")]))

    (event,) = store.read(lambda reader: reader.events("модель-模型-🚆"))

    assert event.payload == '{"note":"Zürich ✓"}'.encode()


def test_events_of_some_types_are_found_among_all_others(store: Store) -> None:
    types = ("ab_c", "ab", "abxc", "ab_c", "a,b", 'b"')
    events = [msgspec.structs.replace(an_event(f"e-{i}"), type=name) for i, name in enumerate(types)]
    store.run(lambda unit: unit.append("a", 0, [*events, an_event("another")]))

    def found(*types: str, after: int = 0, limit: int = 9) -> list[int]:
        return [one.position for one in store.read(lambda reader: reader.events_of(types, after, limit))]

    assert (found("ab"), found("ab_c"), found("abxc"), found("b")) == ([2], [1, 4], [3], [])
    assert (found("ab", "ab_c"), found("ab", "ab_c", after=1, limit=1)) == ([1, 2, 4], [2])
    assert (found("a,b"), found("a", "b"), found('b"')) == ([5], [], [6])


def test_events_of_a_type_are_whole_and_those_of_the_same_work_are_among_them(store: Store) -> None:
    written = store.run(lambda unit: unit.append("a", 0, some_events("a", 3)))
    kind = written[0].type

    found = store.run(lambda unit: (unit.append("b", 0, some_events("b", 1)), unit.events_of((kind,), 0, 9))[1])

    assert found[:3] == written
    assert [one.stream for one in found] == ["a", "a", "a", "b"]


@pytest.mark.parametrize("numbers", [(0, 0), (-(1 << 63), (1 << 63) - 1), (1 << 31, -(1 << 31) - 1)])
def test_whole_numbers_of_many_events_are_kept_up_to_the_ends_of_their_columns(
    store: Store, numbers: tuple[int, int]
) -> None:
    events = [msgspec.structs.replace(an_event(f"e-{at}"), occurred_us=at) for at in numbers]
    store.run(lambda unit: unit.append("a", 0, events))

    assert store.read(lambda reader: tuple(one.occurred_us for one in reader.events("a"))) == numbers


def test_what_events_tell_is_what_they_are_read_with(store: Store) -> None:
    store.run(lambda unit: unit.append("a", 0, some_events("a", 5)))
    store.run(lambda unit: unit.append("b", 0, some_events("b", 1)))
    fields = Telling.__struct_fields__

    whole, told = store.read(lambda reader: (reader.events("a", 1, 4), reader.tellings("a", 1, 4)))

    assert [astuple(one) for one in told] == [tuple(getattr(one, name) for name in fields) for one in whole]
    assert len(told) == 3
    assert [one.version for one in store.read(lambda reader: reader.tellings("a"))] == [1, 2, 3, 4, 5]


def test_work_reads_what_its_events_tell(store: Store) -> None:
    def work(unit: Unit) -> list[int]:
        unit.append("a", 0, some_events("a", 2))
        return [one.version for one in unit.tellings("a")]

    assert store.run(work) == [1, 2]
