import pytest

from store import AlreadyRecorded, ClearRequest, RequestIdReused, Store, Unit
from tests.fixtures.work import keeping


def test_a_new_request_has_no_answer(store: Store) -> None:
    assert store.run(lambda unit: unit.answer("r", "hash")) is None


def test_a_repeated_request_gets_its_first_answer(store: Store) -> None:
    store.run(lambda unit: unit.remember("r", "hash", b"first"))

    assert store.run(lambda unit: unit.answer("r", "hash")) == b"first"
    request = store.read(lambda reader: reader.request("r"))
    assert request is not None
    assert (request.payload_sha256, request.response) == ("hash", b"first")


def test_requests_are_told_in_pages_by_id(store: Store) -> None:
    for name in ("b", "é", "a", "B"):
        store.run(lambda unit, name=name: unit.remember(name, "hash", name.encode()))  # type: ignore[misc]  # it is asked once

    first = store.read(lambda reader: reader.requests("", 3))
    assert [one.request_id for one in first] == ["B", "a", "b"]
    assert [one.response for one in store.read(lambda reader: reader.requests("b", 3))] == ["é".encode()]


def test_a_request_id_with_another_payload_is_refused(store: Store) -> None:
    store.run(lambda unit: unit.remember("r", "hash", b"first"))

    with pytest.raises(RequestIdReused) as refused:
        store.run(lambda unit: unit.answer("r", "other"))

    assert refused.value.request_id == "r"


def test_requests_are_found_by_age_the_oldest_first(store: Store) -> None:
    for name in ("b", "a", "c"):
        store.run(lambda unit, name=name: unit.remember(name, "hash", b""))  # type: ignore[misc]  # it is asked once
    newest = store.read(lambda reader: reader.request("c"))
    assert newest is not None

    assert store.read(lambda reader: reader.requests_before(newest.recorded_us, 9)) == ("b", "a")
    assert store.read(lambda reader: reader.requests_before(newest.recorded_us + 1, 9)) == ("b", "a", "c")
    assert store.read(lambda reader: reader.requests_before(newest.recorded_us + 1, 1)) == ("b",)


def test_a_request_that_was_forgotten_is_a_new_one_and_the_others_are_not(store: Store) -> None:
    for name in ("a", "b"):
        store.run(lambda unit, name=name: unit.remember(name, "hash", b"first"))  # type: ignore[misc]  # as above
    store.run(keeping(ClearRequest(request_id="a"), ClearRequest(request_id="never there")))
    store.run(lambda unit: unit.remember("a", "other", b"second"))

    assert store.run(lambda unit: (unit.answer("a", "other"), unit.answer("b", "hash"))) == (b"second", b"first")


def test_work_that_fails_forgets_no_request(store: Store) -> None:
    store.run(lambda unit: unit.remember("a", "hash", b"first"))

    def failing(unit: Unit) -> None:
        unit.put(ClearRequest(request_id="a"))
        assert unit.answer("a", "hash") is None
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run(failing)

    assert store.run(lambda unit: unit.answer("a", "hash")) == b"first"


def test_an_answer_is_never_replaced(store: Store) -> None:
    store.run(lambda unit: unit.remember("r", "hash", b"first"))

    with pytest.raises(AlreadyRecorded) as refused:
        store.run(lambda unit: unit.remember("r", "hash", b"second"))

    assert refused.value.what == "requests_pkey"
