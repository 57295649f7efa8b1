"""Canaries: routes acknowledged, rungs climbed, candidates promoted or turned back."""

from __future__ import annotations

from statemachine import events as e
from statemachine.commands import AcknowledgeRoute, JudgeCanary
from statemachine.draft import Draft
from statemachine.errors import Refused
from statemachine.words import ABORTING, BLAMELESS, FULL_EXPOSURE_BP, SHADOW, Reason


def acknowledge_route(draft: Draft, command: AcknowledgeRoute) -> None:
    """Note what a router serves; an abort ends here."""
    route = draft.health.route
    if command.generation > route.generation:
        raise Refused(
            "acknowledge_route", str(draft.health.place),
            f"generation {command.generation} was never issued", (f"generation {route.generation}",),
        )  # fmt: skip
    if command.generation < route.generation or route.acknowledged:
        return  # an old or repeated word changes nothing
    draft.add(e.RouteAcknowledged(generation=command.generation, exposure_bp=route.exposure_bp, router=command.router))
    if draft.health.place == ABORTING:
        finish_abort(draft, Reason.ROUTE_BACK)


def judge_canary(draft: Draft, command: JudgeCanary) -> None:
    """Do what the judge says, as far as the table allows."""
    draft.add(
        e.CanaryJudged(
            verdict=command.verdict,
            reason=command.reason,
            exposure_bp=command.exposure_bp,
            lower=command.lower,
            upper=command.upper,
            sample=command.sample,
            at_row=command.at_row,
            evidence=command.evidence,
        )
    )
    _carry_out(draft, command)


def turn_back(draft: Draft, reason: Reason, at_row: int, note: str = "") -> None:
    """Take the candidate's traffic away."""
    draft.move("abort", reason, note)
    draft.route(0, at_row)


def finish_abort(draft: Draft, how: Reason) -> None:
    """The champion serves everything again."""
    why = draft.health.reason
    pause_us = 0 if why in BLAMELESS else draft.health.cooldown_us()
    draft.move("finish_abort", how)
    draft.add(e.RolledBack(reason=why, version=draft.health.champion, cooldown_until_us=draft.now_us + pause_us))


def _carry_out(draft: Draft, command: JudgeCanary) -> None:
    match command.verdict:
        case "climb":
            trigger = "open_rung" if draft.health.place == SHADOW else "climb"
            draft.move(trigger, Reason.SHADOW_CLEAR if trigger == "open_rung" else Reason.HARM_BOUNDED)
            draft.route(command.exposure_bp, command.at_row)
        case "promote":
            draft.move("promote", Reason.NON_INFERIOR)
            draft.route(FULL_EXPOSURE_BP, command.at_row)
        case "confirm":
            _confirm(draft, command)
        case "abort":
            turn_back(draft, Reason(command.reason), command.at_row, command.note)
        case _:
            raise Refused(
                "judge_canary", str(draft.health.place), f"{command.verdict!r} is no verdict",
                ("climb", "promote", "confirm", "abort"),
            )  # fmt: skip


def _confirm(draft: Draft, command: JudgeCanary) -> None:
    health = draft.health
    draft.move("confirm_promotion", Reason.PROMOTION_HELD)
    draft.add(
        e.PromotionConfirmed(
            at_row=command.at_row, champion=health.candidate, rollback_target=health.champion, evidence=command.evidence
        )
    )
    draft.route(0, command.at_row)
