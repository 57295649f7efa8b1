"""The parts of a rise of the loss, where no pattern fits all of it: moved inputs, moved labels, and what is left.

Each part has a standard error from counts: of the shares before and since, and of the losses that they are taken at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from diagnosis.causes import MOST_FEATURES, OUTPUT, Part, Rise, changed_concept
from diagnosis.inputs import BORROWED, SQUARE_UNIT, Feature, Table, means
from diagnosis.mixture import explained_by_labels
from diagnosis.patterns import Look

#: A feature is named beside the first if its own effect is at least this share of the first one's.
NAMED = 0.25
CERTAIN = 2.0  #: standard errors by which an effect must stand out for its feature to be named


def moved_inputs(rise: Rise, spoilt: set[str], look: Look) -> Part:
    """Return what the moved inputs do at the losses of before: the largest effect of a feature, or of the output.

    Effects overlap, so they do not add up. The feature that explains best how everything else has moved comes first.
    """
    found = [(*moved_feature(rise, each), each.name) for each in rise.features if each.name not in spoilt]
    if not found:
        return Part(kind="covariate_drift", amount=0.0, error=0.0)
    amount, error, _ = min(found, key=lambda each: (-each[0], each[2]))
    clear = {name: own for own, error, name in found if name != OUTPUT and own > CERTAIN * error}
    large = sorted(
        (name for name, own in clear.items() if own >= NAMED * amount), key=lambda name: (-clear[name], name)
    )
    best = look.best_source(tuple(clear))
    names = tuple(dict.fromkeys([*([best] if best else []), *large]))
    return Part(kind="covariate_drift", amount=amount, error=error, features=names[:MOST_FEATURES])


def moved_labels(rise: Rise, look: Look) -> Part:
    """Return what the label's new shares do at the losses of before, as far as they explain the features too.

    Nothing, if any feature explains better than the label how everything else has moved.
    """
    old, new = rise.before.cut(rise.features[0]), rise.after.cut(rise.features[0])
    spread = [rise.before.cut(rise.features[0]).error() ** 2 * old.total] * len(old.rows)
    amount, error = _moved(old.by_label(), new.by_label()[0], spread, rise.mean)
    fits = explained_by_labels(rise.features, rise.before, rise.after) if amount > error and look.label_leads() else 0.0
    return Part(kind="label_shift", amount=amount * fits, error=error, note=f"fits the features by {fits:.2f}")


def moved_feature(rise: Rise, feature: Feature) -> tuple[float, float]:
    """Return what a feature's new shares do to the mean loss at the losses of before, and its standard error."""
    old, new = rise.before.cut(feature), rise.after.cut(feature)
    return _moved(old.by_slot(), new.by_slot()[0], _spreads(old, rise.mean), rise.mean)


def changed_truth(rise: Rise, amount: float, look: Look) -> Part:
    """Return a changed concept, with the features at whose values it shows: by the tests, and by the loss."""
    of_truth, of_loss = look.shows_in_truth(), look.near_in_loss()
    first = [*look.shows_in_loss(), *changed_concept(rise, amount).features[:1], *of_truth[:1], *of_loss[:1]]
    names = tuple(dict.fromkeys([*first, *of_truth, *of_loss]))
    return Part(kind="concept_change", amount=amount, error=rise.error, features=names[:MOST_FEATURES])


def _moved(
    before: tuple[list[int], list[float]], after: list[int], spread: Sequence[float], overall: float
) -> tuple[float, float]:
    """Return sum of (q - p) * loss over the cells, and its standard error."""
    rows, loss = before
    mean, n, m = means(rows, loss, overall), max(sum(rows), 1), max(sum(after), 1)
    steps = [b / m - a / n for a, b in zip(rows, after, strict=True)]
    of_losses = math.fsum(x * x * s / (a + BORROWED) for x, s, a in zip(steps, spread, rows, strict=True))
    variance = _variance(rows, mean) / n + _variance(after, mean) / m + of_losses
    return math.fsum(x * y for x, y in zip(steps, mean, strict=True)), math.sqrt(variance)


def _spreads(table: Table, overall: float) -> list[float]:
    """Return the variance of the loss in each slot, about the mean that `means` gives it."""
    rows, loss = table.by_slot()
    squares = [x / SQUARE_UNIT for x in table.squares.tolist()]
    mean = means(rows, loss, overall)
    return [max(s / max(n, 1) - x * x, 0.0) for s, n, x in zip(squares, rows, mean, strict=True)]


def _variance(rows: list[int], mean: list[float]) -> float:
    n = max(sum(rows), 1)
    middle = math.fsum(a * x for a, x in zip(rows, mean, strict=True)) / n
    return math.fsum(a * (x - middle) ** 2 for a, x in zip(rows, mean, strict=True)) / n
