"""What a model can be told. Commands are requests: `decide` answers with facts or refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from statemachine.events import ModelRegistered


class Command:
    """A request to one model."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Register(Command):
    """Put a new model under watch."""

    registration: ModelRegistered


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterArtifact(Command):
    """Keep the bytes of the first champion."""

    version: str
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePolicy(Command):
    """Set a new policy, owner or purpose."""

    policy: dict[str, Any]
    owner: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclareSignals(Command):
    """Say which series others measure for the model; what is not named any more is withdrawn."""

    signals: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSilence(Command):
    """A declared signal has been silent for too long."""

    subject: str
    provider: str
    reason: str
    last_us: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteReturn(Command):
    """A silent signal is heard again."""

    subject: str
    provider: str
    last_us: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm(Command):
    """A detector fired."""

    signal: str
    detector: str
    log_evidence: float
    onset_row: int
    at_row: int
    evidence: str
    subject: str = ""
    escalate: bool = False  #: people are asked to look at once


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFault(Command):
    """Single rows are faulty, and no more than that."""

    subject: str
    detector: str
    log_evidence: float
    onset_row: int
    at_row: int
    rows: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteDrift(Command):
    """Rows are other than the reference's, and no suspicion is to follow."""

    subject: str
    detector: str
    log_evidence: float
    onset_row: int
    at_row: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteLoss(Command):
    """What a version costs has moved anew while an incident is open."""

    subject: str
    detector: str
    log_evidence: float
    onset_row: int
    at_row: int
    before: float
    after: float
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAlarm(Command):
    """Fresh data say that it was a blip, or a condition of the policy accepts it."""

    signal: str
    log_evidence: float
    at_row: int
    evidence: str
    accepted_by: str = ""  #: the name of that condition


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDecline(Command):
    """Fresh data say that it lasts."""

    signal: str
    log_evidence: float
    at_row: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDiagnosis(Command):
    """The causes are ranked; `instead_of` is the one that was named before, where rows since say another."""

    cause: str
    causes: list[dict[str, Any]]
    onset_row: int
    at_row: int
    evidence: str
    instead_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRecovery(Command):
    """The champion does well again."""

    log_evidence: float
    at_row: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueChallenge(Command):
    """Have a cheap challenger trained in the shadow."""

    job: str
    spec: str
    at_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeChallenge(Command):
    """Challengers met the champion."""

    job: str
    finding: str
    log_evidence: float
    at_row: int
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonChallenge(Command):
    """The challenger came to nothing, or too late."""

    job: str
    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRetraining(Command):
    """Look for a remedy."""

    requested_by: str
    reason: str
    remedy: str = ""
    version: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeScope(Command):
    """The bake-off's entrants are known."""

    job: str
    spec: str
    entrants: list[str]
    at_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonRemedy(Command):
    """No remedy can be scoped or judged; go back."""

    reason: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Command):
    """A person agrees to train."""

    actor: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Command):
    """A person refuses to train."""

    actor: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseJob(Command):
    """A worker takes the job."""

    job: str
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireLease(Command):
    """The worker of this attempt fell silent."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailAttempt(Command):
    """The worker of this attempt gave up."""

    job: str
    attempt: int
    failure: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitCandidate(Command):
    """The worker of this attempt has a winner, and its artefact is stored."""

    job: str
    attempt: int
    manifest: str
    remedy: str
    entrant: str
    semantic_sha256: str
    isolation: str
    at_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeGates(Command):
    """Every gate has spoken."""

    passed: bool
    chosen: str
    remedy: str
    gates: list[dict[str, Any]]
    evidence: str
    at_row: int
    measured: list[dict[str, Any]] = field(default_factory=list)
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgeRoute(Command):
    """A router says what it serves."""

    generation: int
    router: str
    at_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeCanary(Command):
    """The judge has a verdict: climb, promote, confirm or abort. *note* says what in the rows an abort is for."""

    verdict: str
    reason: str
    exposure_bp: int
    lower: float
    upper: float
    sample: int
    at_row: int
    evidence: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FireTimer(Command):
    """The live timer of a visit has run out."""

    name: str
    visit: int
    at_row: int  #: one past the last row that came; in a canary, the last that has a label
    note: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Command):
    """Let a person decide."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Command):
    """Let the service act again."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze(Command):
    """The kill switch: champion only, nothing moves forward."""

    note: str
    at_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreeze(Command):
    """Lift the kill switch."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort(Command):
    """Stop the remedy that is under way."""

    note: str
    at_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack(Command):
    """Serve the rollback target again."""

    note: str
    at_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase(Command):
    """Note that the keys of rows were destroyed."""

    erasure: str
    scope: str
    pseudonym: str
    rows: int
    labels: int
    versions: list[str]
    jobs: list[str]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceLegalHold(Command):
    """Let nothing of the model be erased."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftLegalHold(Command):
    """Let what is kept be erased again."""

    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire(Command):
    """End the watch."""

    note: str
    details: dict[str, Any] = field(default_factory=dict)
