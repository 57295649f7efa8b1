"""The table of moves. A new move is a line here and a scenario, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from statemachine import guards as g
from statemachine.words import (
    ABORTING,
    AWAITING_APPROVAL,
    DEGRADED,
    HEALTHY,
    LEASED,
    LIVING,
    PROMOTING,
    QUEUED,
    RETIRED,
    RETRAINING,
    ROLLED_BACK,
    RUNG,
    SCOPING,
    SHADOW,
    SUSPECT,
    VALIDATING,
    Place,
)

#: Stands in each event, so that a history is held to the table of its own time.
MACHINE_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Move:
    """One legal move: who fires it, from where, to where, and what must hold."""

    trigger: str
    sources: tuple[Place, ...]
    dest: Place
    when: tuple[g.Guard, ...] = ()
    stops: bool = False  #: makes things safe, so it is allowed whoever is in charge


def _move(trigger: str, sources: Place | tuple[Place, ...], dest: Place, *when: g.Guard, stops: bool = False) -> Move:
    places = sources if isinstance(sources, tuple) else (sources,)
    return Move(trigger, places, dest, when if stops else (g.automation_is_on, *when), stops)


MOVES: tuple[Move, ...] = (
    # Suspicion.
    _move("raise_alarm", HEALTHY, SUSPECT),
    _move("fall_silent", HEALTHY, SUSPECT, g.it_is_time),
    _move("clear_as_blip", SUSPECT, HEALTHY),
    _move("confirm_decline", SUSPECT, DEGRADED, g.decline_is_sustained),
    _move("give_up_waiting", SUSPECT, DEGRADED, g.unresolved_means_degraded),
    _move("recover", DEGRADED, HEALTHY),
    _move("fall_back", DEGRADED, ROLLED_BACK, g.fallback_is_declared),
    # Remedy.
    _move(
        "start_retraining", DEGRADED, SCOPING,
        g.budget_is_left, g.cooldown_is_over, g.cause_can_be_trained_away,
    ),
    _move("refresh", HEALTHY, SCOPING, g.improvement_is_wanted, g.budget_is_left, g.cooldown_is_over),
    _move("skip_training", SCOPING, VALIDATING, g.remedy_trains_nothing),
    _move("request_approval", SCOPING, AWAITING_APPROVAL, g.approval_is_required),
    _move("queue_job", SCOPING, QUEUED, g.approval_is_not_required),
    _move("approve", AWAITING_APPROVAL, QUEUED, g.approver_is_not_requester),
    _move("lease_job", QUEUED, LEASED, g.remedy_is_under_way),
    _move("lose_lease", LEASED, QUEUED, g.attempts_are_left, stops=True),
    _move("submit_candidate", LEASED, VALIDATING, g.remedy_is_under_way),
    _move("pass_gates", VALIDATING, SHADOW, g.every_gate_passed),
    _move("abandon", RETRAINING, DEGRADED, g.back_to_degraded, stops=True),
    _move("abandon", RETRAINING, HEALTHY, g.back_to_healthy, stops=True),
    # Canary.
    _move("open_rung", SHADOW, RUNG, g.route_is_acknowledged, g.gates_stand, g.exposure_rises),
    _move("climb", RUNG, RUNG, g.route_is_acknowledged, g.gates_stand, g.exposure_rises),
    _move("promote", RUNG, PROMOTING, g.route_is_acknowledged, g.gates_stand, g.rung_is_high_enough),
    _move("confirm_promotion", PROMOTING, HEALTHY, g.route_is_acknowledged, g.gates_stand),
    _move("abort", (SHADOW, RUNG, PROMOTING), ABORTING, stops=True),
    _move("finish_abort", ABORTING, ROLLED_BACK, g.router_is_back, stops=True),
    _move("relapse", ROLLED_BACK, DEGRADED, g.it_is_time, g.back_to_degraded),
    _move("settle", ROLLED_BACK, HEALTHY, g.it_is_time, g.no_decline_is_open),
    # The end.
    _move("retire", LIVING, RETIRED, stops=True),
)  # fmt: skip

#: Every table that a release has decided by. One that events name is never changed: another table is another version.
TABLES: dict[str, tuple[Move, ...]] = {MACHINE_VERSION: MOVES}
