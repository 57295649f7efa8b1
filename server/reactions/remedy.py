"""Remedies: which entrants compete, and what their bake-off leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from measures.sums import Block
from retraining.scope import REMEDY, holdout_rows, remedies
from retraining.segments import told_of
from server.reactions.evidence import cost, cost_in, lead, lead_in, since
from server.reactions.jobs import open_job, overruled
from server.reactions.scene import Scene
from server.reactions.segments import named_in
from server.watching.closings import LabelBlock
from statemachine import commands as c
from statemachine.health import ModelHealth
from statemachine.words import DEGRADED, SCOPING, VALIDATING, Reason, Remedy, Signal

BLOCKS = 10  #: of a holdout
LEAST_HOLDOUT = 10


def scope(scene: Scene) -> None:
    """Propose the bake-off of a remediation that has just begun."""
    health = scene.health
    remedy = health.remediation
    if health.place != SCOPING or remedy is None:
        return
    if remedy.remedy == Remedy.RESTORE:
        _propose_restore(scene, remedy.version)
    else:
        _propose_bakeoff(scene, remedy.remedy)


def _propose_restore(scene: Scene, version: str) -> None:
    """Propose a version alone: it has answered in shadow, so nobody trains, and it can be judged at once."""
    job = f"{scene.model}-{scene.health.jobs_opened + 1}"
    if scene.step(c.ProposeScope(job=job, spec="", entrants=[version], at_row=scene.at_row)):
        _judge_restore(scene)


def _propose_bakeoff(scene: Scene, wanted: str) -> None:
    """Propose entrants, all that may help or those that are *wanted*, for a worker to train."""
    health, watch = scene.health, scene.watch
    end = watch.labelled_end
    holdout = (_holdout_from(scene, health, end), end)
    entrants = remedies(
        onset_row=max(health.onset_row, health.moved_row), mark=holdout[0], reference_rows=watch.reference_rows,
        task=health.task, pinned=health.rollback_target, most=health.policy.bakeoff.most_entrants,
    )  # fmt: skip
    if wanted:
        entrants = tuple(one for one in entrants if wanted in (one.remedy, one.name))
    if not entrants:
        scene.step(c.AbandonRemedy(reason=Reason.NOTHING_TO_TRAIN, note=f"{wanted} cannot be tried now"))
        return
    job, spec = open_job(scene, REMEDY, entrants, holdout, BLOCKS)
    names = ["nothing", *(entrant.name for entrant in entrants)]
    scene.step(c.ProposeScope(job=job, spec=spec, entrants=names, at_row=end))


def _holdout_from(scene: Scene, health: ModelHealth, end: int) -> int:
    """Give the first row of a holdout; what is in quarantine does not count, as far as there are rows to go back to.

    Where the world changed lately, some of the rows since then are left to learn from.
    """
    reference_rows = scene.watch.reference_rows
    size = max(holdout_rows(_usual_rows(scene, health), _rows_since_change(health, end)), LEAST_HOLDOUT)
    return (
        end - size if overruled(health) else scene.watch.profiler.quarantine.reach(size, end, min(reference_rows, end))
    )


def _rows_since_change(health: ModelHealth, end: int) -> int:
    """Count the rows since a change; 0 where only a challenger leads, for that is no date."""
    dated = health.alarm is not None and health.alarm.signal != Signal.REGRET
    onset = max(health.onset_row, health.moved_row) if dated else health.moved_row
    return end - onset if onset > 0 else 0


def judge(scene: Scene, report: dict[str, Any]) -> None:
    """Put the bake-off's winner to the gates, and follow what they say."""
    health = scene.health
    signal, inputs = health.alarmed_by, _inputs(scene, health, report)
    judge_name = "gates@2" if "subject" in inputs else "gates@1"
    scene.follow_step(judge_name, inputs, at_row=scene.at_row, note=str(report["chosen"]))
    turned_away = scene.health.place == DEGRADED
    if turned_away and signal not in (Signal.LOSS, Signal.METRIC, Signal.CONDITION):
        scene.follow("unbeaten@1", inputs)


def _inputs(scene: Scene, health: ModelHealth, report: dict[str, Any]) -> dict[str, Any]:
    """Give what the gates ask for: what a report tells of the whole, and of segments where the policy declares some."""
    kept = {name: report[name] for name in ("rows", "holdout", "champion", "entrants", "skipped", "chosen")}
    inputs = {"report": kept, "at_row": scene.at_row}
    if not health.policy.segments.splits:
        return inputs
    told = {"segments": report["segments"]} if "segments" in report else {}
    return {**inputs, "report": {**kept, **told}, "subject": _segment_of(scene, health)}


def _segment_of(scene: Scene, health: ModelHealth) -> str:
    """Name the segment that the incident is about; nothing where it is about the whole."""
    signal, subject = health.alarmed_by, health.alarmed_about
    if signal == Signal.SEGMENT:
        return subject
    if signal != Signal.SEGMENT_DRIFT:
        return ""
    return named_in(subject, (one.name for one in scene.watch.segments)) or subject


def _judge_restore(scene: Scene) -> None:
    """Judge a version that is to be restored by what it answered in shadow."""
    health = scene.health
    if health.place != VALIDATING or health.remediation is None:
        return
    version = health.remediation.version
    blocks = since(scene.watch, scene.watch.labelled_end - _usual_rows(scene, health))
    saved = lead(blocks, health.champion, version)
    if not saved:
        scene.step(c.AbandonRemedy(reason=Reason.GATES_FAILED, note=f"{version} has not scored of late"))
        return
    judge(scene, _report_of_restored(scene, version, blocks, saved))


def _report_of_restored(scene: Scene, version: str, blocks: list[LabelBlock], saved: Sequence[Block]) -> dict[str, Any]:
    """Tell of *version* what a bake-off would, by what it has *saved* in *blocks* and in the segments of them."""
    champion, named = scene.health.champion, [*enumerate(one.name for one in scene.watch.segments)]
    entry = {
        "name": version, "remedy": str(Remedy.RESTORE), "rows": [], "lead": saved,
        "calibration": 0.0, "churn": 0.0, "extreme": 0.0,
        **told_of([lead_in(blocks, champion, version, k) for k, _ in named]),
    }  # fmt: skip
    told = [{"name": name, "champion": cost_in(blocks, champion, k)} for k, name in named]
    return {
        "rows": sum(one[0] for one in saved), "holdout": [0, 0], "champion": cost(blocks, champion),
        "entrants": [entry], "skipped": {}, "chosen": version, **told_of(told),
    }  # fmt: skip


def _usual_rows(scene: Scene, health: ModelHealth) -> int:
    """Count the rows of a holdout where nothing changed lately."""
    return int(health.policy.bakeoff.holdout * scene.watch.reference_rows)
