"""Canaries: what labels say about a candidate, and what the judge makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from retraining.segments import SEGMENTS
from rollout.arms import told
from rollout.segments import harmed
from server.reactions.evidence import cost, cost_in, lead, lead_in, of_late, own_loss, since
from server.reactions.scene import Scene
from server.watching.closings import LabelBlock
from statemachine.health import ModelHealth
from statemachine.words import CANARY, HEALTHY, PROMOTING, RUNG, SHADOW


def look(scene: Scene) -> None:
    """Ask the judge, where a canary is under way and its route is served."""
    health = scene.health
    if not health.route.acknowledged or _overtaken(scene, health):
        return
    if health.place in (SHADOW, RUNG):
        _ask(scene, health, "canary", counts_from(health, scene.watch.window_rows))
    elif health.place == PROMOTING:
        _ask(scene, health, "promotion", health.route.since_row)


def _overtaken(scene: Scene, health: ModelHealth) -> bool:
    """Turn a refresh back where the losses of champion and candidate rise: nobody looks for that while one is tried."""
    remedy = health.remediation
    refreshes = remedy is not None and remedy.returns_to == HEALTHY
    if health.place not in CANARY or not refreshes or health.outcomes != "exogenous":
        return False
    blocks = since(scene.watch, health.canary_row)
    mine = {**own_loss(scene.watch, health, []), "blocks": cost(blocks, health.candidate)}
    risen = [own_loss(scene.watch, health, of_late(scene.watch, health)), mine]
    inputs = {**_route(scene, health), **_losses(scene, health, health.canary_row), "risen": risen}
    return scene.follow("overtaken@1", inputs) is not None


def _ask(scene: Scene, health: ModelHealth, judge: str, first_row: int) -> None:
    """Ask about rows since *first_row*, and about their segments where a candidate may ruin none, and that is known."""
    shared = _route(scene, health)
    if health.outcomes == "selective":
        # What the champion did on the rungs is what a promotion is held against.
        known = arms(health, since(scene.watch, health.canary_row))
        rows = max(scene.at_row - first_row, 0)
        scene.follow(f"{judge}@3", {**shared, "rows": rows, "arms": known}, note=told(known))
        return
    inputs = {**shared, **_losses(scene, health, first_row)}
    if SEGMENTS not in health.policy.gates.mandatory:
        scene.follow(f"{judge}@1", inputs)
        return
    parted = {**inputs, "segments": _segments(scene, health, first_row)}
    scene.follow(f"{judge}@2", parted, note=harmed(parted, health.policy))


def counts_from(health: ModelHealth, window_rows: int) -> int:
    """Give the first row that counts for or against the candidate: of one that is restored, behind the alarm already.

    It answered those rows beside the champion and learned from none of them. So an interval that begins at the alarm
    holds for it however it was chosen. Of an incident that has lasted for long, what came before the canary is history.
    """
    restored = health.outcomes == "exogenous" and health.candidate == health.rollback_target
    if health.alarm is None or not restored:
        return health.canary_row
    begun = max(health.alarm.at_row, health.loss_told_row)
    longest = health.policy.confirmation.most_windows * window_rows
    return begun if health.canary_row - begun <= longest else health.canary_row


def _route(scene: Scene, health: ModelHealth) -> dict[str, Any]:
    """Give what any judge of a canary asks for."""
    return {
        "outcomes": health.outcomes,
        "exposure_bp": health.route.exposure_bp,
        "window": scene.watch.window_rows,
        "at_row": scene.watch.labelled_end,
    }


def _segments(scene: Scene, health: ModelHealth, first_row: int) -> list[dict[str, Any]]:
    """Give what each segment cost the champion, and what the candidate saves there, of blocks that both answered."""
    one, other = health.champion, health.candidate
    both = [each for each in since(scene.watch, first_row) if one in each.parts and other in each.parts]
    return [
        {"name": each.name, "champion": cost_in(both, one, k), "leads": lead_in(both, one, other, k)}
        for k, each in enumerate(scene.watch.segments)
    ]


def _losses(scene: Scene, health: ModelHealth, first_row: int) -> dict[str, Any]:
    """Give what rows cost the champion, and what the candidate saves on them, of blocks that both answered."""
    one, other = health.champion, health.candidate
    both = [each for each in since(scene.watch, first_row) if one in each.cost and other in each.cost]
    return {"champion": cost(both, one), "leads": lead(both, one, other)}


def arms(health: ModelHealth, blocks: Iterable[LabelBlock]) -> list[list[int]]:
    """Count rows, and bad ones, by the exposure at which they were assigned, as `rollout/arms.py` reads them.

    Rows of two rungs in one block are left out.
    """
    exposures = dict(health.exposures)
    found: dict[int, list[int]] = {}
    for one in blocks:
        exposure, *others = sorted({exposures.get(generation, 0) for generation in one.generations})
        if exposure and not others:
            (rows, bad), (rest, fine) = (one.arms.get(name, (0, 0)) for name in (health.candidate, health.champion))
            arm = found.setdefault(exposure, [exposure, 0, 0, 0, 0])
            arm[1:] = [known + more for known, more in zip(arm[1:], (bad, fine, rows, rest), strict=True)]
    return [found[exposure] for exposure in sorted(found)]
