"""Truths and answers: the rows stay, and what is true of them, what is told of it, or what is answered does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtest.stream import Floats
from benchmarks.causes.columns import targets, twins
from benchmarks.causes.faults import SHARE, mirrored, swapped
from benchmarks.causes.ground import Ground, Sick
from benchmarks.causes.moves import groups, segments
from benchmarks.causes.planting import Chance, Planted
from monitoring.profiles.reference import LABEL

LATE = 0.85  #: of the labels that come late
SWAPPED = 0.3  #: of the labels that are written wrong


def _other_truth(on: Ground, labels: Floats) -> Floats:
    """Give each class another, or each quantity the mirror of it."""
    if on.task == "regression":
        return float(np.quantile(on.labels, 0.02) + np.quantile(on.labels, 0.98)) - labels
    classes = len(on.schema.classes)
    return (labels + 1) % classes


def concept(on: Ground, _: Chance) -> Iterator[Planted]:
    """Turn the truth round everywhere: each class becomes another, each quantity its mirror."""
    rows = slice(on.onset, on.onset + on.sick_rows)
    sick = Sick(on.rows[rows], on.outputs[rows], _other_truth(on, on.labels[rows]))
    yield Planted(sick=sick, kinds=("concept_change",))


def concept_by_feature(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let the truth answer to one column the other way round: labels are drawn as if its values were mirrored."""
    for k in targets(on, chance):
        rows = on.rows[on.onset : on.onset + on.sick_rows]
        turn = swapped if on.words[k] else mirrored
        other = rows.copy()
        other[:, k] = turn(rows[:, k], on.rows[: on.reference_rows, k], chance)
        labels = _answer(on, other, on.labels[on.onset : on.onset + on.sick_rows], chance)
        yield Planted(
            sick=Sick(rows, on.outputs[on.onset : on.onset + on.sick_rows], labels), kinds=("concept_change",),
            features=twins(on, k),
        )  # fmt: skip


def _answer(on: Ground, other: Floats, labels: Floats, chance: Chance) -> Floats:
    """Give the truth of *other* rows as the champion knows it, with what it does not know added."""
    rows = on.rows[on.onset : on.onset + on.sick_rows]
    said, usual = on.champion.predict(other), on.champion.predict(rows)
    if on.task == "regression":
        return labels + said - usual
    if on.task == "binary":
        return (chance.random(len(said)) < said).astype(float)
    return np.where(said != usual, said, labels)


def concept_in_segment(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Turn the truth round in a segment of the rows."""
    for segment, inside in segments(on, chance):
        rows = slice(on.onset, on.onset + on.sick_rows)
        labels = np.where(inside[rows], _other_truth(on, on.labels[rows]), on.labels[rows])
        yield Planted(
            sick=Sick(on.rows[rows], on.outputs[rows], labels), kinds=("concept_change",), features=twins(on, segment)
        )  # fmt: skip


def noisy_labels(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let a part of the labels be those of other rows."""
    rows = slice(on.onset, on.onset + on.sick_rows)
    labels = on.labels[rows].copy()
    wrong = np.flatnonzero(chance.random(len(labels)) < SHARE)
    labels[wrong] = labels[wrong[chance.permutation(len(wrong))]]
    yield Planted(sick=Sick(on.rows[rows], on.outputs[rows], labels), kinds=("label_quality",))


def swapped_labels(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Write another class, or the mirror of a quantity, for a part of the labels.

    A truth that turns round in a part of the rows, whatever they hold, looks just the same: no person could tell.
    """
    rows = slice(on.onset, on.onset + on.sick_rows)
    wrong = chance.random(on.sick_rows) < SWAPPED
    labels = np.where(wrong, _other_truth(on, on.labels[rows]), on.labels[rows])
    yield Planted(sick=Sick(on.rows[rows], on.outputs[rows], labels), kinds=("label_quality", "concept_change"))


def misjoined_labels(on: Ground, _: Chance) -> Iterator[Planted]:
    """Give each row the label of the one before it: labels have nothing to do with rows any more."""
    rows, before = (slice(on.onset - back, on.onset - back + on.sick_rows) for back in (0, 1))
    yield Planted(sick=Sick(on.rows[rows], on.outputs[rows], on.labels[before]), kinds=("label_quality",))


def delayed_labels(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let a part of the labels, of whatever rows, not have come yet."""
    rows = slice(on.onset, on.onset + on.sick_rows)
    labels = np.where(chance.random(on.sick_rows) < SHARE, np.nan, on.labels[rows])
    sick = Sick(on.rows[rows], on.outputs[rows], labels)
    yield Planted(sick=sick, kinds=("data_quality",), features=(LABEL,))


def late_labels(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let the labels of one class, or of a range, come so late that few are known yet."""
    rows = slice(on.onset, on.onset + on.sick_rows)
    calm = slice(on.reference_rows, on.onset)
    cost, past = on.costs(on.outputs[calm], on.labels[calm]), groups(on, on.labels[calm])
    level = {code: np.nanmean(cost[past == code]) for code in np.unique(past)}
    quick = sorted(level, key=lambda code: -level[code])[: max(len(level) // 2, 1)]
    late = ~np.isin(groups(on, on.labels[rows]), quick) & (chance.random(on.sick_rows) < LATE)
    labels = np.where(late, np.nan, on.labels[rows])
    yield Planted(sick=Sick(on.rows[rows], on.outputs[rows], labels), kinds=("label_quality",))


def other_features(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let serving feed the model something else in one column than what it reports."""
    for k in targets(on, chance):
        rows = on.rows[on.onset : on.onset + on.sick_rows]
        fed = rows.copy()
        turn = swapped if on.words[k] else mirrored
        fed[:, k] = turn(rows[:, k], on.rows[: on.reference_rows, k], chance)
        sick = Sick(rows, on.champion.predict(fed), on.labels[on.onset : on.onset + on.sick_rows])
        yield Planted(sick=sick, kinds=("serving",))


def other_rows(on: Ground, chance: Chance) -> Iterator[Planted]:
    """Let a part of the answers be those to other rows."""
    rows = slice(on.onset, on.onset + on.sick_rows)
    outputs = on.outputs[rows].copy()
    wrong = np.flatnonzero(chance.random(len(outputs)) < SHARE)
    outputs[wrong] = outputs[wrong[chance.permutation(len(wrong))]]
    yield Planted(sick=Sick(on.rows[rows], outputs, on.labels[rows]), kinds=("serving",))
