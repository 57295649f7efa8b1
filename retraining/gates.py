"""Gates: what a candidate must pass, each with value, bound, sample and verdict. None is skipped in silence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from retraining.choice import NOTHING, choose
from statemachine.policies.policy import Policy

PASS, FAIL, INSUFFICIENT = "pass", "fail", "insufficient"
MOST_EXTREME = 0.5  #: share of probe answers beyond everything the labels ever showed


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One question put to a candidate, and its answer."""

    name: str
    value: float
    bound: float
    sample: int
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What all gates together say."""

    passed: bool
    chosen: str
    remedy: str
    gates: tuple[Gate, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the judgement as the fields of its event."""
        return {
            "passed": self.passed,
            "chosen": self.chosen,
            "remedy": self.remedy,
            "gates": [asdict(gate) for gate in self.gates],
        }


def judge(inputs: dict[str, Any], policy: Policy) -> Judgement:
    """Judge the bake-off's `report`: the choice is made again, and who is chosen must pass every mandatory gate."""
    report = inputs["report"]
    choice = choose(report, policy)
    entry = next((one for one in report["entrants"] if one["name"] == choice.name), None)
    gates = [
        _gate("holdout", choice.errors, policy.bakeoff.least_lead, choice.sample, at_least=True),
        _gate("gain", choice.gain, policy.bakeoff.least_gain, choice.sample, at_least=True),
        _sample(choice.sample, policy),
    ]
    if entry is not None:
        rows = int(report["rows"])
        gates += [
            _gate("sanity", float(entry["extreme"]), MOST_EXTREME, rows, at_least=False),
            _gate("calibration", float(entry["calibration"]), policy.gates.calibration, rows, at_least=False),
            _gate("churn", float(entry["churn"]), policy.gates.churn, rows, at_least=False),
        ]
    verdicts = {gate.name: gate.verdict for gate in gates}
    passed = choice.name != NOTHING and all(verdicts.get(name) == PASS for name in policy.gates.mandatory)
    return Judgement(passed=passed, chosen=choice.name, remedy=choice.remedy, gates=tuple(gates))


def _gate(name: str, value: float, bound: float, sample: int, *, at_least: bool) -> Gate:
    good = value >= bound if at_least else value <= bound
    return Gate(name=name, value=value, bound=bound, sample=sample, verdict=PASS if good else FAIL)


def _sample(sample: int, policy: Policy) -> Gate:
    least = policy.gates.least_sample
    return Gate(
        name="sample", value=float(sample), bound=float(least), sample=sample,
        verdict=PASS if sample >= least else INSUFFICIENT,
    )  # fmt: skip
