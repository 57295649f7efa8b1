"""How the fields of a policy are declared: each with what it accepts, and with its default."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from statemachine.policies import values


def within(low: float, high: float, default: Any) -> Any:  # noqa: ANN401 - dataclasses.field is typed as the field's own
    """Give a number with its bounds, both of which are accepted."""
    return field(default=default, metadata={"low": low, "high": high})


def one_of(*accepted: str) -> Any:  # noqa: ANN401 - dataclasses.field is typed as the field's own
    """Give a word out of some; the first is the default."""
    return field(default=accepted[0], metadata={"accepted": accepted})


def some_of(accepted: tuple[str, ...], default: tuple[str, ...]) -> Any:  # noqa: ANN401 - as above
    """Give names out of some."""
    return field(default=default, metadata={"accepted": accepted})


def short_name() -> Any:  # noqa: ANN401 - as above
    """Give a short name, which must be given."""
    return field(metadata={"text": values.short_name})


def a_column() -> Any:  # noqa: ANN401 - as above
    """Give the name of a column of rows; empty for none."""
    return field(default="", metadata={"text": values.column})


def expression(of: str = "signals") -> Any:  # noqa: ANN401 - as above
    """Give an expression over signals or columns, which must be given."""
    return field(metadata={"text": {"signals": values.condition, "columns": values.rule}[of]})


def column() -> Any:  # noqa: ANN401 - as above
    """Give the name of a column, which must be given."""
    return field(metadata={"text": values.text})


def words() -> Any:  # noqa: ANN401 - as above
    """Give texts, each once; none by default."""
    return field(default=(), metadata={"each": values.text})


def rising() -> Any:  # noqa: ANN401 - as above
    """Give numbers that rise; none by default."""
    return field(default=(), metadata={"each": values.finite})
