"""Every row of the table of moves is what lets a call, a judge or a timer through: without it nothing moves.

A call that needs the row is told FAILED_PRECONDITION, and what would be accepted. Where the service itself would move,
it does not, and goes on taking data in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from remission import Client
from remission.errors import FailedPreconditionError

from statemachine.machine import GATEKEEPER, Gatekeeper
from statemachine.moves import MOVES, Move
from tests.fixtures.listeners import in_memory
from tests.integration.server.examples import NORMAL
from tests.integration.server.life import BLIP, LASTING, QUIET, Life

APPROVED = {"approvals": {"required": True}}
DAYS = 86_400.0
Act = Callable[[Life], object]


@dataclass(frozen=True)
class Case:
    """One way to fire a row: what leads to the place that it leaves, and what fires it."""

    trigger: str
    dest: str
    by: str
    begin: tuple[Act, ...]
    fire: Act
    policy: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.trigger}-{self.dest} by {self.by}"

    @property
    def row(self) -> Move:
        return next(move for move in MOVES if (move.trigger, str(move.dest)) == (self.trigger, self.dest))


def served(rows: int = 10, *, right: float = 1.0, candidate: float = 1.0, x: float | None = None) -> Act:
    return lambda life: life.serve(rows, right, candidate, x)


def measured(*values: float) -> Act:
    return lambda life: life.measure(*values)


def ordered(name: str, **options: Any) -> Act:
    return lambda life: getattr(life.client.operations, name)(life.model, **options)


def asked(remedy: str = "") -> Act:
    remedies = [remedy] if remedy else []
    return lambda life: life.client.operations.start_retraining(
        life.model, etag=life.client.state(life.model).etag, remedies=remedies
    )


def answered(name: str) -> Act:
    """Approve or reject, on what is so now."""
    return lambda life: getattr(life.client.operations, name)(life.model, life.client.state(life.model).etag)


def turned_down(life: Life) -> None:
    """Leave a degraded model without a remedy: a person refuses it, where one was begun."""
    life.decline()
    if life.place == "retraining.awaiting_approval":
        answered("reject")(life)


def later(seconds: float, *, right: float = 1.0) -> Act:
    """Let so much time pass, which the next rows show."""

    def act(life: Life) -> None:
        life.pass_time(seconds)
        life.serve(right=right)

    return act


def promoted(life: Life) -> None:
    """Bring a better candidate through its canary, as far as the table lets it."""
    shadowed(life)
    for _ in range(8):
        life.serve(right=0.5, candidate=0.9)
        life.acknowledge()


def shadowed(life: Life) -> None:
    life.decline()
    life.lease()
    life.complete()
    life.acknowledge()


def exposed(least_bp: int) -> Act:
    """Serve rows until the candidate is exposed to so many units."""

    def act(life: Life) -> None:
        shadowed(life)
        for _ in range(8):
            if life.client.routes.get(life.model).exposure_bp >= least_bp:
                return
            life.serve(right=0.5, candidate=0.9)
            life.acknowledge()

    return act


def refreshed(life: Life) -> None:
    asked()(life)
    life.lease()


def completed(lead: float = 0.3) -> Act:
    return lambda life: life.complete(lead)


def aborted(life: Life) -> None:
    life.complete()
    life.client.operations.abort(life.model)


LEASED = (Life.decline, Life.lease)
TWICE_ILL: dict[str, Any] = {
    "budget": {"remediations": 1}, "fallback": "previous_version", "escalation_levels": 1,
}  # fmt: skip
ILL, LATER_ILL = served(20, right=0.0), later(2 * DAYS, right=0.0)
BAD_DATA: dict[str, Any] = {"quality": {"alarms": "always"}}
MISSING = float("nan")

CALLS = (
    Case("start_retraining", "retraining.scoping", "StartRetraining", (turned_down,), asked(), APPROVED),
    Case("refresh", "retraining.scoping", "StartRetraining", (), asked()),
    Case("skip_training", "retraining.validating", "StartRetraining", (promoted,), asked("restore")),
    Case("request_approval", "retraining.awaiting_approval", "StartRetraining", (), asked(), APPROVED),
    Case("queue_job", "retraining.queued", "StartRetraining", (), asked()),
    Case("approve", "retraining.queued", "Approve", (Life.decline,), answered("approve"), APPROVED),
    Case("lease_job", "retraining.leased", "LeaseJob", (Life.decline,), Life.lease),
    Case("lose_lease", "retraining.queued", "FailJob", LEASED, Life.fail),
    Case("submit_candidate", "retraining.validating", "CompleteJob", LEASED, completed()),
    Case("pass_gates", "canary.shadow", "CompleteJob", LEASED, completed()),
    Case("abandon", "degraded", "CompleteJob", LEASED, completed(0.0)),
    Case("abandon", "degraded", "FailJob", LEASED, Life.fail, {"budget": {"attempts": 1}}),
    Case("abandon", "degraded", "Reject", (Life.decline,), answered("reject"), APPROVED),
    Case("abandon", "degraded", "Abort", (Life.decline,), ordered("abort")),
    Case("abandon", "degraded", "Freeze", (Life.decline,), ordered("freeze")),
    Case("abandon", "healthy", "CompleteJob", (refreshed,), completed(0.0)),
    Case("abandon", "healthy", "Abort", (asked(),), ordered("abort")),
    Case("abort", "canary.aborting", "Abort", (shadowed,), ordered("abort")),
    Case("abort", "canary.aborting", "RollBack", (shadowed,), ordered("roll_back")),
    Case("abort", "canary.aborting", "Freeze", (shadowed,), ordered("freeze")),
    Case("abort", "canary.aborting", "AcknowledgeRoute", (shadowed,), lambda life: life.acknowledge("no bytes")),
    Case("finish_abort", "rolled_back", "AcknowledgeRoute", (*LEASED, aborted), Life.acknowledge),
    Case("retire", "retired", "RetireModel", (), lambda life: life.client.models.retire(life.model)),
)
BY_ITSELF = (
    Case("raise_alarm", "suspect", "a judge", (measured(*NORMAL),), measured(*LASTING)),
    Case("fall_silent", "suspect", "a timer", (served(),), later(2 * DAYS)),
    Case("clear_as_blip", "healthy", "a judge", (measured(*NORMAL, *BLIP),), measured(*NORMAL)),
    Case("confirm_decline", "degraded", "a judge", (measured(*NORMAL, *BLIP),), measured(*LASTING)),
    Case("give_up_waiting", "degraded", "a timer", (measured(*NORMAL, *BLIP),), later(2 * DAYS)),
    Case("recover", "healthy", "a judge", (served(20), served(x=MISSING), served(x=MISSING)), served(50), BAD_DATA),
    Case("fall_back", "rolled_back", "a timer", (promoted, *[ILL] * 4, LATER_ILL), LATER_ILL, TWICE_ILL),
    Case("start_retraining", "retraining.scoping", "the service", (), Life.decline),
    Case("request_approval", "retraining.awaiting_approval", "the service", (), Life.decline, APPROVED),
    Case("queue_job", "retraining.queued", "the service", (), Life.decline),
    Case("abandon", "degraded", "a timer", (Life.decline,), later(2 * DAYS)),
    Case("abandon", "healthy", "a timer", (asked(),), later(2 * DAYS)),
    Case("open_rung", "canary.rung", "a judge", (shadowed,), served(right=0.5)),
    Case("climb", "canary.rung", "a judge", (exposed(100),), served(right=0.5, candidate=0.9)),
    Case("promote", "canary.promoting", "a judge", (exposed(2_500),), served(50, right=0.5)),
    Case("confirm_promotion", "healthy", "a judge", (exposed(10_000),), served(50, right=0.5)),
    Case("abort", "canary.aborting", "a judge", (shadowed,), served(30, right=1.0, candidate=0.0)),
    Case("abort", "canary.aborting", "a timer", (shadowed,), later(9 * DAYS)),
    Case("finish_abort", "rolled_back", "a timer", (*LEASED, aborted), later(1_000)),
    Case("relapse", "degraded", "a timer", (*LEASED, aborted, Life.acknowledge), later(1_000)),
    Case("settle", "healthy", "a timer", (refreshed, aborted, Life.acknowledge), later(1_000)),
)


@contextmanager
def living(case: Case, gatekeeper: Gatekeeper) -> Iterator[Life]:
    """Give a model that has come to the place which the row leaves."""
    with in_memory(gatekeeper) as target, Client(target, timeout=10.0) as client:
        life = Life(client, {**QUIET, **case.policy})
        for act in case.begin:
            act(life)
        yield life


def without(row: Move) -> Gatekeeper:
    return Gatekeeper([move for move in MOVES if move is not row])


def test_every_row_of_the_table_has_a_case() -> None:
    cases = {(case.trigger, case.dest) for case in (*CALLS, *BY_ITSELF)}

    assert cases == {(move.trigger, str(move.dest)) for move in MOVES}


@pytest.mark.parametrize("case", CALLS, ids=str)
def test_a_call_whose_row_is_deleted_is_told_what_would_be_accepted_and_changes_nothing(case: Case) -> None:
    table = without(case.row)
    with living(case, table) as life:
        before, place = list(life.client.history()), life.place

        with pytest.raises(FailedPreconditionError) as caught:
            case.fire(life)

        assert list(life.client.history()) == before
        assert life.place == place
    accepted = [one for source, one, _ in table.legal_moves if source == caught.value.metadata["place"]]
    assert caught.value.reason == "ILLEGAL_TRANSITION"
    assert caught.value.metadata["command"] == case.trigger
    assert caught.value.metadata["accepted"] == ", ".join(sorted(set(accepted)))
    assert "model" in [one.field for one in caught.value.violations]


@pytest.mark.parametrize("case", CALLS, ids=str)
def test_the_same_call_is_answered_where_the_row_stands(case: Case) -> None:
    with living(case, GATEKEEPER) as life:
        before = life.moves()

        case.fire(life)

        assert case.trigger in life.moves()[len(before) :]


@pytest.mark.parametrize("case", BY_ITSELF, ids=str)
def test_the_service_does_not_move_where_the_row_is_deleted_and_goes_on(case: Case) -> None:
    with living(case, without(case.row)) as life:
        before = life.moves()

        case.fire(life)
        life.serve()

        assert case.trigger not in life.moves()[len(before) :]
        checked = life.client.audit.verify(life.model)
    assert checked.chain_ok
    assert checked.replay_equal
    assert checked.rederived == checked.decisions


@pytest.mark.parametrize("case", BY_ITSELF, ids=str)
def test_the_service_moves_by_itself_where_the_row_stands(case: Case) -> None:
    with living(case, GATEKEEPER) as life:
        before = life.moves()

        case.fire(life)

        assert case.trigger in life.moves()[len(before) :]
