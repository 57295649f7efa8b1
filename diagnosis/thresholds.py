"""When a cause is named: what the judges of diagnosis take from a policy."""

from __future__ import annotations

from typing import Protocol


class Thresholds(Protocol):
    """What a policy says about diagnosis."""

    @property
    def least_labels(self) -> int:
        """Labelled rows since the onset below which no loss is explained."""

    @property
    def errors(self) -> float:
        """Standard errors by which the loss, and each part of it, must stand out."""

    @property
    def least_share(self) -> float:
        """The share of the rise below which a cause is not listed."""
