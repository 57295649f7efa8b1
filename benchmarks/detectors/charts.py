"""Charts: each turns the counts of windows into a path of one number, which alarms when it passes a threshold.

The e-detector is the service's own, many windows at once; the others are what peers do, on the same counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from monitoring.drift.dictionary import Dictionary
from monitoring.profiles.alternatives import NATS
from monitoring.profiles.reference import FIRST_BIN, Feature, Floats, Ints, Reference

#: Bins in which peers count: with more they see small shifts later.
PEER_BINS = 16
EWMA_WEIGHT = 0.2
#: Windows whose counts are compared at once, as many as a cache may hold; and of whose levels an alarm hardly ever has
#: the last ones reckoned anew.
AT_ONCE, NEXT = 512, 64
#: What a window adds to a path: (windows, numbers); and how numbers become the one that is compared.
Added = Callable[[Reference, Ints], Floats]


def _no_weights(_reference: Reference) -> Floats:
    return np.zeros(1)


@dataclass(frozen=True, slots=True)
class Chart:
    """How a path goes on: `steps(state, added)` gives the states that follow, of which levels are what is compared.

    Both are of many windows, (windows, numbers), and `levels(states, weights)` are (windows,).
    """

    name: str
    added: Added
    steps: Callable[[Floats, Floats], Floats]
    levels: Callable[[Floats, Floats], Floats]
    weights: Callable[[Reference], Floats] = _no_weights

    def follow(self, reference: Reference, threshold: float = np.inf) -> Path:
        """Return a path that has seen nothing yet."""
        return Path(self, reference, threshold)


class Path:
    """A chart on its way; what passes the threshold starts anew with the next window."""

    def __init__(self, chart: Chart, reference: Reference, threshold: float) -> None:
        self._chart, self._reference, self._threshold = chart, reference, threshold
        self._weights = chart.weights(reference)
        self._state: Floats = np.zeros(0)

    def levels(self, counts: Ints) -> Floats:
        """Go on with *counts* (windows, flat slots), and give the levels (windows,)."""
        parts = [self._levels(counts[begin : begin + AT_ONCE]) for begin in range(0, len(counts), AT_ONCE)]
        return np.concatenate(parts)

    def _levels(self, counts: Ints) -> Floats:
        added, found = self._chart.added(self._reference, counts), np.empty(len(counts))
        state, begin = self._state if len(self._state) else np.zeros(added.shape[1]), 0
        while begin < len(added):
            states = self._chart.steps(state, added[begin : begin + NEXT])
            levels = self._chart.levels(states, self._weights)
            alarms = np.flatnonzero(levels >= self._threshold)
            seen = int(alarms[0]) + 1 if len(alarms) else len(levels)
            found[begin : begin + seen] = levels[:seen]
            state, begin = np.zeros(added.shape[1]) if len(alarms) else states[-1], begin + seen
        self._state = state
        return found


def e_detector(tolerance: float) -> Chart:
    """Return the service's own: log of the weighted mean of exp(CUSUM) over all alternatives, in nats."""

    def added(reference: Reference, counts: Ints) -> Floats:
        return Dictionary.of(reference, tolerance).evidence(counts) / NATS

    def weights(reference: Reference) -> Floats:
        return np.asarray(Dictionary.of(reference, tolerance).priors / NATS)

    return Chart("e-detector", added, _cusums, _log_means, weights)


def _cusums(state: Floats, added: Floats) -> Floats:
    found = np.empty_like(added)
    for new, into in zip(added, found, strict=True):
        state = np.add(np.maximum(state, 0, out=into), new, out=into)
    return found


def _log_means(states: Floats, weights: Floats) -> Floats:
    weighed = states + weights
    top = weighed.max(axis=1)
    weighed -= top[:, None]
    return np.asarray(top + np.log(np.exp(weighed, out=weighed).mean(axis=1)))


def _latest(_state: Floats, added: Floats) -> Floats:
    return added


def _averages(state: Floats, added: Floats) -> Floats:
    found = np.empty_like(added)
    for new, into in zip(EWMA_WEIGHT * added, found, strict=True):
        state = np.add(np.multiply(state, 1 - EWMA_WEIGHT, out=into), new, out=into)
    return found


def _most(states: Floats, _weights: Floats) -> Floats:
    return np.asarray(states.max(axis=1))


def _by_feature(one: Callable[[Floats, Floats], Floats]) -> Added:
    """Apply a comparison of reference counts (bins,) and window counts (windows, bins) to each feature."""

    def added(reference: Reference, counts: Ints) -> Floats:
        starts = reference.starts
        parts = [
            one(*_coarse(feature, counts[:, start:end]))
            for feature, start, end in zip(reference.features, starts[:-1], starts[1:], strict=True)
        ]
        return np.stack(parts, axis=1)

    return added


def _coarse(feature: Feature, counts: Ints) -> tuple[Floats, Floats]:
    """Join bins to `PEER_BINS`, and what is beside them to three: missing and invalid, new, and out of range."""
    firsts = _firsts(feature.slots)
    joined = np.add.reduceat(counts, firsts, axis=1).astype(float)
    return np.add.reduceat(np.array(feature.counts), firsts).astype(float), joined


@cache
def _firsts(slots: int) -> Ints:
    """Return the first slot of each group."""
    bins = slots - FIRST_BIN
    groups = np.concatenate([[0, 0, 1, 2, 2, 2, 2], 3 + (np.arange(bins) * min(PEER_BINS, bins)) // bins])
    return np.flatnonzero(np.diff(groups, prepend=-1))


def _shares(counts: Floats) -> Floats:
    smoothed = counts + 0.5
    return np.asarray(smoothed / smoothed.sum(axis=-1, keepdims=True))


def _ks(reference: Floats, counts: Floats) -> Floats:
    gaps = np.abs(np.cumsum(counts / counts.sum(axis=1, keepdims=True) - reference / reference.sum(), axis=1))
    return np.asarray(gaps.max(axis=1))


def _psi(reference: Floats, counts: Floats) -> Floats:
    p, q = _shares(reference), _shares(counts)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=1))


def _js(reference: Floats, counts: Floats) -> Floats:
    p, q = _shares(reference), _shares(counts)
    middle = (p + q) / 2
    return np.asarray(np.sqrt(((p * np.log(p / middle)).sum(axis=1) + (q * np.log(q / middle)).sum(axis=1)) / 2))


def _chi_square(reference: Floats, counts: Floats) -> Floats:
    """Return the two-sample statistic, standardised by its degrees of freedom."""
    n, m = counts.sum(axis=1, keepdims=True), reference.sum()
    both = counts + reference
    seen = both > 0
    gap = (counts * np.sqrt(m / n) - reference * np.sqrt(n / m)) ** 2
    found = np.divide(gap, both, out=np.zeros_like(gap), where=seen).sum(axis=1)
    freedom = max(int((reference > 0).sum()) - 1, 1)
    return np.asarray((found - freedom) / np.sqrt(2 * freedom))


def peers() -> tuple[Chart, ...]:
    """Return what others do with a window, and an EWMA of the best of it."""
    single = {"KS": _ks, "PSI": _psi, "JS": _js, "chi-square": _chi_square}
    ewma = Chart("EWMA of chi-square", _by_feature(_chi_square), _averages, _most)
    return (*(Chart(name, _by_feature(one), _latest, _most) for name, one in single.items()), ewma)
