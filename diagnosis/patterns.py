"""The patterns that causes leave: what each changes, and what it cannot.

Rows x, their truth y, the model's answer s and the loss are tied by who acts on what. A fault of one feature leaves the
other features and the truth as they were; a serving process that answers otherwise leaves rows and truth; a changed
concept and labels that are noise leave rows and answers; a change of the truth's shares leaves everything given the
truth (Zhang et al., ICML 2023, arXiv 2210.10769, attribute a loss to such mechanisms; Lipton et al., ICML 2018, arXiv
1802.03916, state the last). A pattern fits where nothing that its cause cannot change is strained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diagnosis.causes import Kind
from diagnosis.noise import ALL, noise
from diagnosis.relations import LABEL, LOSS, OUTPUT, Ints, Relations, Statistics, alike, among, under

UNKNOWN = 0.05  #: share of rows with values that were not there before, which may still be rows of before
MOST_BROKEN = 3  #: features that one fault breaks at most
SLACK = 0.05  #: of the strain of all that has changed, which a pattern may leave: nothing real is quite as it was


#: Strain by which patterns are held back when several fit: one that was chosen among many fits by chance sooner, and
#: one that says less is believed only where nothing says more.
OF_FEW, NEAR, BROAD = 0.1, 0.4, 1.0
WEAKER = 0.5  #: a relation this much weaker than before was broken; one that speaks otherwise is as strong as before
ABOUT = 0.5  #: of the strain of the first, by which another feature shows about as much
DISTINCT = 1.3  #: times the next strain, by which the loss tells where it rose


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """A pattern that fits: whose it is, where it shows, and how strained it is; 1 is the most that chance makes."""

    kind: Kind
    strain: float
    features: tuple[str, ...] = ()
    note: str = ""
    held_back: float = 0.0  #: strain that is added when several fit


class Look:
    """One look at the relations: everything is tested once."""

    def __init__(self, relations: Relations, most_noise: float = ALL) -> None:
        self.relations, self._most_noise = relations, most_noise
        self.joint, self.given = relations.joint(), relations.given()
        self.features = relations.features
        self.output, self.label, self.loss = (relations.variable(name) for name in (OUTPUT, LABEL, LOSS))
        self.all = among(self.joint, range(len(relations.names))).worst()
        self._most = max(1.0, SLACK * self.all)
        self._truth = among(self.joint, (*self.features, self.output)).worst()

    def patterns(self) -> tuple[Pattern, ...]:
        """Return what fits, best first: what chance alone may strain so much, or else what is strained little.

        Where nothing at all is strained, what fits best is what leaves out of account all that comes nearest to it.
        """
        special = [self.late_labels(), self.fewer_labels(), self.noisy_labels(), self.broken(), self.other_shares()]
        known = [one for one in special if one is not None and one.strain <= self._most]
        found = [*known, *(one for one in (self.other_truth(known), self.other_answers()) if one.strain <= self._most)]
        if not found:
            found = [one for one in (self.other_rows(),) if one is not None]
        close = [one for one in found if one.strain <= 1]
        return tuple(sorted(close or found, key=lambda one: one.strain + one.held_back))

    def other_truth(self, known: Sequence[Pattern]) -> Pattern:
        """Rows and answers are as they were, so it must be the truth; what is *known* may say more closely how."""
        closer = any(
            (one.kind == "label_quality" and one.held_back <= 0)
            or (one.kind == "upstream_change" and one.held_back + one.strain < self._truth + NEAR)
            for one in known
        )
        return Pattern(
            kind="concept_change", strain=self._truth, note="rows and answers are as they were",
            held_back=BROAD if closer else 0.0,
        )  # fmt: skip

    def noisy_labels(self) -> Pattern | None:
        """Rows and answers are as they were, and the labels are what they were, mixed with noise."""
        mixed = noise(self.relations, self._most_noise)
        if mixed is None:
            return None
        note = f"as if {mixed.share:.2f} of the labels were of other rows"
        strain = max(self._truth, mixed.strain)
        found = Pattern(kind="label_quality", strain=strain, note=note, held_back=0.0 if mixed.sure else BROAD)
        return found if mixed.strain <= max(1, self._truth) else None

    def late_labels(self) -> Pattern | None:
        """Rows are as they were, but those with a label are not like the others: some labels have not come."""
        chosen = _together([self._labelled_beside_others(k) for k in self._seen]).worst()
        if min(chosen, self._truth) <= 1:
            return None
        strain = _together([self._all_rows(k) for k in self._seen]).worst()
        note = "rows are as they were, but those with a label are not like the others"
        return Pattern(kind="label_quality", strain=strain, note=note, held_back=-BROAD)

    def fewer_labels(self) -> Pattern | None:
        """Fewer of the rows have a label than before, and nothing else is strained: those that have may be chosen."""
        (old, new), first = self.relations.labelled(), self.relations.levels(0)
        before, after = (int(one[first].sum()) for one in self.relations.unlabelled)
        fewer = after * old > before * new and alike(np.array([old, before]), np.array([new, after])).worst() > 1
        if self.all > 1 or not fewer:
            return None
        strain = _together([self._all_rows(k) for k in self._seen]).worst()
        return Pattern(kind="label_quality", strain=strain, note="fewer rows have a label", held_back=OF_FEW)

    def other_answers(self) -> Pattern:
        """Rows and their truth are as they were, so it must be the answers."""
        strain = among(self.joint, (*self.features, self.label)).worst()
        return Pattern(
            kind="serving", strain=strain, note="rows and truth are as they were, answers are not",
            held_back=NEAR if self._truth <= self._most else 0.0,
        )  # fmt: skip

    def other_shares(self) -> Pattern | None:
        """Given the truth everything is as it was, so it must be the truth's shares."""
        if alike(*self._single(self.label)).worst() <= 1:
            return None
        strain = under(self.given, self.label, (*self.features, self.output, self.loss)).worst()
        return Pattern(kind="label_shift", strain=strain, note="given the truth, everything is as it was")

    def other_rows(self) -> Pattern | None:
        """Given a feature that has moved, truth and loss are as they were: its rows come more often, or less."""
        moved = [k for k in self.features if alike(*self._single(k)).worst() > 1]
        found = [(under(self.given, k, (self.label, self.loss)).worst(), k) for k in moved]
        strain, source = min(found, default=(math.inf, -1))
        if strain > self._most:
            return None
        name = self.relations.names[source]
        return Pattern(
            kind="covariate_drift", strain=strain, features=(name,), note=f"given {name}, the loss is as it was"
        )

    def broken(self) -> Pattern | None:
        """All features but one are as they were, and so is the truth: that one must be broken; or two, or three."""
        kept, gone = [*self.features, self.label], list[int]()
        if among(self.joint, kept).worst() <= self._most:
            return None
        while len(gone) < min(MOST_BROKEN, len(self.features)):
            strain, worst = min((self._without(kept, k), k) for k in kept if k != self.label)
            gone, kept = [*gone, worst], [k for k in kept if k != worst]
            if strain <= (self._most if len(gone) == 1 else 1):
                return None if self._move_as_one(gone) else self._broken(tuple(gone), strain)
        return None

    def _move_as_one(self, gone: list[int]) -> bool:
        """Say whether several features are as they were given one of them: they have moved, and are not broken."""
        return len(gone) > 1 and min(under(self.given, k, gone).worst() for k in gone) <= 1

    def _broken(self, gone: tuple[int, ...], strain: float) -> Pattern:
        """Hold a fault back where answers do not tell it from a truth that speaks otherwise, and as loudly."""
        as_loud = self._truth <= self._most and not any(self._weaker(k) for k in gone)
        return Pattern(
            kind="upstream_change", strain=strain, features=tuple(self.relations.names[k] for k in gone),
            note="all else is as it was", held_back=BROAD if as_loud else OF_FEW,
        )  # fmt: skip

    def drawn(self, name: str) -> bool:
        """Say whether everything is as it was given the feature *name*, whose values are all known: its rows are more.

        Its levels are coarse, so that rows may move within them; hence what is strained little counts as well.
        """
        variable = self.relations.variable(name)
        old, new = self._single(variable)
        known = int(new[old == 0].sum()) <= UNKNOWN * int(new.sum())
        return known and under(self.given, variable, range(len(self.relations.names))).worst() <= max(2.0, self._most)

    def best_source(self, names: tuple[str, ...]) -> str:
        """Return which of *names* explains best, by its own shares, how everything else has moved; none of none."""
        known = [name for name in names if name in self.relations.names]
        found = [(self._explained(self.relations.variable(name)), name) for name in known]
        return min(found, key=lambda each: (-each[0], each[1]))[1] if found else ""

    def label_leads(self) -> bool:
        """Say whether the label's shares explain better than any feature's how everything else has moved."""
        return self._explained(self.label) > max((self._explained(k) for k in self.features), default=0.0)

    def shows_in_loss(self) -> tuple[str, ...]:
        """Return the one feature at whose values the loss has changed most, if it stands out."""
        (first, name), *others = self._strains(self.loss)
        return (name,) if others and first > max(1.0, DISTINCT * others[0][0]) else ()

    def near_in_loss(self) -> tuple[str, ...]:
        """Return the features at whose values the loss has changed about as much as where most, most changed first."""
        found = self._strains(self.loss)
        return tuple(name for strain, name in found if strain > 0 and strain >= ABOUT * found[0][0])

    def shows_in_truth(self) -> tuple[str, ...]:
        """Return the features at whose values the truth has changed, clearest first."""
        return tuple(name for strain, name in self._strains(self.label) if strain > 1)

    def _strains(self, of: int) -> list[tuple[float, str]]:
        """Return how strained *of* is given each feature, most strained first."""
        found = [(under(self.given, k, (of,)).worst(), self.relations.names[k]) for k in self.features]
        return sorted(found, key=lambda each: (-each[0], each[1]))

    def _explained(self, source: int) -> float:
        """Return the share of what has moved that is as it was given *source*; its own values do not count."""
        rest = [k for k in range(len(self.relations.names)) if k != source]
        moved = np.maximum(self.joint.excess[rest, rest], 0.0).tolist()
        left = np.maximum(self.given.excess[source, rest], 0.0).tolist()
        return 1 - math.fsum(left) / math.fsum(moved) if math.fsum(moved) > 0 else 0.0

    def _weaker(self, variable: int) -> bool:
        """Say whether the truth now has far less to do with *variable* than before."""
        old, new = (_tied(table) for table in self.relations.table(variable, self.label))
        return new < WEAKER * old

    @property
    def _seen(self) -> tuple[int, ...]:
        return (*self.features, self.output)

    def _without(self, kept: list[int], one: int) -> float:
        return among(self.joint, [k for k in kept if k != one]).worst()

    def _single(self, variable: int) -> tuple[Ints, Ints]:
        old, new = self.relations.table(variable, variable)
        return old.diagonal(), new.diagonal()

    def _labelled_beside_others(self, variable: int) -> Statistics:
        return alike(self._single(variable)[1], self.relations.unlabelled[1][self.relations.levels(variable)])

    def _all_rows(self, variable: int) -> Statistics:
        where, (old, new) = self.relations.levels(variable), self._single(variable)
        first, second = self.relations.unlabelled
        return alike(old + first[where], new + second[where])


def _together(tests: list[Statistics]) -> Statistics:
    return Statistics(np.concatenate([one.excess for one in tests]), np.concatenate([one.freedom for one in tests]))


def _tied(table: Ints) -> float:
    """Return how far two variables are from having nothing to do with each other: chi-square, less chance, a row."""
    rows, columns, total = table.sum(axis=1), table.sum(axis=0), max(int(table.sum()), 1)
    apart = np.outer(rows, columns) / total
    terms = np.where(apart > 0, (table - apart) ** 2 / np.maximum(apart, 1e-300), 0.0)
    freedom = max(int((rows > 0).sum()) - 1, 0) * max(int((columns > 0).sum()) - 1, 0)
    return max(math.fsum(terms.ravel().tolist()) - freedom, 0.0) / total
