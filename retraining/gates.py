"""Gates: what a candidate must pass, each with value, bound, sample and verdict. None is skipped in silence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from retraining.choice import NOTHING, Choice, choose
from retraining.segments import SEGMENTS, Part, bound, parts
from statemachine.policies.policy import Policy

CURE = "cure"
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
    choice = choose(inputs["report"], policy)
    return _judgement(choice, _of_the_whole(inputs["report"], choice, policy), policy)


def judge_with_segments(inputs: dict[str, Any], policy: Policy) -> Judgement:
    """Judge the whole as `judge` does, and whoever is chosen by the segments that the policy declares as well.

    The `report` tells of each of them; `subject` is the one that the incident is about, and empty where it is about the
    whole.
    """
    report, choice = inputs["report"], choose(inputs["report"], policy)
    gates = _of_the_whole(report, choice, policy)
    if choice.name != NOTHING:
        found = parts(report, choice.name, policy)
        gates += [_segments(found, policy), _cure(found, str(inputs["subject"]), choice, policy)]
        gates += [_segment(one, bound(found, policy)) for one in found]
    return _judgement(choice, gates, policy)


def _of_the_whole(report: dict[str, Any], choice: Choice, policy: Policy) -> list[Gate]:
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
    return gates


def _judgement(choice: Choice, gates: list[Gate], policy: Policy) -> Judgement:
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


def _segments(found: list[Part], policy: Policy) -> Gate:
    """Ask that no segment is worse; those of too few rows say nothing, and where all are of too few nobody knows."""
    told = [one for one in found if one.told]
    if not told:
        return Gate(name=SEGMENTS, value=0.0, bound=0.0, sample=0, verdict=INSUFFICIENT)
    worst = max(told, key=lambda one: one.worse)
    return _gate(SEGMENTS, worst.worse, bound(found, policy), worst.rows, at_least=False)


def _segment(one: Part, most: float) -> Gate:
    name = f"{SEGMENTS}: {one.name}"
    if not one.told:
        return Gate(name=name, value=0.0, bound=most, sample=one.rows, verdict=INSUFFICIENT)
    return _gate(name, one.worse, most, one.rows, at_least=False)


def _cure(found: list[Part], subject: str, choice: Choice, policy: Policy) -> Gate:
    """Ask that what the incident is about is better: its segment, by the margins of the whole, or the whole."""
    least = policy.bakeoff.least_lead
    if not subject:
        return _gate(CURE, choice.errors, least, choice.sample, at_least=True)
    mine = next((one for one in found if one.name == subject), None)
    if mine is None or not mine.told:
        return Gate(name=CURE, value=0.0, bound=least, sample=mine.rows if mine else 0, verdict=INSUFFICIENT)
    better = mine.errors >= least and mine.gain >= policy.bakeoff.least_gain
    return Gate(name=CURE, value=mine.errors, bound=least, sample=mine.rows, verdict=PASS if better else FAIL)
