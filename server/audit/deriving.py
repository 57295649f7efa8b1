"""A decision made again: the judge that the evidence names, on that evidence, under the policy of that time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from server.history.folding import Step
from server.judges.rulings import Ruling
from server.judges.table import UnknownJudge, rederive
from statemachine.policies.policy import Policy
from statemachine.record.canonical import canonical
from statemachine.record.envelope import RecordedEvent
from store.errors import EvidenceAltered, EvidenceErased, EvidenceMissing
from store.ports import Reader

#: Fields of events that name evidence by its hash.
NAMED = ("evidence", "spec", "features_sha256", "reference_sha256")
ABSENT = ""  #: where one of two values has no such field


class Status(StrEnum):
    """How a derivation ended."""

    EQUAL = "equal"
    DIFFERS = "differs"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_ALTERED = "evidence_altered"
    EVIDENCE_ERASED = "evidence_erased"
    JUDGE_UNKNOWN = "judge_unknown"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that came out otherwise; both values as canonical JSON, `ABSENT` where there is none."""

    path: str
    recorded: str
    derived: str

    def __str__(self) -> str:
        """Tell it in a few words."""
        return f"{self.path}: recorded {self.recorded or 'nothing'}, derived {self.derived or 'nothing'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """A decision beside what its evidence gives today."""

    recorded: RecordedEvent
    judge: str
    evidence: str
    inputs: dict[str, Any]
    policy: Policy  #: that was in force
    verdict: dict[str, Any]
    rederived: dict[str, Any]
    status: Status
    failure: str = ""
    differences: tuple[Difference, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether the bits agree."""
        return self.status is Status.EQUAL

    @property
    def told(self) -> str:
        """The outcome in a sentence."""
        if self.equal:
            return "the bits agree"
        return self.failure or f"the verdict differs: {'; '.join(str(one) for one in self.differences)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Again:
    """What a judge says now, or why it cannot."""

    judge: str = ""
    inputs: dict[str, Any]
    verdict: dict[str, Any]
    status: Status = Status.DIFFERS
    failure: str = ""


def derive(reader: Reader, step: Step) -> Derivation:
    """Run the judge behind *step* again, and compare what it says with what is on record, bit for bit."""
    recorded = step.recorded
    stored = orjson.loads(recorded.payload or b"{}")  # as it was written: a judge speaks the form of its own time
    evidence = str(stored.pop("evidence", ""))
    steady = {name: value for name, value in stored.items() if name not in recorded.volatile_fields}
    verdict = {"event": recorded.type, **steady}
    again = _judge_again(reader, evidence, step.before.policy)
    same = again.failure or canonical(verdict) == canonical(again.verdict)
    found = () if same else tuple(differences(verdict, again.verdict))
    return Derivation(
        recorded=recorded, judge=again.judge, evidence=evidence, inputs=again.inputs,
        policy=step.before.policy, verdict=verdict, rederived=again.verdict,
        status=Status.EQUAL if not found and not again.failure else again.status,
        failure=again.failure, differences=found,
    )  # fmt: skip


def _judge_again(reader: Reader, evidence: str, policy: Policy) -> _Again:
    judge, inputs = "", {}
    try:
        body = reader.evidence(evidence)
        told = orjson.loads(body)
        judge, inputs = told["judge"], told["inputs"]
        ruling = rederive(body, policy, reader.evidence)
        verdict = _plain(ruling)
    except (EvidenceMissing, EvidenceErased, EvidenceAltered, UnknownJudge) as error:
        status = _STATUS[type(error)]
        return _Again(judge=judge, inputs=inputs, verdict={}, status=status, failure=str(error))
    # The evidence has its hash, so these can only come of a judge that is not what it was.
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        failure = f"{judge or 'no judge'} cannot judge it: {type(error).__name__}: {error}"
        return _Again(judge=judge, inputs=inputs, verdict={}, failure=failure)
    return _Again(judge=judge, inputs=inputs, verdict=verdict)


def evidence_fault(reader: Reader, step: Step, name: str) -> str:
    """Say what is wrong with the evidence that a field of an event names; what was erased is not wrong."""
    sha256: str = getattr(step.fact, name, "")
    if not sha256:
        return ""
    try:
        reader.evidence(sha256)
    except EvidenceErased:
        return ""
    except (EvidenceMissing, EvidenceAltered) as error:
        return f"{name}: {error}"
    return ""


def differences(recorded: object, derived: object, path: str = "") -> Iterator[Difference]:
    """Name each field of two JSON values that is not the same to the bit: 0.0 is neither 0 nor -0.0."""
    if isinstance(recorded, dict) and isinstance(derived, dict):
        for name in sorted(recorded.keys() | derived.keys()):
            yield from _compared(recorded, derived, name, f"{path}.{name}" if path else name)
    elif isinstance(recorded, list) and isinstance(derived, list):
        for i in range(max(len(recorded), len(derived))):
            left, right = dict(enumerate(recorded)), dict(enumerate(derived))
            yield from _compared(left, right, i, f"{path}[{i}]")
    elif canonical(recorded) != canonical(derived):
        yield Difference(path, canonical(recorded).decode(), canonical(derived).decode())


def _compared(left: dict[Any, Any], right: dict[Any, Any], key: object, path: str) -> Iterator[Difference]:
    if key in left and key in right:
        yield from differences(left[key], right[key], path)
    else:
        one, other = (canonical(side[key]).decode() if key in side else ABSENT for side in (left, right))
        yield Difference(path, one, other)


def _plain(ruling: Ruling | None) -> dict[str, Any]:
    if ruling is None:
        return {}
    plain: dict[str, Any] = orjson.loads(canonical({"event": ruling.event, **ruling.payload}))
    return plain


_STATUS: dict[type[Exception], Status] = {
    EvidenceMissing: Status.EVIDENCE_MISSING,
    EvidenceErased: Status.EVIDENCE_ERASED,
    EvidenceAltered: Status.EVIDENCE_ALTERED,
    UnknownJudge: Status.JUDGE_UNKNOWN,
}
