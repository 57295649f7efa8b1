"""Guards: statements about a model and a command that must hold for a move.

A guard is pure. It reads the fold and the command, never a clock.
"""

from __future__ import annotations

from collections.abc import Callable

from statemachine import timers
from statemachine.commands import (
    Approve,
    Command,
    ConfirmDecline,
    FireTimer,
    JudgeCanary,
    JudgeGates,
    StartRetraining,
)
from statemachine.health import ModelHealth
from statemachine.unexplained import unexplained
from statemachine.words import DEGRADED, HEALTHY, Automation, Remedy, Signal

Guard = Callable[[ModelHealth, Command, int], bool]
HALF = 0.5  #: share of the loss from which a cause is the one to remove
PROMOTABLE_BP = 2_500  #: promotion needs a rung of at least a quarter of the units


def automation_is_on(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The service may act for this model: no person has taken the wheel. What a person asks for, the service does."""
    del command, now_us
    return health.automation == Automation.AUTO


def it_is_time(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The command is the live timer of this visit, and it has run out."""
    live = timers.live(health)
    return (
        isinstance(command, FireTimer)
        and live is not None
        and command.visit == health.visit
        and command.name == live.name
        and now_us >= live.due_us
    )


def decline_is_sustained(health: ModelHealth, command: Command, now_us: int) -> bool:
    """Data after the alarm, and only those, confirm it."""
    del now_us
    return (
        isinstance(command, ConfirmDecline)
        and health.alarm is not None
        and command.signal == health.alarm.signal
        and bool(command.evidence)
    )


def unresolved_means_degraded(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The policy's tier treats a doubt that stays as a decline."""
    return it_is_time(health, command, now_us) and health.policy.tier <= 1


def budget_is_left(health: ModelHealth, command: Command, now_us: int) -> bool:
    """Fewer remediations started lately than the policy allows, or a person asks."""
    if isinstance(command, StartRetraining) and command.requested_by != "service":
        return True
    budget = health.policy.budget
    since = now_us - budget.window_days * timers.DAY_US
    return sum(started > since for started in health.started_us) < budget.remediations


def cooldown_is_over(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The pause after the last failure has passed, or a person asks."""
    asked = isinstance(command, StartRetraining) and command.requested_by != "service"
    return asked or now_us >= health.cooldown_until_us


def cause_can_be_trained_away(health: ModelHealth, command: Command, now_us: int) -> bool:
    """Broken data are repaired, no latency is learned away; a person may overrule that."""
    del now_us
    asked = isinstance(command, StartRetraining) and command.requested_by != "service"
    blamed = float(health.causes[0]["share"]) >= HALF if health.causes else False
    seen = health.alarmed_by == Signal.QUALITY
    faulty = health.cause in ("data_quality", "serving") and (blamed or seen)
    return asked or not (faulty or health.awaits_labels or unexplained(health))


def improvement_is_wanted(health: ModelHealth, command: Command, now_us: int) -> bool:
    """A refresh has been found worth it and the policy schedules such, or a person asks."""
    del now_us
    asked = isinstance(command, StartRetraining) and command.requested_by != "service"
    return asked or (health.improvement and health.policy.refresh.on_improvement)


def remedy_is_under_way(health: ModelHealth, command: Command, now_us: int) -> bool:
    """There is one remediation, and this is about it."""
    del command, now_us
    return health.remediation is not None


def approval_is_required(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The policy wants a person to agree before training."""
    del command, now_us
    return health.policy.approvals.required


def approval_is_not_required(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The policy lets the service train by itself."""
    return not approval_is_required(health, command, now_us)


def approver_is_not_requester(health: ModelHealth, command: Command, now_us: int) -> bool:
    """Four eyes: who asked does not agree."""
    del now_us
    remedy = health.remediation
    return isinstance(command, Approve) and remedy is not None and command.actor != remedy.requested_by


def remedy_trains_nothing(health: ModelHealth, command: Command, now_us: int) -> bool:
    """An archived version is to be restored: no job is needed."""
    del command, now_us
    return health.remediation is not None and health.remediation.remedy == Remedy.RESTORE


def attempts_are_left(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The job has not failed as often as the policy allows."""
    del command, now_us
    remedy = health.remediation
    return remedy is not None and remedy.attempts_failed < health.policy.budget.attempts


def every_gate_passed(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The verdict lists every mandatory gate, and each one passed."""
    del now_us
    if not isinstance(command, JudgeGates) or not command.passed or not health.candidate:
        return False
    verdicts = {str(gate["name"]): gate["verdict"] for gate in command.gates}
    return all(verdicts.get(name) == "pass" for name in health.policy.gates.mandatory)


def back_to_degraded(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The remedy was for a decline."""
    del command, now_us
    return health.remediation is not None and health.remediation.returns_to == DEGRADED


def back_to_healthy(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The remedy was a refresh of a healthy model."""
    del command, now_us
    return health.remediation is not None and health.remediation.returns_to == HEALTHY


def no_decline_is_open(health: ModelHealth, command: Command, now_us: int) -> bool:
    """A refresh was turned back, or the declared fallback serves: nothing speaks against what serves now."""
    del command, now_us
    return health.remediation is None or health.remediation.returns_to == HEALTHY


def route_is_acknowledged(health: ModelHealth, command: Command, now_us: int) -> bool:
    """A router serves the newest generation."""
    del command, now_us
    return health.route.acknowledged


def gates_stand(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The candidate of this remediation has passed its gates."""
    del command, now_us
    return health.remediation is not None and health.remediation.gates_passed


def exposure_rises(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The next rung is higher than this one, and a rung of the policy."""
    del now_us
    return (
        isinstance(command, JudgeCanary)
        and command.exposure_bp > health.route.exposure_bp
        and command.exposure_bp in health.policy.canary.rungs_bp
    )


def rung_is_high_enough(health: ModelHealth, command: Command, now_us: int) -> bool:
    """Enough units saw the candidate for a promotion."""
    del command, now_us
    return health.route.exposure_bp >= PROMOTABLE_BP


def router_is_back(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The champion serves again: acknowledged, or the route's time to live has passed."""
    del command
    route = health.route
    return route.acknowledged or now_us >= route.issued_us + route.ttl_seconds * timers.SECOND_US


def fallback_is_declared(health: ModelHealth, command: Command, now_us: int) -> bool:
    """The policy names a fallback, and there is a version to fall back to."""
    return (
        it_is_time(health, command, now_us)
        and health.policy.fallback == "previous_version"
        and bool(health.rollback_target)
    )
