"""Chooses projections: half of them at the features that go together most in the reference, half drawn from its digest.

Of two features that go together, the difference (the sum, where they run against each other) has the least spread, and
a change of how they go together shows in it first. What is drawn is of four features, so that pairs which have nothing
to do with each other yet are seen as well. The output is in none: another version may answer otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, zip_longest

import numpy as np

from monitoring.profiles.learning import learn_feature
from monitoring.profiles.projections import JOINT, Projection, Projections, SmallInts, Tables, scored, scores_of, summed
from monitoring.profiles.reference import FIRST_BIN, Column, Feature, Floats, Ints, Reference
from statemachine.record.canonical import canonical, digest

MOST_FEATURES = 256  #: among which pairs are looked for: their number grows with the square
MOST_ROWS = 20_000  #: from which it is learned what goes together
#: Features of a projection that is drawn. More of them hold more pairs, and move less with each: of four, where one
#: pair turns from nothing to a correlation of 0.8, the spread moves by a fifth.
DRAWN = 4
ROUNDS = 64  #: in which each feature has its turn
LEAST_CORRELATION = 0.1  #: below which a pair is not aimed at
#: Standard errors of a correlation of nothing. The largest of many pairs is large by chance; what was chosen for it
#: would look like less than it was as soon as other rows come.
ERRORS = 6.0
Scores = tuple[tuple[int, tuple[int, ...]], ...]  #: by column and slot
Made = tuple[tuple[int, ...], tuple[int, ...]]  #: columns and signs


def learn_projections(reference: Reference, rows: Floats, outputs: Floats, asked: int) -> Projections:
    """Learn *asked* projections, or as many as there are, from the *rows* (n, features) of *reference*.

    The first of them are the same however many are asked for.

    >>> from monitoring.profiles.learning import learn
    >>> x = np.random.default_rng(0).normal(size=(1_000, 2))
    >>> x[:, 1] += x[:, 0]
    >>> reference = learn([Column(name="income"), Column(name="age")], x, x[:, 0])
    >>> found = learn_projections(reference, x, x[:, 0], 8)
    >>> found.members(reference), found.each[0].signs
    ({'income & age (joint)': ['income', 'age']}, (1, -1))
    """
    scores = _scores(reference, rows, outputs)
    sample = scored(reference, Tables.of(Projections(scores=scores)), rows[:: -(-len(rows) // MOST_ROWS)])
    taken, chosen = {feature.name for feature in reference.features}, dict[str, Made]()
    for made in _taking_turns(_aimed(sample), _drawn(_named(reference), list(sample))):
        name = f"{' & '.join(reference.features[k].name for k in made[0])} {JOINT}"
        if len(chosen) < asked and name not in taken:
            chosen.setdefault(name, made)
    return _learned(chosen, reference, scores, rows, asked)


def _learned(chosen: dict[str, Made], reference: Reference, scores: Scores, rows: Floats, asked: int) -> Projections:
    used = {column for columns, _ in chosen.values() for column in columns}
    kept = tuple((column, by_slot) for column, by_slot in scores if column in used)
    found, each = scored(reference, Tables.of(Projections(scores=kept)), rows), []
    for name, (columns, signs) in chosen.items():
        values = summed(columns, signs, found).astype(np.float64)
        each.append(Projection(columns=columns, signs=signs, feature=learn_feature(Column(name=name), values)))
    return Projections(asked=asked, scores=kept, each=tuple(each))


def _scores(reference: Reference, rows: Floats, outputs: Floats) -> Scores:
    """Return the scores of the features that vary, by column; categories are put in the order of their outputs."""
    output = reference.features[-1]
    answers = np.array(scores_of(output, range(FIRST_BIN, output.slots)), np.int64)[output.place(outputs)]
    varied = [k for k, one in enumerate(reference.features[:-1]) if np.count_nonzero(one.counts[FIRST_BIN:]) > 1]
    some = _shuffled(_named(reference), varied, ROUNDS)[:MOST_FEATURES]
    return tuple((k, _by_slot(reference.features[k], rows[:, k], answers)) for k in sorted(some))


def _by_slot(feature: Feature, values: Floats, answers: Ints) -> tuple[int, ...]:
    bins = range(FIRST_BIN, feature.slots)
    if feature.kind == "numeric":
        return scores_of(feature, bins)
    # Sums of whole numbers, which floats hold exactly in any order.
    sums = np.bincount(feature.place(values), weights=answers, minlength=feature.slots).tolist()
    return scores_of(feature, sorted(bins, key=lambda slot: (sums[slot] / max(feature.counts[slot], 1), slot)))


def _aimed(sample: dict[int, SmallInts]) -> Iterator[Made]:
    """Give the pairs that go together most; no feature twice until every other has had its turn."""
    columns, scores = list(sample), np.array(list(sample.values()), np.float64)
    products = scores @ scores.T  # of whole numbers: exact in any order
    size = np.sqrt(np.maximum(products.diagonal(), 1.0))
    told = products / np.outer(size, size)
    pairs = [(i, j) for i in range(len(columns)) for j in range(i) if abs(told[i, j]) >= _least(scores.shape[1])]
    pairs.sort(key=lambda pair: (-abs(told[pair]), pair))
    while pairs:
        free, left = set(range(len(columns))), []
        for i, j in pairs:
            if free >= {i, j}:
                free -= {i, j}
                first, second = sorted((columns[i], columns[j]))
                yield (first, second), (1, -1 if told[i, j] > 0 else 1)
            else:
                left.append((i, j))
        pairs = left


def _least(rows: int) -> float:
    return max(LEAST_CORRELATION, ERRORS / math.sqrt(rows))


def _drawn(name: str, columns: Sequence[int]) -> Iterator[Made]:
    """Give sums of several features: one after the other, the one in which most pairs meet for the first time."""
    left = [(one, set(combinations(one[0], 2))) for k in range(ROUNDS) for one in _round(name, columns, k)]
    while left:
        made, pairs = max(left, key=lambda one: len(one[1]))
        left = [(one, others - pairs) for one, others in left if one is not made]
        yield made


def _round(name: str, columns: Sequence[int], number: int) -> Iterator[Made]:
    """Give sums of `DRAWN` features, and of those that are left over, so that each has its turn."""
    order = _shuffled(name, columns, number)
    for at in range(0, len(order) - 1, DRAWN):
        some = sorted(order[at : at + DRAWN])
        coins = int(_drawn_of(name, number, f"signs {at}"), 16)
        yield tuple(some), (1, *(1 if coins >> k & 1 else -1 for k in range(1, len(some))))


def _shuffled(name: str, columns: Sequence[int], number: int) -> list[int]:
    return sorted(columns, key=lambda k: _drawn_of(name, number, f"{k}"))


def _drawn_of(name: str, number: int, what: str) -> str:
    """Draw from the hash of a reference: no generator of numbers draws the same for ever."""
    return digest(f"{name}/{number}/{what}".encode())


def _named(reference: Reference) -> str:
    return digest(canonical(reference.to_json()))


def _taking_turns(*each: Iterator[Made]) -> Iterator[Made]:
    return (one for turn in zip_longest(*each) for one in turn if one is not None)
