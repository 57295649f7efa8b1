"""Templates: by which recipe candidates are trained, within which limits. Only names: nothing heavy is imported."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from statemachine.record.canonical import canonical, digest

NONE, LIMITS, OFFLINE, SEALED = ISOLATIONS = ("none", "limits", "offline", "sealed")  #: each more than the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a sandboxed child may use."""

    memory_bytes: int = 2 << 30
    cpu_seconds: int = 600
    wall_seconds: int = 900
    file_bytes: int = 256 << 20
    processes: int = 64
    minimum_isolation: str = LIMITS  #: one of `ISOLATIONS`


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A versioned recipe. Its content hash stands in every manifest."""

    name: str
    version: int
    family: str  #: hist_gradient_boosting or linear
    params: dict[str, Any]
    max_rows: int  #: a seeded sample of as many is trained on
    trusted_types: tuple[str, ...]  #: what skops may load, besides what it knows to be safe
    limits: Limits = Limits()

    @property
    def reference(self) -> str:
        """The name, version and content hash in one word."""
        return f"{self.name}@{self.version}:{self.sha256[:12]}"

    @property
    def sha256(self) -> str:
        """The hash of the content."""
        return digest(canonical({**asdict(self), "trusted_types": list(self.trusted_types)}))


_HGB_TYPES = ("numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor")

TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        Template(
            name="hgb-60",
            version=1,
            family="hist_gradient_boosting",
            params={"max_iter": 60},
            max_rows=10_000,
            trusted_types=_HGB_TYPES,
        ),
        Template(name="linear", version=1, family="linear", params={}, max_rows=50_000, trusted_types=("numpy.dtype",)),
    )
}
