"""What a person on call does by command: sees what is awaited, stops, hands over, approves; each says what follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from remission import CallError, Client
from remission.errors import InvalidArgumentError

from tests.fixtures.commands import remission, started
from tests.fixtures.listeners import in_memory
from tests.integration.server.life import QUIET, Life

APPROVED = {**QUIET, "approvals": {"required": True}}


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with in_memory() as made:
        yield made


@pytest.fixture
def life(target: str, request: pytest.FixtureRequest) -> Iterator[Life]:
    with Client(target) as client:
        yield Life(client, APPROVED, request.node.name.replace("[", "-").rstrip("]")[-60:].lstrip("_"))


def done(target: str, *arguments: str) -> Any:
    return remission(*arguments, folder=Path.cwd(), REMISSION_SERVER=target)


def reasons(life: Life, kind: str) -> list[dict[str, Any]]:
    return [json.loads(one.payload_json) for one in life.client.history(life.model) if one.type == kind]


def test_each_stop_is_on_record_with_its_reason_and_says_what_is_awaited_then(target: str, life: Life) -> None:
    for order, kind, awaited in (
        ("hold", "held", "a person (Release)"),
        ("release", "released", "evidence against the champion"),
        ("freeze", "frozen", "a person (Unfreeze)"),
        ("unfreeze", "unfrozen", "a person (Release)"),
    ):
        found = done(target, order, life.model, "--reason", f"why {order}")

        assert (found.code, found.err) == (0, "")
        assert f"waits for: {awaited}" in found.out
        assert [fact["note"] for fact in reasons(life, kind)] == [f"why {order}"]


def test_a_remedy_that_a_person_asks_for_waits_and_only_the_state_that_was_seen_is_refused(
    target: str, life: Life
) -> None:
    begun = done(target, "retrain", life.model, "--remedy", "refit", "--reason", "a try")
    waits = done(target, "wait", life.model)
    old = done(target, "reject", life.model, "--etag", "1")
    now = done(target, "reject", life.model, "--etag", life.client.state(life.model).etag.strip('"'))

    assert (begun.code, waits.code) == (0, 0)
    assert "retraining.awaiting_approval (APPROVAL_NEEDED)" in waits.out
    assert "means: the policy wants a person to agree before training" in waits.out
    assert "do: `Approve` or `Reject`, somebody else than who asked" in waits.out
    assert "waits for: a person's approval" in waits.out
    assert "otherwise: no answer is a refusal" in waits.out
    assert (old.code, old.err.count("\n")) == (2, 1)
    assert old.err.startswith("remission: ABORTED: ")
    assert now.code == 0
    assert "healthy (REJECTED)" in now.out


def test_nobody_agrees_or_refuses_without_the_state_that_was_seen(life: Life) -> None:
    life.decline()
    for decide in (life.client.operations.approve, life.client.operations.reject):
        with pytest.raises(InvalidArgumentError, match="etag: is empty"):
            decide(life.model, "")

    assert life.place == "retraining.awaiting_approval"
    assert reasons(life, "approval_given") + reasons(life, "approval_refused") == []


def test_an_order_that_does_not_fit_is_refused_in_one_line(target: str, life: Life) -> None:
    etag = life.client.state(life.model).etag
    for order in (("release",), ("unfreeze",), ("abort",), ("rollback",), ("approve", "--etag", etag)):
        found = done(target, order[0], life.model, *order[1:])

        assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
        assert found.err.startswith("remission: FAILED_PRECONDITION: ")


def test_an_open_incident_is_told_with_what_and_since_when_and_who_asked(target: str, life: Life) -> None:
    quiet = done(target, "wait", life.model).out
    life.serve(rows=20)
    life.decline()
    told = done(target, "wait", life.model)
    found = json.loads(done(target, "wait", life.model, "--json").out)
    (alarm,) = reasons(life, "alarm_raised")

    assert "about: " not in quiet
    assert told.code == 0
    assert f"about: metric of error_rate, suspected from row {alarm['onset_row']} on" in told.out
    assert f"alarm at row {alarm['at_row']}\n" in told.out
    assert "that is: a series that others measure has left its tolerance\n" in told.out
    assert (found["concern"]["signal"], found["concern"]["subject"]) == ("metric", "error_rate")
    assert "asked for by: service\n" in told.out
    life.client.operations.abort(life.model, reason="ticket 1234")
    assert "\nnote: ticket 1234\n" in done(target, "wait", life.model).out


def test_a_remedy_that_was_stopped_without_a_reason_sends_nobody_to_a_note_that_is_not_there(
    target: str, life: Life
) -> None:
    life.client.operations.start_retraining(life.model)
    life.client.operations.abort(life.model)
    told = done(target, "wait", life.model).out

    assert f"{life.model}: healthy (OPERATOR)" in told
    assert "\nnote: " not in told
    assert (
        "means: a person stopped it; or a router could not load the candidate, and the note names the router\n" in told
    )
    assert "do: read the note, where there is one\n" in told


def test_the_orders_that_are_told_are_taken_and_the_others_refused(target: str, life: Life) -> None:
    give, name = life.client.operations, life.model
    for begin, told in (
        (lambda: None, ["retrain", "hold", "freeze"]),
        (lambda: give.start_retraining(name), ["approve", "reject", "abort", "hold", "freeze"]),
        (lambda: give.hold(name), ["reject", "release", "abort", "freeze"]),
        (lambda: give.freeze(name), ["unfreeze"]),
    ):
        begin()
        assert json.loads(done(target, "wait", name, "--json").out)["orders"] == told
    with pytest.raises(CallError, match="Unfreeze"):
        give.start_retraining(name)
    give.unfreeze(name)
    give.release(name)
    for order in (give.start_retraining, give.abort, give.hold, give.release, give.freeze, give.unfreeze):
        order(name)


def test_nobody_is_in_charge_of_a_retired_model_which_waits_for_nothing(target: str, life: Life) -> None:
    life.client.models.retire(life.model, reason="[/ticket] 7")
    told = done(target, "wait", life.model).out
    history = done(target, "history", life.model)

    assert "\nin charge: nobody (retired)\n" in told
    assert "waits for" not in told
    assert (history.code, '"note":"[/ticket] 7"' in history.out) == (0, True)


def test_what_is_awaited_is_told_to_machines_as_well(target: str, life: Life) -> None:
    found = json.loads(done(target, "wait", life.model, "--json").out)

    assert found["state"]["model"] == life.model
    assert found["waits"][0]["awaited"] == "evidence against the champion"
    assert found["waits"][0]["due"].startswith("1970-01-")


def test_changes_are_watched_as_they_come(target: str, life: Life) -> None:
    process = started("watch", life.model, "--json", folder=Path.cwd(), REMISSION_SERVER=target)
    try:
        life.decline()
        assert process.stdout is not None
        seen = [json.loads(process.stdout.readline()) for _ in range(2)]
    finally:
        process.terminate()
        process.communicate()

    assert [one["trigger"] for one in seen] == ["raise_alarm", "confirm_decline"]
    assert [one["note"] for one in seen] == ["metric of error_rate", "metric"]
    assert [one["state"]["state"] for one in seen] == ["STATE_SUSPECT", "STATE_DEGRADED"]
