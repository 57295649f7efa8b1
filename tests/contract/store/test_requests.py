import pytest

from store import AlreadyRecorded, RequestIdReused, Store


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


def test_an_answer_is_never_replaced(store: Store) -> None:
    store.run(lambda unit: unit.remember("r", "hash", b"first"))

    with pytest.raises(AlreadyRecorded) as refused:
        store.run(lambda unit: unit.remember("r", "hash", b"second"))

    assert refused.value.what == "requests_pkey"
