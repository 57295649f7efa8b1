"""The pure machine on a stage: each line is one command, and the clock moves only as the lines say."""

from __future__ import annotations

import json
from collections.abc import Callable

from statemachine import commands as c
from statemachine import timers
from statemachine.decide import decide
from statemachine.errors import Refused
from statemachine.events import ModelRegistered, StateChanged
from statemachine.evolve import evolve
from statemachine.externals import ExternalSignal
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.policies.policy import Policy
from statemachine.replay import projection, replay
from tests.scenarios import telling
from tests.scenarios.lines import Line

EVIDENCE = "e" * 64
REFERENCE_ROWS, MINUTE = 1_000, 60.0
ROWS_A_LINE = 100


class MachineStage:
    """One model, told what to do line by line."""

    def __init__(self) -> None:
        self.health, self.now_us, self.row = ModelHealth(), 0, REFERENCE_ROWS
        self.history: list[tuple[Event, int]] = []

    def play(self, line: Line) -> list[str]:
        """Carry out *line*, and tell what followed: facts and the state, or the refusal."""
        self.now_us += line.later_us
        self.row += ROWS_A_LINE
        if line.verb == "timer":
            self._let_time_pass(line)
        try:
            facts = decide(self.health, VERBS[line.verb](self, line), self.now_us)
        except Refused as refusal:
            return [f"refused: {refusal}"]
        for each in facts:
            self.health = evolve(self.health, each, self.now_us)
            self.history.append((each, self.now_us))
        told = [telling.fact(each) for each in facts] or ["nothing follows"]
        return [*told, f"= {telling.state(self.health, self.now_us)}"]

    def moves(self) -> set[tuple[str, str, str]]:
        """Give the moves that were made: source, trigger, destination."""
        return {(one.source, one.trigger, one.dest) for one, _ in self.history if isinstance(one, StateChanged)}

    def replays(self) -> bool:
        """Say whether folding the history again gives the same bytes."""
        return projection(replay(self.history)) == projection(self.health)

    def _let_time_pass(self, line: Line) -> None:
        live = timers.live(self.health)
        if live is not None and not line.words:
            self.now_us = max(self.now_us, live.due_us)


Verb = Callable[[MachineStage, Line], c.Command]


def _register(_: MachineStage, line: Line) -> c.Command:
    policy = Policy.from_json(json.loads(line.get("policy", "{}"))).to_json()
    return c.Register(
        registration=ModelRegistered(
            model="m", owner="risk", purpose="", task="binary", metric="accuracy",
            outcomes=line.get("outcomes", "exogenous"), template="hgb-60", champion="v1", features_sha256="f",
            reference_sha256="r", reference_rows=REFERENCE_ROWS, label_delay_rows=10, seconds_per_row=MINUTE,
            policy=policy,
        )
    )  # fmt: skip


def _alarm(stage: MachineStage, line: Line) -> c.Command:
    return c.RaiseAlarm(
        signal=line.word("loss"), detector="d", log_evidence=9.0, onset_row=line.number("onset", stage.row - 50),
        at_row=stage.row, evidence=EVIDENCE, subject=line.get("of"),
    )  # fmt: skip


def _diagnose(stage: MachineStage, line: Line) -> c.Command:
    share = float(line.get("share", "0.9"))
    causes = [{"kind": line.word(), "share": share}]
    return c.RecordDiagnosis(
        cause=line.word(),
        causes=causes,
        onset_row=stage.row - 60,
        evidence=EVIDENCE,
        at_row=stage.row,
        instead_of=stage.health.cause,
    )


def _retrain(_: MachineStage, line: Line) -> c.Command:
    by = line.get("by", "service")
    reason = line.get("reason", "REMEDY" if by == "service" else "REQUESTED")
    return c.StartRetraining(requested_by=by, reason=reason, remedy=line.word())


def _job(stage: MachineStage) -> tuple[str, int]:
    remedy = stage.health.remediation
    return (remedy.job, remedy.attempt) if remedy else ("m-1", 1)


def _job_named(stage: MachineStage, line: Line) -> str:
    return line.get("job", _job(stage)[0])


def _attempt(stage: MachineStage, line: Line) -> int:
    return line.number("attempt", _job(stage)[1])


def _submit(stage: MachineStage, line: Line) -> c.Command:
    return c.SubmitCandidate(
        job=_job_named(stage, line), attempt=_attempt(stage, line), manifest="h", remedy=line.get("remedy", "refit"),
        entrant=line.word("recent"), semantic_sha256="s", isolation="sealed", at_row=stage.row,
    )  # fmt: skip


def _gates(stage: MachineStage, line: Line) -> c.Command:
    passed = line.word() == "pass"
    names = Policy().gates.mandatory
    missing = line.get("without")
    verdicts = [{"name": name, "verdict": "pass" if passed else "fail"} for name in names if name != missing]
    return c.JudgeGates(
        passed=passed, chosen=line.get("chosen", "recent" if passed else "nothing"), remedy="refit", gates=verdicts,
        evidence=EVIDENCE, at_row=stage.row,
    )  # fmt: skip


def _challenge(stage: MachineStage, line: Line) -> str:
    return line.get("job", stage.health.challenge)


def _judge(stage: MachineStage, line: Line) -> c.Command:
    exposures = {"promote": 10_000, "confirm": 10_000, "abort": 0}
    return c.JudgeCanary(
        verdict=line.word(), reason=line.get("reason", "HARM" if line.word() == "abort" else line.word().upper()),
        exposure_bp=line.number("to", exposures.get(line.word(), 0)), lower=0.0, upper=0.0, sample=500,
        at_row=stage.row, evidence=EVIDENCE,
    )  # fmt: skip


def _timer(stage: MachineStage, line: Line) -> c.Command:
    live = timers.live(stage.health)
    name, visit = (live.name, live.visit) if live else ("none", 0)
    return c.FireTimer(
        name=name, visit=visit - (line.word() == "stale"), at_row=line.number("row", stage.row), note=line.get("of"),
        evidence=EVIDENCE,
    )  # fmt: skip


VERBS: dict[str, Verb] = {
    "register": _register,
    "keep": lambda _, line: c.RegisterArtifact(version=line.word("v1"), manifest="h"),
    "erase": lambda _, line: c.Erase(
        erasure="e-1", scope="subject", pseudonym="p", rows=3, labels=2, versions=[*line.words], jobs=[], note=""
    ),
    "policy": lambda _, line: c.ChangePolicy(
        policy=json.loads(line.word("{}")), owner=line.get("owner", "risk"), purpose=""
    ),
    "signals": lambda _, line: c.DeclareSignals(
        signals=[ExternalSignal(**one).told() for one in json.loads(line.word())]
    ),
    "silent": lambda stage, line: c.NoteSilence(
        subject=line.word(), provider="p", reason="SIGNAL_SILENT", last_us=stage.now_us, evidence=EVIDENCE
    ),
    "heard": lambda stage, line: c.NoteReturn(
        subject=line.word(), provider="p", last_us=stage.now_us, evidence=EVIDENCE
    ),
    "alarm": _alarm,
    "drift": lambda stage, line: c.NoteDrift(
        subject=line.word(),
        detector="d",
        log_evidence=9.0,
        onset_row=stage.row - 50,
        at_row=stage.row,
        evidence=EVIDENCE,
    ),
    "moved": lambda stage, line: c.NoteLoss(
        subject=line.word("v1"),
        detector="d",
        log_evidence=9.0,
        onset_row=stage.row - 50,
        at_row=stage.row,
        before=0.3,
        after=0.6,
        evidence=EVIDENCE,
    ),
    "clear": lambda stage, line: c.ClearAlarm(
        signal=line.word("loss"), log_evidence=4.0, at_row=stage.row, evidence=EVIDENCE
    ),
    "confirm": lambda stage, line: c.ConfirmDecline(
        signal=line.word("loss"), log_evidence=9.0, at_row=stage.row, evidence=EVIDENCE
    ),
    "diagnose": _diagnose,
    "recover": lambda stage, _: c.ShowRecovery(log_evidence=4.0, at_row=stage.row, evidence=EVIDENCE),
    "challenge": lambda stage, _: c.QueueChallenge(job=_next_job(stage), spec="s", at_row=stage.row),
    "challenge_judged": lambda stage, line: c.JudgeChallenge(
        job=_challenge(stage, line), finding=line.word(), log_evidence=3.0, at_row=stage.row, evidence=EVIDENCE
    ),
    "challenge_lost": lambda stage, line: c.AbandonChallenge(job=_challenge(stage, line), failure="CRASHED"),
    "retrain": _retrain,
    "scope": lambda stage, line: c.ProposeScope(
        job=_next_job(stage), spec="s", entrants=["nothing", *line.words], at_row=stage.row
    ),
    "give_up": lambda _, line: c.AbandonRemedy(reason=line.word("NOTHING_TO_TRAIN"), note=""),
    "approve": lambda _, line: c.Approve(actor=line.get("by", "bob"), note=""),
    "reject": lambda _, line: c.Reject(actor=line.get("by", "bob"), note=""),
    "lease": lambda stage, line: c.LeaseJob(job=_job_named(stage, line), worker=line.word("w1")),
    "expire": lambda stage, line: c.ExpireLease(job=_job_named(stage, line), attempt=_attempt(stage, line)),
    "fail": lambda stage, line: c.FailAttempt(
        job=_job_named(stage, line), attempt=_attempt(stage, line), failure=line.word("CRASHED"), note=""
    ),
    "submit": _submit,
    "gates": _gates,
    "ack": lambda stage, line: c.AcknowledgeRoute(
        generation=line.number("generation", stage.health.route.generation), router="r1", at_row=stage.row
    ),
    "judge": _judge,
    "timer": _timer,
    "hold": lambda _, __: c.Hold(note=""),
    "release": lambda _, __: c.Release(note=""),
    "freeze": lambda stage, _: c.Freeze(note="", at_row=stage.row),
    "unfreeze": lambda _, __: c.Unfreeze(note=""),
    "abort": lambda stage, _: c.Abort(note="", at_row=stage.row),
    "roll_back": lambda stage, _: c.RollBack(note="", at_row=stage.row),
    "retire": lambda _, __: c.Retire(note=""),
}


def _next_job(stage: MachineStage) -> str:
    return f"m-{stage.health.jobs_opened + 1}"
