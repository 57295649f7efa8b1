"""The scene of a reaction: one model, inside one piece of work, at one point of its feed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from server.act import SERVICE, Caller
from server.desk import Desk
from server.judges.rulings import Inputs, Ruling
from server.judges.table import rule
from server.watching.watch import Watch
from statemachine import commands as c
from statemachine.errors import Refused
from statemachine.health import ModelHealth
from statemachine.kinds import Event
from statemachine.words import EvidenceId
from store.ports import Unit
from store.records import Evidence

COMMANDS: dict[str, Callable[..., c.Command]] = {
    "alarm_raised": c.RaiseAlarm,
    "fault_noted": c.NoteFault,
    "drift_noted": c.NoteDrift,
    "loss_noted": c.NoteLoss,
    "alarm_cleared": c.ClearAlarm,
    "decline_confirmed": c.ConfirmDecline,
    "diagnosis_made": c.RecordDiagnosis,
    "recovery_shown": c.ShowRecovery,
    "challenge_judged": c.JudgeChallenge,
    "canary_judged": c.JudgeCanary,
    "gates_judged": c.JudgeGates,
    "signal_silenced": c.NoteSilence,
    "signal_heard": c.NoteReturn,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a reaction may look at, and the door through which it acts."""

    desk: Desk
    unit: Unit
    model: str
    looked: Callable[[], Watch]
    watermark_us: int
    asked: bool = False  #: by a call that waits for the answer, and is told of a refusal
    end: int | None = None  #: one past the last row, where that is known without a look

    @classmethod
    def of(cls, desk: Desk, unit: Unit, model: str, *, asked: bool = False) -> Self:
        """Give the scene of *model* as it stands now; whether a call *asked* for what comes."""
        return cls(desk, unit, model, desk.looking(unit, model), unit.feed_head(model).watermark_us, asked=asked)

    @property
    def watch(self) -> Watch:
        """What the rows of the model add up to; whoever asks first may wait until all of them are read."""
        return self.looked()

    @property
    def health(self) -> ModelHealth:
        """The model as it stands now."""
        return self.desk.health(self.unit, self.model)

    @property
    def at_row(self) -> int:
        """One past the last row that was ingested."""
        return self.watch.tape.end if self.end is None else self.end

    def act(self, command: c.Command, caller: Caller = SERVICE) -> tuple[Event, ...]:
        """Apply *command*."""
        return self.desk.act(self.unit, self.model, command, self.watermark_us, caller)

    def attempt(self, command: c.Command) -> bool:
        """Apply *command* if the table and its guards allow it now; say whether they did."""
        try:
            self.act(command)
        except Refused:
            return False
        return True

    def step(self, command: c.Command) -> bool:
        """Apply the next step of a remedy. Who asked for it is told of a refusal; otherwise its timer gives it up.

        Raises:
            Refused: The command is not legal here, and a call asked for it.
        """
        if self.asked:
            self.act(command)
            return True
        return self.attempt(command)

    def rule(self, judge: str, inputs: Inputs) -> tuple[Ruling, EvidenceId] | None:
        """Ask *judge*; a ruling's evidence is kept before anything follows from it."""
        ruling, body = rule(judge, inputs, self.health.policy, self.unit.evidence)
        if ruling is None:
            return None
        evidence = Evidence(kind=judge, body=body)
        self.unit.put(evidence)
        return ruling, EvidenceId(evidence.sha256)

    def follow(self, judge: str, inputs: Inputs, **more: Any) -> Ruling | None:  # noqa: ANN401 - fields of a command
        """Ask *judge*, and apply what it calls for, if whoever is in charge lets the service act."""
        return self._apply(self.attempt, judge, inputs, more)

    def follow_step(self, judge: str, inputs: Inputs, **more: Any) -> Ruling | None:  # noqa: ANN401 - as above
        """Ask *judge* about the next step of a remedy, and take it."""
        return self._apply(self.step, judge, inputs, more)

    def _apply(
        self, do: Callable[[c.Command], bool], judge: str, inputs: Inputs, more: dict[str, Any]
    ) -> Ruling | None:
        found = self.rule(judge, inputs)
        if found is None:
            return None
        ruling, evidence = found
        done = do(COMMANDS[ruling.event](**ruling.payload, evidence=evidence, **more))
        return ruling if done else None
