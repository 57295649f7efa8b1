"""The parts into which a rise of the loss falls: bad data, moved inputs, moved labels, a changed concept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from diagnosis.inputs import UNIT, Feature, Table, means, moved
from diagnosis.mixture import explained_by_labels

Kind = Literal[
    "data_quality",
    "upstream_change",
    "covariate_drift",
    "label_shift",
    "concept_change",
    "segment",
    "label_quality",
    "serving",
    "unknown",
]
MOST_FEATURES = 3
OUTPUT = "@output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of the rise, in loss units, its standard error, and the features it shows in, strongest first."""

    kind: Kind
    amount: float
    error: float
    features: tuple[str, ...] = ()
    log_evidence: float = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Rise:
    """The rise of the mean loss since the onset, and the tables it is read from."""

    features: list[Feature]
    before: Table
    after: Table
    mean: float = field(init=False)
    amount: float = field(init=False)
    error: float = field(init=False)

    def __post_init__(self) -> None:
        """Work out the means from the first feature, in which each row stands once."""
        old, new = self.before.cut(self.features[0]), self.after.cut(self.features[0])
        object.__setattr__(self, "mean", old.mean())
        object.__setattr__(self, "amount", new.mean() - old.mean())
        object.__setattr__(self, "error", math.hypot(old.error(), new.error()))

    @property
    def labelled(self) -> int:
        """Labelled rows since the onset."""
        return self.after.cut(self.features[0]).total


def bad_data(rise: Rise, findings: list[dict[str, Any]]) -> Part | None:
    """Return what rows with faults add to the mean loss beyond what such rows always added.

    The most costly feature counts: tables do not tell which faults fall on the same rows.
    """
    if not findings:
        return None
    by_name = {feature.name: feature for feature in rise.features}
    costs: dict[str, float] = {}
    for each in findings:
        cost = _cost(rise, by_name[each["feature"]], each["slots"]) if each["slots"] else 0.0
        costs[each["feature"]] = costs.get(each["feature"], 0.0) + cost
    ranked = sorted(costs, key=lambda name: (-costs[name], name))
    kinds = sorted({named(each) for each in findings if each["feature"] == ranked[0]})
    evidence = max(float(each["log_evidence"]) for each in findings)
    return Part(
        kind="data_quality",
        amount=costs[ranked[0]],
        error=rise.error,
        features=tuple(ranked[:MOST_FEATURES]),
        log_evidence=evidence,
        note=", ".join(kinds),
    )


def named(finding: dict[str, Any]) -> str:
    """Name a finding: its kind, its feature, and what else is told of it."""
    told = f" ({finding['told']})" if finding.get("told") else ""
    return f"{finding['kind']} in {finding['feature']}{told}"


def _cost(rise: Rise, feature: Feature, slots: list[int]) -> float:
    def added(table: Table) -> float:
        rows, loss = table.cut(feature).by_slot()
        excess = math.fsum(loss[slot] - rows[slot] * rise.mean for slot in slots)
        return excess / max(sum(rows), 1)

    return added(rise.after) - added(rise.before)


def suspected(findings: list[dict[str, Any]], drift: list[dict[str, Any]]) -> list[Part]:
    """Without a clear rise of the loss, name what is seen; it explains nothing yet."""
    parts = []
    if findings:
        first = max(findings, key=lambda each: ("told" in each, float(each["log_evidence"])))
        names = tuple(sorted({each["feature"] for each in findings}))
        parts.append(_seen("data_quality", names, first, named(first)))
    if drift:
        first = max(drift, key=lambda each: float(each["log_evidence"]))
        columns = dict.fromkeys(str(name) for each in drift for name in _columns(each))
        parts.append(_seen("covariate_drift", tuple(columns), first, _changed(first)))
    return parts


def _columns(finding: dict[str, Any]) -> list[Any]:
    """Give the columns that a finding of drift is about: several together, one within a segment, or its own."""
    return list(finding.get("columns", [finding.get("within", finding["name"])]))


def _changed(finding: dict[str, Any]) -> str:
    """Say what has changed: a feature, or how several go together."""
    together = " and ".join(finding.get("columns", ()))
    return f"{together} go together otherwise ({finding['change']})" if together else str(finding["change"])


def _seen(kind: Kind, names: tuple[str, ...], first: dict[str, Any], note: str) -> Part:
    evidence = float(first["log_evidence"])
    return Part(kind=kind, amount=0.0, error=0.0, features=names, log_evidence=evidence, note=f"{note}; cost not known")


def served_otherwise(serving: dict[str, Any] | None) -> list[Part]:
    """Outputs that differ when computed again from the same rows and version come from the serving side."""
    if not serving or not serving["differing"]:
        return []
    note = f"{serving['differing']} of {serving['compared']} outputs differ when computed again"
    excess = serving.get("excess_loss", 0) / UNIT / max(serving.get("labelled", 0), 1)
    return [Part(kind="serving", amount=excess, error=0.0, note=note)]


def moved_inputs(rise: Rise, spoilt: set[str]) -> Part:
    """Return what the moved inputs do at the reference's losses: the largest of the features' own effects.

    Features overlap in what they explain, so their effects do not add up; the model's output, a summary of all of
    them, competes as one. Features with faults are left out.
    """
    found = []
    for feature in rise.features:
        if feature.name not in spoilt:
            old, new = rise.before.cut(feature), rise.after.cut(feature)
            found.append((*moved(old.by_slot(), new.by_slot()[0], rise.mean), feature.name))
    ranked = sorted(found, key=lambda each: (-each[0], each[2]))
    if not ranked:
        return Part(kind="covariate_drift", amount=0.0, error=0.0)
    top = ranked[0]
    named = [name for amount, error, name in ranked if name != OUTPUT and amount > max(2 * error, 0.25 * top[0])]
    return Part(kind="covariate_drift", amount=top[0], error=top[1], features=tuple(named[:MOST_FEATURES]))


def moved_labels(rise: Rise) -> Part:
    """Return what the label's new shares do at the reference's losses, as far as they explain the features too."""
    old, new = rise.before.cut(rise.features[0]), rise.after.cut(rise.features[0])
    amount, error = moved(old.by_label(), new.by_label()[0], rise.mean)
    fits = explained_by_labels(rise.features, rise.before, rise.after) if amount > error else 0.0
    return Part(kind="label_shift", amount=amount * fits, error=error, note=f"fits the features by {fits:.2f}")


def changed_concept(rise: Rise, amount: float) -> Part:
    """Return the rest, with the features in whose bins the loss rose most unevenly."""
    scores = [(_unevenness(rise, feature), feature.name) for feature in rise.features if feature.name != OUTPUT]
    ranked = sorted((each for each in scores if each[0] > 0), key=lambda each: (-each[0], each[1]))
    names = tuple(name for score, name in ranked[:MOST_FEATURES] if score >= ranked[0][0] / 4)
    return Part(kind="concept_change", amount=amount, error=rise.error, features=names)


def _unevenness(rise: Rise, feature: Feature) -> float:
    """Return the variance between bins of the rise within them, less what chance makes of it, per row."""
    old, new = rise.before.cut(feature), rise.after.cut(feature)
    (n, s), (m, t) = old.by_slot(), new.by_slot()
    total, after = max(sum(m), 1), rise.mean + rise.amount
    gains = [b - a for a, b in zip(means(n, s, rise.mean), means(m, t, after), strict=True)]
    middle = math.fsum(k * g for k, g in zip(m, gains, strict=True)) / total
    spread = math.fsum(k * (g - middle) ** 2 for k, g in zip(m, gains, strict=True)) / total
    noise = sum(1 for k in m if k) * (new.error() ** 2 + old.error() ** 2)
    return spread - 2 * noise
