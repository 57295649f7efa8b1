"""The words of the machine: states, phases, who is in charge, and why things happen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

EvidenceId = NewType("EvidenceId", str)

FULL_EXPOSURE_BP = 10_000  #: all units, in basis points


class State(StrEnum):
    """The public states. What is true in each, and how it is left, stands in `docs/states.md`."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    DEGRADED = "degraded"
    RETRAINING = "retraining"
    CANARY = "canary"
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


class Phase(StrEnum):
    """The step inside a state; empty where a state has no steps."""

    NONE = ""
    SCOPING = "scoping"
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    LEASED = "leased"
    VALIDATING = "validating"
    SHADOW = "shadow"
    RUNG = "rung"
    PROMOTING = "promoting"
    ABORTING = "aborting"


class Automation(StrEnum):
    """Who is in charge of a model."""

    AUTO = "auto"  #: the service acts
    HELD = "held"  #: a person decides; the service only makes things safe
    FROZEN = "frozen"  #: the kill switch: the champion serves everything, nothing moves forward


class Remedy(StrEnum):
    """What a candidate changes, from the lightest to the heaviest."""

    NOTHING = "nothing"
    RECALIBRATE = "recalibrate"
    REWEIGHT = "reweight"
    RESTORE = "restore"
    REFIT = "refit"


class Signal(StrEnum):
    """What spoke against a champion."""

    LOSS = "loss"  #: its loss rose above its own baseline
    SEGMENT = "segment"  #: its loss rose in a segment that the policy declares
    REGRET = "regret"  #: a challenger of the same training size does better on untouched rows
    PINNED = "pinned"  #: the version it replaced does better on the same rows
    QUALITY = "quality"  #: the data themselves are broken
    DRIFT = "drift"  #: the features moved and no label tells what that costs
    SHAPE = "shape"  #: one feature is spread otherwise, in a way that nobody has a name for
    SEGMENT_DRIFT = "segment_drift"  #: they moved in a segment that the policy declares
    METRIC = "metric"  #: an external series left its tolerance
    SILENCE = "silence"  #: rows or labels stopped coming
    CONDITION = "condition"  #: a condition of the policy holds


class Reason(StrEnum):
    """Why a state changed, in one word that machines can count."""

    REGISTERED = "REGISTERED"
    ALARM = "ALARM"
    NO_DATA = "NO_DATA"
    LABELS_STALE = "LABELS_STALE"
    SIGNAL_SILENT = "SIGNAL_SILENT"
    BLIP = "BLIP"
    ACCEPTED = "ACCEPTED"
    CONFIRMED = "CONFIRMED"
    UNRESOLVED = "UNRESOLVED"
    RECOVERED = "RECOVERED"
    REMEDY = "REMEDY"
    IMPROVEMENT = "IMPROVEMENT"
    REQUESTED = "REQUESTED"
    APPROVAL_NEEDED = "APPROVAL_NEEDED"
    SCOPED = "SCOPED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    NOBODY_ANSWERED = "NOBODY_ANSWERED"
    LEASED = "LEASED"
    LEASE_LOST = "LEASE_LOST"
    TRAINED = "TRAINED"
    NOTHING_TO_TRAIN = "NOTHING_TO_TRAIN"
    NO_WORKER = "NO_WORKER"
    TRAIN_FAILED = "TRAIN_FAILED"
    OVERDUE = "OVERDUE"
    GATES_PASSED = "GATES_PASSED"
    GATES_FAILED = "GATES_FAILED"
    SHADOW_CLEAR = "SHADOW_CLEAR"
    HARM_BOUNDED = "HARM_BOUNDED"
    NON_INFERIOR = "NON_INFERIOR"
    PROMOTION_HELD = "PROMOTION_HELD"
    HARM = "HARM"
    NO_TRAFFIC = "NO_TRAFFIC"
    ROUTER_SILENT = "ROUTER_SILENT"
    INCONCLUSIVE = "INCONCLUSIVE"
    OVERTAKEN = "OVERTAKEN"
    NOT_BETTER = "NOT_BETTER"
    OPERATOR = "OPERATOR"
    ROUTE_BACK = "ROUTE_BACK"
    ROUTE_EXPIRED = "ROUTE_EXPIRED"
    STILL_ILL = "STILL_ILL"
    WELL_AGAIN = "WELL_AGAIN"
    FALLBACK = "FALLBACK"
    RETIRED = "RETIRED"
    ROWS_ERASED = "ROWS_ERASED"


#: For which a candidate is turned back and not to blame: it has not failed, and nothing pauses.
BLAMELESS = frozenset({Reason.OVERTAKEN})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a model stands: its state and the phase inside it."""

    state: State
    phase: Phase = Phase.NONE

    def __str__(self) -> str:
        """Write `state` or `state.phase`, the name that the table and the log use."""
        return f"{self.state}.{self.phase}" if self.phase else str(self.state)

    @classmethod
    def named(cls, name: str) -> Place:
        """Read back what `str` wrote."""
        return _PLACES.get(name) or cls._read(name)

    @classmethod
    def _read(cls, name: str) -> Place:
        state, _, phase = name.partition(".")
        return cls(State(state), Phase(phase))


HEALTHY = Place(State.HEALTHY)
SUSPECT = Place(State.SUSPECT)
DEGRADED = Place(State.DEGRADED)
SCOPING = Place(State.RETRAINING, Phase.SCOPING)
AWAITING_APPROVAL = Place(State.RETRAINING, Phase.AWAITING_APPROVAL)
QUEUED = Place(State.RETRAINING, Phase.QUEUED)
LEASED = Place(State.RETRAINING, Phase.LEASED)
VALIDATING = Place(State.RETRAINING, Phase.VALIDATING)
SHADOW = Place(State.CANARY, Phase.SHADOW)
RUNG = Place(State.CANARY, Phase.RUNG)
PROMOTING = Place(State.CANARY, Phase.PROMOTING)
ABORTING = Place(State.CANARY, Phase.ABORTING)
ROLLED_BACK = Place(State.ROLLED_BACK)
RETIRED = Place(State.RETIRED)

RETRAINING = (SCOPING, AWAITING_APPROVAL, QUEUED, LEASED, VALIDATING)
CANARY = (SHADOW, RUNG, PROMOTING)
LIVING = (HEALTHY, SUSPECT, DEGRADED, *RETRAINING, *CANARY, ABORTING, ROLLED_BACK)
PLACES = (*LIVING, RETIRED)
_PLACES = {str(place): place for place in PLACES}
