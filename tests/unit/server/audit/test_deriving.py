"""A decision is made again bit for bit, or the answer says which field differs, or why it cannot be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from server.audit import auditing
from server.audit.checking import NOT_ERASED, Verification
from server.audit.deriving import Derivation, Difference, Status, differences
from server.errors import ThingMissing
from server.judges.rulings import Ruling
from server.judges.table import JUDGES
from server.requests import MetricsBatch, Point
from server.service import Service
from statemachine.policies.policy import Policy
from store import EvidenceAltered, EvidenceErased, EvidenceMissing, Readable, Reader, StoreError
from tests.fixtures.services import a_model, a_service

T = TypeVar("T")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Give a service with a model that fell ill by a metric."""
    with a_service() as made:
        made.create_model(a_model()).result()
        points = [
            Point(name="rate", time_us=1_000_000 * (i + 1), value=value, higher_is_worse=True, tolerance=0.2)
            for i, value in enumerate([0.1] * 12 + [0.5] * 12)
        ]
        made.ingest_metrics(MetricsBatch(model="m", request_id="q", points=points)).result()
        yield made


@pytest.fixture(scope="module")
def alarm(service: Service) -> int:
    return next(step.recorded.position for step in service.steps("m") if step.recorded.type == "alarm_raised")


class Lossy:
    """A store that has lost what stood under some hashes, and says how."""

    def __init__(self, store: Readable, lost: dict[str, StoreError]) -> None:
        self.namespace, self._store, self._lost = store.namespace, store, lost

    def read(self, work: Callable[[Reader], T]) -> T:
        return self._store.read(lambda reader: work(LossyReader(reader, self._lost)))

    def close(self) -> None:
        self._store.close()


class LossyReader:
    def __init__(self, reader: Reader, lost: dict[str, StoreError]) -> None:
        self._reader, self._lost = reader, lost

    def evidence(self, sha256: str) -> bytes:
        if sha256 in self._lost:
            raise self._lost[sha256]
        return self._reader.evidence(sha256)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)


def test_what_is_no_decision_is_refused_with_where_one_is(service: Service, alarm: int) -> None:
    with pytest.raises(
        ThingMissing, match="event 1 is a model_registered, which is no decision; that of a decision is acc"
    ):
        service.explain("m", 1)
    with pytest.raises(
        ThingMissing, match=r"m has no event at position 10000; .* is accepted, such as (\d+), the last"
    ) as told:
        service.explain("m", 10_000)
    near = int(str(told.value).split("such as ")[1].split(",")[0])

    assert near >= alarm
    assert service.explain("m", near).equal


def test_a_decision_is_made_again_bit_for_bit(service: Service, alarm: int) -> None:
    found = service.explain("m", alarm)

    assert (found.status, found.failure, found.differences) == (Status.EQUAL, "", ())
    assert found.verdict == found.rederived
    assert found.told == "the bits agree"


def test_each_field_that_differs_is_named_with_both_values(
    service: Service, alarm: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = JUDGES["series@3"]

    def other(inputs: dict[str, Any], policy: Policy) -> Ruling | None:
        ruling = judged(inputs, policy)
        assert ruling is not None
        changed = {**ruling.payload, "log_evidence": 0.5, "more": True}
        return replace(ruling, payload={name: value for name, value in changed.items() if name != "subject"})

    monkeypatch.setitem(JUDGES, "series@3", other)

    found = service.explain("m", alarm)

    assert found.status is Status.DIFFERS
    assert [one.path for one in found.differences] == ["log_evidence", "more", "subject"]
    assert found.differences[0].derived == "0.5"
    assert (found.differences[1].recorded, found.differences[2].derived) == ("", "")
    assert found.told.startswith("the verdict differs: log_evidence: recorded ")


def test_a_judge_that_says_nothing_any_more_differs_in_every_field(
    service: Service, alarm: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "series@3", lambda *_: None)

    found = service.explain("m", alarm)

    assert found.status is Status.DIFFERS
    assert {one.path for one in found.differences} == set(found.verdict)


def test_a_judge_that_is_gone_is_named_with_those_that_are_known(
    service: Service, alarm: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(JUDGES, "series@3")

    found = service.explain("m", alarm)

    assert found.status is Status.JUDGE_UNKNOWN
    assert found.failure.startswith("judge 'series@3' is unknown here; known: accepted@1, alarm@1")


def test_a_judge_that_cannot_read_its_evidence_any_more_is_told(
    service: Service, alarm: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JUDGES, "series@3", lambda inputs, _: inputs["gone"])

    found = service.explain("m", alarm)

    assert (found.status, found.failure) == (Status.DIFFERS, "series@3 cannot judge it: KeyError: 'gone'")


@pytest.mark.parametrize(
    ("lost", "status"),
    [
        (EvidenceMissing("h"), Status.EVIDENCE_MISSING),
        (EvidenceAltered("h", "other"), Status.EVIDENCE_ALTERED),
        (EvidenceErased("h"), Status.EVIDENCE_ERASED),
    ],
)
def test_evidence_that_is_not_there_has_an_answer_of_its_own(
    service: Service, alarm: int, lost: StoreError, status: Status
) -> None:
    evidence = service.explain("m", alarm).evidence

    found = auditing.explain(Lossy(service.store, {evidence: lost}), "m", alarm)

    assert (found.status, found.equal, found.failure) == (status, False, str(lost))
    assert found.rederived == {}


def checked(service: Service, found: Derivation, lost: type[EvidenceErased | EvidenceMissing]) -> Verification:
    return auditing.verify(Lossy(service.store, {found.evidence: lost(found.evidence)}))


def test_what_was_erased_is_counted_apart_and_fails_where_no_erasure_is_on_record(service: Service, alarm: int) -> None:
    whole, found = service.verify(), checked(service, service.explain("m", alarm), EvidenceErased)

    assert (found.erased, found.rederived) == (1, whole.rederived - 1)
    assert [(one.position, one.what) for one in found.failures] == [(alarm, NOT_ERASED)]
    assert (found.decisions, found.log_sha256) == (whole.decisions, whole.log_sha256)


def test_what_is_missing_fails_at_its_event(service: Service, alarm: int) -> None:
    found = checked(service, service.explain("m", alarm), EvidenceMissing)

    assert [(one.model, one.position, one.type) for one in found.failures] == [("m", alarm, "alarm_raised")]
    assert (found.failed, found.erased) == (1, 0)


@pytest.mark.parametrize(
    ("recorded", "derived", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 0.0}, {"a": -0.0}, ["a"]),
        ({"a": 1}, {"a": 1.0}, ["a"]),
        ({"a": True}, {"a": 1}, ["a"]),
        ({"a": 0.1 + 0.2}, {"a": 0.3}, ["a"]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, ["a[1].b"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a[1]"]),
        ({"a": [1]}, {"a": {"b": 1}}, ["a"]),
        ({"a": None}, {}, ["a"]),
    ],
)
def test_values_are_compared_to_the_bit(recorded: object, derived: object, paths: list[str]) -> None:
    assert [one.path for one in differences(recorded, derived)] == paths


def test_a_difference_is_told_in_a_few_words() -> None:
    assert str(Difference("a", "1", "")) == "a: recorded 1, derived nothing"
