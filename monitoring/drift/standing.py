"""How each feature stands with a window: evidence so far, the change that fits it best, and the sizes of the change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitoring.drift.watches import DriftWatch
from monitoring.profiles.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One feature: the evidence in nats that it drifted, and by how much it differs in this window."""

    name: str
    change: str  #: the alternative that fits best; empty where the reference can tell none from itself
    log_evidence: float
    sizes: dict[str, float]  #: as `effects.effects` gives them


def standings(before: DriftWatch, window: Profile) -> list[Standing]:
    """Tell how each stands when *window* is added to a watch as it was *before*: features, the output, then sums."""
    dictionary = before.dictionary
    so_far = np.maximum(before.sums, 0) if before.phase == "watching" else before.sums
    sums = so_far + dictionary.evidence([window.counts])[0]
    each = zip(dictionary.reference.features, dictionary.names, dictionary.per_feature(sums), strict=True)
    log_evidence = dictionary.log_evidence(sums)
    return [
        Standing(
            name=feature.name,
            change=names[gained.index(max(gained))] if gained else "",
            log_evidence=log_evidence[k] if gained else 0.0,
            sizes=dictionary.effects(k, window.counts),
        )
        for k, (feature, names, gained) in enumerate(each)
    ]
