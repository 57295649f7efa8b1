"""Challengers: cheap models trained in the shadow, to learn whether the champion is still the best to be had."""

from __future__ import annotations

from typing import Any

import orjson

from monitoring.performance.regret import SAME_SIZE
from retraining.scope import CHALLENGE, Entrant, challengers
from server.reactions.evidence import of_late, own_loss
from server.reactions.jobs import open_job
from server.reactions.scene import Scene
from server.watching.watch import Watch
from statemachine import commands as c
from statemachine.health import ModelHealth
from statemachine.words import HEALTHY, SUSPECT, Signal

BLOCKS = 10  #: of a challenge's rows
DESIGN_CHALLENGES = 2  #: challenges at which the evidence is sharpest


def try_challenger(scene: Scene) -> None:
    """Queue a challenge when enough rows have come since the last one."""
    health, watch = scene.health, scene.watch
    step = _step(health, watch)
    end = watch.labelled_end
    last = max(health.judged_row, watch.reference_rows)
    if not step or health.challenge or end - last < step:
        return
    _queue(scene, challengers(end - step, watch.reference_rows), (end - step, end), BLOCKS)


def look_again(scene: Scene) -> None:
    """Let challengers from before an alarm meet the champion on rows after it, once a window."""
    health, watch = scene.health, scene.watch
    alarm, end = health.alarm, watch.labelled_end
    if alarm is None or health.challenge or end - max(alarm.at_row, health.judged_row) < watch.window_rows:
        return
    windows = max((end - alarm.at_row) // watch.window_rows, 1)
    _queue(
        scene,
        challengers(alarm.at_row, watch.reference_rows),
        (alarm.at_row, end),
        windows * health.policy.windows.blocks,
    )


def judge(scene: Scene, job: str, report: dict[str, Any]) -> None:
    """Judge what a challenge reported, and follow it up; a suspicion of something else is no reason to forget it."""
    health = scene.health
    if health.place == SUSPECT and health.alarmed_by == Signal.REGRET:
        _judge_again(scene, health, job, report)
    elif health.place not in (HEALTHY, SUSPECT):
        scene.act(c.AbandonChallenge(job=job, failure="the model has moved on"))
    elif not _step(health, scene.watch):
        scene.act(c.AbandonChallenge(job=job, failure="the policy asks for no challengers any more"))
    else:
        _judge_first(scene, health, job, report)


def _judge_first(scene: Scene, health: ModelHealth, job: str, report: dict[str, Any]) -> None:
    """Keep the round. What it says raises an alarm where none stands; else later rounds say it again, or do not."""
    inputs = {
        **_rounds(scene, health, report),
        "job": job,
        "at_row": int(report["holdout"][1]),
        "onset_row": max(int(report["holdout"][0]), health.epoch_row),
        "signal": str(Signal.REGRET),
        "subject": SAME_SIZE,
    }
    scene.follow("challenge@1", inputs)
    if health.place == HEALTHY:
        # When the champion began to be beaten is where its own loss rose, if it did.
        served = own_loss(scene.watch, health, of_late(scene.watch, health))
        scene.follow("regret_alarm@2", {**inputs, "served": served})


def _judge_again(scene: Scene, health: ModelHealth, job: str, report: dict[str, Any]) -> None:
    rounds = _rounds(scene, health, report)
    inputs = {
        **rounds,
        "job": job,
        "at_row": int(report["holdout"][1]),
        "signal": str(Signal.REGRET),
        "blocks": rounds["challenges"][-1]["leads"].get(SAME_SIZE, []),
        "level": 0.0,
        "window": scene.watch.window_rows,
    }
    scene.follow("second_look@2", inputs)
    scene.follow("regret_resolve@2", inputs)


def _rounds(scene: Scene, health: ModelHealth, report: dict[str, Any]) -> dict[str, Any]:
    """Give the challenges of this champion, this one last, as `monitoring.performance.regret` reads them.

    A suspicion is looked into to its end, though the policy may ask for no challengers any more.
    """
    leads = {entry["name"]: entry["lead"] for entry in report["entrants"]}
    first, end = report["holdout"]
    rounds = [*_earlier(scene, health), {"champion": report["champion"], "leads": leads}]
    return {
        "challenges": rounds[-health.policy.regret.memory :],
        "design_rows": DESIGN_CHALLENGES * (_step(health, scene.watch) or int(end) - int(first)),
    }


def _earlier(scene: Scene, health: ModelHealth) -> list[dict[str, Any]]:
    """Read the rounds of this champion that were judged before."""
    if not health.challenge_evidence:
        return []
    rounds: list[dict[str, Any]] = orjson.loads(scene.unit.evidence(health.challenge_evidence))["inputs"]["challenges"]
    return rounds


def _step(health: ModelHealth, watch: Watch) -> int:
    return int(health.policy.regret.every * watch.reference_rows)


def _queue(scene: Scene, entrants: tuple[Entrant, ...], holdout: tuple[int, int], blocks: int) -> None:
    job, spec = open_job(scene, CHALLENGE, entrants, holdout, blocks)
    scene.act(c.QueueChallenge(job=job, spec=spec, at_row=holdout[1]))
