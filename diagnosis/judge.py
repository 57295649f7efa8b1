"""Says why the loss rose: ranked causes with the share of the rise that each explains, or that it is unknown.

First it asks which cause has left its pattern: what has changed, and what has not (`diagnosis/patterns.py`). Where none
fits, for several things have happened, the rise is cut into parts (`diagnosis/parts.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from diagnosis.answer import Attribution, BoundedCause, onset_of
from diagnosis.causes import Part, Rise, bad_data, named, served_otherwise, suspected
from diagnosis.inputs import Feature, Table
from diagnosis.noise import ALL
from diagnosis.parts import changed_truth, moved_feature, moved_inputs, moved_labels
from diagnosis.patterns import Look, Pattern
from diagnosis.relations import Relations
from diagnosis.segments import Local, local
from diagnosis.thresholds import Thresholds

ROW = "@row"  #: the name under which rows that came again are reported
WIDE = 1.96  #: standard errors to both sides, so that an interval holds the share 19 times in 20
HALF = 0.5  #: share of the rise that rows which come more often must explain, so that no fault is sought in them
FEW = 0.05  #: share of a window's rows, below which a fault does not stand for all that a feature shows
SURE = 5.0  #: standard errors of the rise from which on it is as clear as can be


def judge(inputs: dict[str, Any], policy: Thresholds, most_noise: float = ALL) -> Attribution[BoundedCause]:
    """Explain the loss since the onset; labels of which more than *most_noise* are noise count as another truth.

    *inputs* holds `layout` (per feature `name`, `start`, `slots`), `reference` and `current` (loss tables: `rows`,
    `loss`, `squares`; `current` since `onset_row`), `relations` (see `Relations.from_json`), `quality` and `drift`
    (findings, may be empty) and `onset_row`, and may hold `serving`: of rows whose output was computed again,
    `compared`, `differing` and, where labelled, `labelled` and `excess_loss`: fixed-point, recorded outputs' losses
    less those of the outputs computed again. It may hold `segments`, as `diagnosis.segments.local` reads them.
    """
    fresh = _fresh(inputs["quality"])
    case = _case(inputs, policy, fresh)
    alone = _alone(inputs, case)
    if not case.clear:  # A cause that is seen comes before "unknown" even while its cost is not known.
        seen = case.seen([] if alone else inputs["drift"])
        causes = (*seen, *(case.of_segment(alone) if alone else [_unknown(1.0)]))
        return _attribution(inputs, case.rise, causes, min(1.0, alone.errors / SURE) if alone else 0.0)
    causes = case.explained(Look(Relations.from_json(inputs["relations"]).thinned(fresh), most_noise))
    if causes[0].kind == "unknown":
        causes = (*case.seen([]), *(case.of_segment(alone) if alone else causes))
    elif alone:
        causes = (*causes, *case.rivals([alone.part]))
    clarity = min(1.0, case.rise.amount / (SURE * case.rise.error)) if case.rise.error > 0 else 1.0
    return _attribution(inputs, case.rise, causes, clarity)


def _alone(inputs: dict[str, Any], case: _Case) -> Local | None:
    """Return the declared segment that rose alone; rows that came twice count as often as they did."""
    before, after = (_whole(table.cut(case.rise.features[0])) for table in (case.rise.before, case.rise.after))
    return local(inputs.get("segments", ()), (before, after), case.policy)


def _whole(table: Table) -> tuple[int, int, int]:
    return table.total, int(table.loss.sum()), int(table.squares.sum())


def _case(inputs: dict[str, Any], policy: Thresholds, fresh: float) -> _Case:
    features = [Feature(each["name"], each["start"], each["slots"]) for each in inputs["layout"]]
    known = {feature.name for feature in features}
    return _Case(
        rise=Rise(features, Table.from_json(inputs["reference"]), Table.from_json(inputs["current"]).thinned(fresh)),
        findings=[each for each in inputs["quality"] if each["feature"] in known],
        beyond=[each for each in inputs["quality"] if each["feature"] not in known],
        serving=served_otherwise(inputs.get("serving")),
        policy=policy,
    )


def _fresh(findings: list[dict[str, Any]]) -> float:
    """Return the share of the rows since that came for the first time: one that comes again says nothing new."""
    return 1 - max((float(each["share"]) for each in findings if each["feature"] == ROW), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A rise of the loss, and the faults of the data that were found meanwhile."""

    rise: Rise
    findings: list[dict[str, Any]]  #: about features
    beyond: list[dict[str, Any]]  #: about whole rows: no table tells what they cost
    serving: list[Part]
    policy: Thresholds

    @property
    def clear(self) -> bool:
        enough = self.rise.labelled >= self.policy.least_labels
        return enough and self.rise.amount > self.policy.errors * self.rise.error

    def seen(self, drift: list[dict[str, Any]]) -> tuple[BoundedCause, ...]:
        parts = [*self.serving, *suspected([*self.beyond, *self.findings], drift)]
        return tuple(_unpriced(part) for part in parts)

    def explained(self, look: Look) -> tuple[BoundedCause, ...]:
        if look.all <= 1 and not self.findings and not self.serving:
            # Nothing that the loss follows from has changed: it may have risen by chance. What fits best is a rival.
            return (_unknown(1.0), *self.rivals([self._of_pattern(one, look) for one in look.patterns()]))
        patterns = () if self.serving or look.all <= 1 else look.patterns()
        if patterns:
            first, *rivals = (self._of_pattern(one, look) for one in patterns)
            return self._with_rivals(self._cause(first), [*rivals, *self._moved(look)])
        return self._ranked([self._cause(part) for part in self._parts(look)])

    def of_segment(self, alone: Local) -> tuple[BoundedCause, ...]:
        """Give what rose alone the share of the rise that it has, which chance in all other rows may well hide."""
        whole = max(self.rise.amount, alone.part.amount)
        half = WIDE * alone.part.error / whole
        share = alone.part.amount / whole
        first = replace(
            _unpriced(alone.part), share=round(share, 6), low=round(max(share - half, 0.0), 6),
            high=round(min(share + half, 1.0), 6),
        )  # fmt: skip
        rest = 1 - first.share
        return (first, _unknown(rest)) if rest >= self.policy.least_share else (first,)

    def _of_pattern(self, pattern: Pattern, look: Look) -> Part:
        """Give a pattern the whole rise: all that its cause cannot change is as it was."""
        part = Part(
            kind=pattern.kind, amount=self.rise.amount, error=self.rise.error, features=pattern.features,
            note=pattern.note,
        )  # fmt: skip
        if pattern.kind == "concept_change":
            return replace(changed_truth(self.rise, self.rise.amount, look), note=pattern.note)
        if pattern.kind == "covariate_drift":
            return replace(part, features=moved_inputs(self.rise, self._spoilt(), look).features or part.features)
        return self._of_feature(part, look) if pattern.kind == "upstream_change" else part

    def _of_feature(self, part: Part, look: Look) -> Part:
        """Say what has happened to features alone: a fault that was found, rows that come more often, or neither."""
        faults = [each for each in self.findings if each["feature"] in part.features and _many(each)]
        if faults:
            kinds = sorted({named(each) for each in faults})
            evidence = max(float(each["log_evidence"]) for each in faults)
            return replace(part, kind="data_quality", note=", ".join(kinds), log_evidence=evidence)
        for feature in (each for each in self.rise.features if each.name in part.features and look.drawn(each.name)):
            amount, error = moved_feature(self.rise, feature)
            if amount > max(HALF * self.rise.amount, error):
                return replace(part, kind="covariate_drift", features=(feature.name,))
        return part

    def _parts(self, look: Look) -> list[Part]:
        """Give each cause what those before it left: faults, then the better of inputs and labels, then the truth."""
        left, parts = self.rise.amount, list[Part]()
        fault = bad_data(self.rise, self.findings)
        for each in [*self.serving, *([fault] if fault else [])]:
            parts.append(replace(each, amount=min(max(each.amount, 0.0), left)))
            left -= parts[-1].amount
        for each in self._moved(look):
            parts.append(replace(each, amount=min(each.amount, left)))
            left -= parts[-1].amount
        concept = changed_truth(self.rise, left, look)
        return [*parts, concept] if look.all > 1 and self._stands(concept) else parts

    def _moved(self, look: Look) -> list[Part]:
        """Return what moved inputs and moved labels would do by their shares alone, the larger first."""
        both = [moved_inputs(self.rise, self._spoilt(), look), moved_labels(self.rise, look)]
        return sorted(filter(self._stands, both), key=lambda part: (-part.amount, part.kind))

    def _spoilt(self) -> set[str]:
        return {each["feature"] for each in self.findings if _many(each)}

    def _stands(self, part: Part) -> bool:
        return part.amount > self.policy.errors * part.error and part.amount > 0

    def _cause(self, part: Part) -> BoundedCause:
        """Give a part its share, with an interval from the errors of the part and of the whole rise."""
        share = min(1.0, max(0.0, part.amount / self.rise.amount))
        half = WIDE * (part.error**2 + (share * self.rise.error) ** 2) ** 0.5 / self.rise.amount
        return BoundedCause(
            kind=part.kind, share=round(share, 6), low=round(max(share - half, 0.0), 6),
            high=round(min(share + half, 1.0), 6), effect=round(part.amount, 6), features=part.features,
            log_evidence=part.log_evidence, note=part.note,
        )  # fmt: skip

    def _ranked(self, causes: list[BoundedCause]) -> tuple[BoundedCause, ...]:
        listed = [each for each in causes if each.share >= self.policy.least_share]
        rest = 1 - sum(each.share for each in listed)
        if rest >= self.policy.least_share or not listed:
            listed.append(_unknown(rest))
        return tuple(sorted(listed, key=lambda each: -each.share))

    def _with_rivals(self, first: BoundedCause, rivals: list[Part]) -> tuple[BoundedCause, ...]:
        """Put rivals behind the first cause: what else would explain the rise, or some of it, in place of the first."""
        listed = self.rivals([each for each in rivals if each.kind != first.kind])
        whole = any(each.high >= first.high for each in listed)
        return (replace(first, low=0.0) if whole else first, *listed)

    def rivals(self, rivals: list[Part]) -> tuple[BoundedCause, ...]:
        """Give each kind of rival once, the first of a kind, with no share of its own."""
        by_kind = {each.kind: replace(self._cause(each), share=0.0, low=0.0, effect=0.0) for each in reversed(rivals)}
        return tuple(by_kind[each] for each in dict.fromkeys(one.kind for one in rivals))


def _attribution(
    inputs: dict[str, Any], rise: Rise, causes: tuple[BoundedCause, ...], clarity: float
) -> Attribution[BoundedCause]:
    first = causes[0]
    rival = any(each.share == 0 and each.high >= first.high for each in causes[1:])
    confidence = first.share * clarity / (2 if rival else 1) if first.kind != "unknown" else 0.0
    return Attribution(
        causes=causes, onset_row=onset_of(inputs, first), confidence=round(confidence, 6), rise=round(rise.amount, 6),
        error=round(rise.error, 6), labelled=rise.labelled,
    )  # fmt: skip


def _many(finding: dict[str, Any]) -> bool:
    """Say whether a fault has spoilt so many rows that what else is seen of its feature may be the fault."""
    return float(finding.get("share", 1.0)) >= FEW


def _unpriced(part: Part) -> BoundedCause:
    return BoundedCause(
        kind=part.kind, share=0.0, low=0.0, high=0.0, effect=round(part.amount, 6), features=part.features,
        log_evidence=part.log_evidence, note=part.note,
    )  # fmt: skip


def _unknown(share: float) -> BoundedCause:
    return BoundedCause(
        kind="unknown", share=round(share, 6), low=0.0, high=1.0, effect=0.0, log_evidence=0.0, features=(), note=""
    )
