"""What a model looks like from outside: its features, classes, task and metric."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

NUMERIC, CATEGORICAL = "numeric", "categorical"
TASKS = ("binary", "multiclass", "regression")
METRICS = {
    "binary": ("accuracy", "roc_auc"),
    "multiclass": ("accuracy",),
    "regression": ("mae",),
}
OUTCOMES = ("exogenous", "selective")
MOST_CATEGORIES = 10_000  #: per feature; what comes after is missing
OTHER = MOST_CATEGORIES  #: the code of a word that is not learned, since it might tell who it is about


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One input of a model."""

    name: str
    kind: str
    categories: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the feature as JSON."""
        return {"name": self.name, "kind": self.kind, "categories": list(self.categories)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The features in order, and the names of the classes in the order of their index."""

    task: str
    metric: str
    features: tuple[Feature, ...]
    classes: tuple[str, ...] = ()

    @property
    def named_classes(self) -> tuple[str, ...]:
        """The classes that labels are of, by their number where they have no names; none where labels are amounts."""
        return self.classes or {"binary": ("0", "1")}.get(self.task, ())

    def to_json(self) -> dict[str, Any]:
        """Give the schema as JSON."""
        return {
            "task": self.task,
            "metric": self.metric,
            "features": [feature.to_json() for feature in self.features],
            "classes": list(self.classes),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Schema:
        """Read back what `to_json` wrote."""
        features = tuple(
            Feature(name=f["name"], kind=f["kind"], categories=tuple(f["categories"])) for f in data["features"]
        )
        return cls(task=data["task"], metric=data["metric"], features=features, classes=tuple(data["classes"]))


@dataclass(slots=True)
class Vocabulary:
    """The categories of each feature in the order of first sight. It only grows."""

    codes: list[dict[str, int]] = field(default_factory=list)

    @classmethod
    def of(cls, schema: Schema) -> Vocabulary:
        """Start from the schema's own categories."""
        return cls([{name: code for code, name in enumerate(f.categories)} for f in schema.features])

    def features(self, schema: Schema) -> tuple[Feature, ...]:
        """Give the schema's features with every category seen so far."""
        return tuple(replace(f, categories=tuple(self.codes[i])) for i, f in enumerate(schema.features))

    def learn(self, index: int, names: list[str]) -> None:
        """Add *names* to the feature at *index*, in their order."""
        known = self.codes[index]
        for name in names:
            known.setdefault(name, len(known))
