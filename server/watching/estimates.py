"""What rows without labels are expected to cost: learned from the reference, and asked of each window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from measures.losses import losses
from monitoring.performance.confidence import Confidence
from monitoring.performance.estimate import Estimated, LossByBin, learn_losses
from monitoring.profiles.counting import Counter
from monitoring.profiles.profile import Profile, profile
from monitoring.profiles.reference import Reference
from server.intake.feed import Floats, Ints
from server.intake.schema import Schema
from server.watching.tape import Tape

RANKS = "roc_auc"
MOST_ROWS = 10_000  #: of the reference, the latest, from which losses by bin are learned: more say little more


def learned(
    schema: Schema, reference: Reference, rows: Floats, outputs: Floats, labels: Floats, unit: float
) -> dict[str, Any] | None:
    """Learn from *rows* (n, features) of the reference, as JSON; None where they do not tell enough.

    Scores of two classes say all that is needed. Elsewhere it is what rows like them cost; but no row has a rank alone.
    """
    scores = Confidence.learn(outputs, labels) if schema.task == "binary" else None
    if scores is not None:
        return {"scores": scores.to_json()}
    if schema.metric == RANKS:
        return None
    cost = losses(schema.task, schema.metric, outputs, labels)
    known = np.flatnonzero(~np.isnan(cost))[-MOST_ROWS:]
    bins = learn_losses(reference, rows[known], outputs[known], cost[known] / unit)
    return None if bins is None else {"bins": bins.to_json()}


@dataclass(frozen=True, slots=True)
class Estimator:
    """Tells what the version that the reference is of costs on a window, in the unit of the loss."""

    table: Confidence | LossByBin | None
    metric: str
    reference: Reference
    counter: Counter

    @classmethod
    def of(cls, data: dict[str, Any] | None, metric: str, reference: Reference, counter: Counter) -> Estimator:
        """Read what `learned` gave; references of before have nothing, and tell nothing."""
        table: Confidence | LossByBin | None = None
        if data:
            of_scores = "scores" in data
            table = Confidence.from_json(data["scores"]) if of_scores else LossByBin.from_json(data["bins"])
        return cls(table, metric, reference, counter)

    def version(self, tape: Tape) -> str:
        """Name the version that estimates are of: the one that answered the reference."""
        return next(iter(tape.versions()), "")

    def estimate(self, tape: Tape, rows: Ints, found: Profile) -> Estimated | None:
        """Tell what is expected of *rows*, whose profile with what was served is *found*; None if nothing is."""
        if self.table is None:
            return None
        version = self.version(tape)
        outputs = tape.outputs(version, rows)
        answered = rows[~np.isnan(outputs)]
        if not len(answered):
            return None
        if isinstance(self.table, Confidence):
            counts = self.table.count(outputs)
            return self.table.rank_loss(counts) if self.metric == RANKS else self.table.estimate(counts)
        if len(answered) == len(rows) and tape.served_by(version, rows).all():
            return self.table.estimate(found)
        return self.table.estimate(self._profile(tape, answered))

    def _profile(self, tape: Tape, rows: Ints) -> Profile:
        """Profile *rows* with what the version answered, whoever was served."""
        first, end = int(rows[0]), int(rows[-1]) + 1
        matrix = tape.features(first, end)[rows - first]
        return profile(self.reference, matrix, tape.outputs(self.version(tape), rows), self.counter)
