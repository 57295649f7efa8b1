"""What two equal runs may differ in, and which stored payloads are refused."""

from __future__ import annotations

from typing import Any

import pytest

from statemachine.events import CandidateTrained, GatesJudged, JobLeased, StateChanged
from statemachine.kinds import REGISTRY
from statemachine.record.coding import PayloadUnreadable, UnknownEvent, decode, is_volatile, payload_of, volatile_fields

LEASED = JobLeased(job="m-1", attempt=1, worker="w")


def moved(trigger: str) -> StateChanged:
    return StateChanged(source="", dest="", trigger=trigger, reason="")


def test_two_equal_runs_may_differ_in_leases_and_what_ends_them_and_in_no_other_fact() -> None:
    assert {name for name, kind in REGISTRY.items() if kind.volatile} == {
        "job_leased",
        "lease_expired",
        "attempt_failed",
    }
    assert [is_volatile(fact) for fact in (LEASED, moved("lease_job"), moved("lose_lease"))] == [True] * 3
    assert not is_volatile(moved("submit_candidate"))
    assert not is_volatile(CandidateTrained(job="", remedy="", entrant="", semantic_sha256="", at_row=1, version=""))


def test_the_bytes_and_the_sandbox_of_a_candidate_and_what_its_gates_measured_may_differ() -> None:
    candidate = CandidateTrained(job="", remedy="", entrant="", semantic_sha256="", at_row=1, version="")
    gates = GatesJudged(passed=True, chosen="", remedy="", gates=[], evidence="")

    assert [volatile_fields(fact) for fact in (candidate, gates, LEASED)] == [
        ("manifest", "isolation"),
        ("measured",),
        (),
    ]


def test_what_is_stored_is_read_back() -> None:
    assert decode(LEASED.name, LEASED.schema, payload_of(LEASED)) == LEASED


@pytest.mark.parametrize("schema", [0, LEASED.schema + 1])
def test_a_schema_that_is_unknown_is_named_with_those_that_are_known(schema: int) -> None:
    with pytest.raises(
        UnknownEvent, match=f"'job_leased' of schema {schema}; known: schemas 1 to {LEASED.schema} of it"
    ):
        decode("job_leased", schema, payload_of(LEASED))


@pytest.mark.parametrize("payload", [{"job": "m-1"}, {**payload_of(LEASED), "more": 1}])
def test_a_payload_of_other_fields_than_its_schema_has_is_refused(payload: dict[str, Any]) -> None:
    with pytest.raises(PayloadUnreadable, match="none of 'job_leased' of schema"):
        decode("job_leased", LEASED.schema, payload)
