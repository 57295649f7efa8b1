"""The facts of a model's life. A stored name is data: renaming a class does not change it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from statemachine.kinds import Event, event, volatile_field


@event("model_registered")
@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRegistered(Event):
    """A model came under watch, with its champion, schema and policy."""

    model: str
    owner: str
    purpose: str
    task: str
    metric: str
    outcomes: str
    template: str
    champion: str
    features_sha256: str
    reference_sha256: str
    reference_rows: int
    label_delay_rows: int
    seconds_per_row: float
    policy: dict[str, Any]
    seed: int = 0


@event("artifact_registered")
@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRegistered(Event):
    """The bytes of the first champion are kept, so that it can be served again and restored."""

    version: str
    manifest: str = volatile_field()


@event("policy_changed")
@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged(Event):
    """A new policy holds from the next remediation on."""

    policy: dict[str, Any]
    owner: str
    purpose: str


@event("signals_declared")
@dataclass(frozen=True, slots=True, kw_only=True)
class SignalsDeclared(Event):
    """These are the series that others measure for the model: what in, which way, how often, and who."""

    signals: list[dict[str, Any]]


@event("signal_silenced", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSilenced(Event):
    """No point of a declared signal came for as long as its declaration allows."""

    subject: str
    provider: str
    reason: str
    last_us: int  #: time of its newest point, or when it could have begun to be silent
    evidence: str


@event("signal_heard", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class SignalHeard(Event):
    """Points of a signal that was silent come again."""

    subject: str
    provider: str
    last_us: int
    evidence: str


@event("state_changed")
@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(Event):
    """The model moved. This alone changes state and phase."""

    source: str
    dest: str
    trigger: str
    reason: str
    note: str = ""


@event("alarm_raised", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised(Event):
    """One signal spoke against the champion; nothing is confirmed yet."""

    signal: str
    detector: str
    log_evidence: float  #: nats
    onset_row: int  #: first row that looks bad
    at_row: int
    subject: str = ""  #: feature, series or version that the alarm is about
    evidence: str = ""


@event("fault_noted", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultNoted(Event):
    """Single rows were faulty. They are kept apart, and speak against nothing."""

    subject: str  #: features that they are faulty in
    detector: str
    log_evidence: float  #: nats
    onset_row: int
    at_row: int
    rows: int  #: that are faulty
    evidence: str


@event("drift_noted", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class DriftNoted(Event):
    """Rows are other than the reference's, and no suspicion follows: labels tell what it costs, or one is open."""

    subject: str  #: features that drifted, the strongest evidence first; empty where only all of them together show it
    detector: str
    log_evidence: float  #: nats
    onset_row: int  #: first row that looks other
    at_row: int
    evidence: str


@event("loss_noted", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class LossNoted(Event):
    """What a version costs has moved anew while an incident is open; nothing moves by it."""

    subject: str  #: the version whose loss shows it best
    detector: str
    log_evidence: float  #: nats
    onset_row: int  #: first row that costs more, or less
    at_row: int
    before: float  #: mean loss a row since the last that was told, in units of loss
    after: float  #: mean loss a row since the onset
    evidence: str


@event("alarm_cleared", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCleared(Event):
    """Data after the alarm say that the trouble has passed."""

    signal: str
    log_evidence: float
    at_row: int
    evidence: str


@event("decline_confirmed", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineConfirmed(Event):
    """Data after the alarm say that the trouble stays."""

    signal: str
    log_evidence: float
    at_row: int
    evidence: str


@event("diagnosis_made", schema=2, decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisMade(Event):
    """The causes, ranked, with the share of the loss that each explains."""

    cause: str
    causes: list[dict[str, Any]]
    onset_row: int
    evidence: str
    at_row: int  #: one past the last row that was looked at; 0 where that was not told yet
    instead_of: str  #: the cause that was named within this incident before; empty at first


@event("recovery_shown", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryShown(Event):
    """The champion does well again without a remedy."""

    log_evidence: float
    at_row: int
    evidence: str


@event("challenge_queued")
@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeQueued(Event):
    """A cheap challenger is to be trained in the shadow."""

    job: str
    spec: str  #: evidence id of the job's specification
    at_row: int


@event("challenge_judged", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeJudged(Event):
    """Challengers met the champion on rows that neither had seen."""

    job: str
    finding: str  #: none, regret or improvement; after an alarm also open, confirmed or cleared
    log_evidence: float
    at_row: int
    evidence: str


@event("challenge_failed")
@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeFailed(Event):
    """A challenger could not be trained; nothing follows from that."""

    job: str
    failure: str


@event("challenges_kept")
@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengesKept(Event):
    """A suspicion of something else has passed: what challengers have shown of this champion counts on."""

    evidence: str  #: of their last round, which holds those before it


@event("remediation_started")
@dataclass(frozen=True, slots=True, kw_only=True)
class RemediationStarted(Event):
    """A remedy is under way. It counts against the budget."""

    number: int
    returns_to: str
    requested_by: str
    remedy: str = ""  #: empty: whatever the bake-off finds
    version: str = ""  #: the archived version to restore


@event("scope_proposed")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeProposed(Event):
    """Which rows, weights and remedies enter the bake-off."""

    job: str
    spec: str
    entrants: list[str]
    at_row: int


@event("approval_requested")
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """A person must agree before anything is trained."""

    job: str
    requested_by: str


@event("approval_given")
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalGiven(Event):
    """A person agreed."""

    job: str
    note: str


@event("approval_refused")
@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRefused(Event):
    """A person, or the clock, said no."""

    job: str
    note: str


@event("job_leased", volatile=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class JobLeased(Event):
    """A worker took the job. Its attempt number is the fencing token."""

    job: str
    attempt: int
    worker: str


@event("lease_expired", volatile=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseExpired(Event):
    """A worker fell silent; whatever it still sends is refused."""

    job: str
    attempt: int


@event("attempt_failed", volatile=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(Event):
    """A worker reported that it could not finish."""

    job: str
    attempt: int
    failure: str
    note: str


@event("candidate_trained")
@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateTrained(Event):
    """The bake-off has a winner, and its bytes are stored."""

    job: str
    remedy: str
    entrant: str
    semantic_sha256: str  #: of its predictions on probe rows: equal models, equal hash
    at_row: int
    version: str
    manifest: str = volatile_field()
    isolation: str = volatile_field()


@event("gates_judged", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class GatesJudged(Event):
    """Every gate with its value, bound, sample and verdict."""

    passed: bool
    chosen: str
    remedy: str
    gates: list[dict[str, Any]]
    evidence: str
    measured: list[dict[str, Any]] = field(default_factory=list, metadata={"volatile": True})  #: seconds and bytes


@event("route_intended")
@dataclass(frozen=True, slots=True, kw_only=True)
class RouteIntended(Event):
    """What routers are asked to serve, until it expires."""

    generation: int
    exposure_bp: int
    ttl_seconds: int
    salt: str
    at_row: int
    champion: str
    candidate: str
    shadows: list[str]  #: scored on every row without being served


@event("route_acknowledged")
@dataclass(frozen=True, slots=True, kw_only=True)
class RouteAcknowledged(Event):
    """A router says that it serves this generation."""

    generation: int
    exposure_bp: int
    router: str


@event("canary_judged", decision=True)
@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryJudged(Event):
    """The judge let the candidate climb, promoted it, or turned it back."""

    verdict: str
    reason: str
    exposure_bp: int
    lower: float
    upper: float
    sample: int
    at_row: int
    evidence: str


@event("promotion_confirmed")
@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionConfirmed(Event):
    """The candidate is the champion; the old one stays pinned."""

    at_row: int
    champion: str
    rollback_target: str
    evidence: str


@event("rolled_back")
@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack(Event):
    """The rollback target serves everything again."""

    reason: str
    version: str
    cooldown_until_us: int


@event("escalated")
@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated(Event):
    """People are asked to look, one rung up the ladder."""

    level: int
    reason: str
    note: str


@event("notified")
@dataclass(frozen=True, slots=True, kw_only=True)
class Notified(Event):
    """People were told again that a model waits for them."""

    reason: str
    note: str


@event("held")
@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Event):
    """A person, or an end of what the service may do alone, took the wheel."""

    reason: str
    note: str


@event("released")
@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Event):
    """The service may act again."""

    note: str


@event("frozen")
@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen(Event):
    """The kill switch was thrown."""

    note: str


@event("unfrozen")
@dataclass(frozen=True, slots=True, kw_only=True)
class Unfrozen(Event):
    """The kill switch was lifted; the model is held until a person releases it."""

    note: str


@event("erased")
@dataclass(frozen=True, slots=True, kw_only=True)
class Erased(Event):
    """The keys of some rows were destroyed: whose rows, or how old, was asked for. The rows keep their numbers."""

    erasure: str  #: id of the erasure, the same in every model that it touched
    scope: str  #: subject or age
    pseudonym: str  #: keyed hash of the subject, which only the vault can tell again; empty for an age
    rows: int
    labels: int
    versions: list[str]  #: versions whose bytes are kept and that were trained on some of these rows
    jobs: list[str]  #: work under way that was stopped, since it held some of these rows
    note: str


@event("legal_hold_placed")
@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldPlaced(Event):
    """Nothing of this model may be erased until the hold is lifted."""

    note: str


@event("legal_hold_lifted")
@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldLifted(Event):
    """What was kept by the hold may be erased again."""

    note: str
