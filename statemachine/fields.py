"""The fields of a policy: their bounds, and how JSON is read into them. What is refused is named by its dotted path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, field, fields, is_dataclass
from typing import Any, get_type_hints


class PolicyInvalid(ValueError):
    """A field of the policy cannot be taken as it is."""

    def __init__(self, name: str, why: str) -> None:
        """Name the dotted field."""
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


def within(low: float, high: float, default: Any) -> Any:  # noqa: ANN401 - dataclasses.field is typed as the field's own
    """Give a number with its bounds, both of which are accepted."""
    return field(default=default, metadata={"low": low, "high": high})


def one_of(*accepted: str) -> Any:  # noqa: ANN401 - dataclasses.field is typed as the field's own
    """Give a word out of some; the first is the default."""
    return field(default=accepted[0], metadata={"accepted": accepted})


def some_of(accepted: tuple[str, ...], default: tuple[str, ...]) -> Any:  # noqa: ANN401 - as above
    """Give names out of some."""
    return field(default=default, metadata={"accepted": accepted})


def to_json(value: Any) -> Any:  # noqa: ANN401 - any part of a policy
    """Give any part of a policy as JSON, defaults included."""
    known = _known(type(value))
    if known:
        return {name: to_json(getattr(value, name)) for name in known}
    return list(value) if isinstance(value, tuple) else value


def from_json(cls: type[Any], data: Any, where: str) -> Any:  # noqa: ANN401 - any part of a policy
    """Read the part *cls* of a policy, at the dotted path *where*.

    Raises:
        PolicyInvalid: A key is unknown, or a value has the wrong type or lies out of bounds.
    """
    if not isinstance(data, dict):
        raise PolicyInvalid(where.rstrip(".") or "policy", f"{data!r} is not accepted; an object is")
    known, hints = _known(cls), _hints(cls)
    for name in data:
        if name not in known:
            raise PolicyInvalid(f"{where}{name}", f"is unknown; accepted are {', '.join(known)}")
    return cls(**{name: _value(known[name], hints[name], value, f"{where}{name}") for name, value in data.items()})


def faults(cls: type[Any], data: Any, where: str) -> Iterator[PolicyInvalid]:  # noqa: ANN401 - any part of a policy
    """Give all that `from_json` would refuse, one after the other, in the order in which it stands in *data*."""
    known, hints = _known(cls), _hints(cls)
    for name, value in data.items() if isinstance(data, dict) else ():
        if name in known and is_dataclass(hints[name]) and isinstance(value, dict):
            yield from faults(hints[name], value, f"{where}{name}.")
        else:
            yield from _fault(cls, {name: value}, where)
    if not isinstance(data, dict):
        yield from _fault(cls, data, where)


def _fault(cls: type[Any], data: Any, where: str) -> Iterator[PolicyInvalid]:  # noqa: ANN401 - any part of a policy
    try:
        from_json(cls, data, where)
    except PolicyInvalid as error:
        yield error


_KNOWN: dict[type, dict[str, Field[Any]]] = {}
_HINTS: dict[type, dict[str, Any]] = {}  #: reading them evaluates text, and costs more than all the rest


def _known(cls: type) -> dict[str, Field[Any]]:
    """Give the fields of a part by name; nothing for what is no part."""
    if cls not in _KNOWN:
        _KNOWN[cls] = {f.name: f for f in fields(cls)} if is_dataclass(cls) else {}
    return _KNOWN[cls]


def _hints(cls: type) -> dict[str, Any]:
    if cls not in _HINTS:
        _HINTS[cls] = get_type_hints(cls)
    return _HINTS[cls]


def _value(spec: Any, hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    if is_dataclass(hint):
        return from_json(hint, value, f"{where}.")  # type: ignore[arg-type]  # a dataclass is a type here
    if hint is bool:
        return _typed(value, bool, "true or false", where)
    if hint is str:
        accepted = spec.metadata["accepted"]
        if value not in accepted:
            raise PolicyInvalid(where, f"{value!r} is not accepted; one of {', '.join(accepted)} is")
        return value
    if hint == tuple[str, ...]:
        return _names(spec.metadata["accepted"], _typed(value, list, "a list of names", where), where)
    if hint == tuple[int, ...]:
        return _rungs(_typed(value, list, "a list of whole numbers", where), where)
    return _number(spec, hint, value, where)


def _number(spec: Any, hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - int or float
    whole = hint in (int, int | None)
    if value is None and hint in (int | None, float | None):
        return None
    wanted = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise PolicyInvalid(where, f"{value!r} is not accepted; {wanted} is")
    low, high = spec.metadata["low"], spec.metadata["high"]
    if not low <= value <= high:
        raise PolicyInvalid(where, f"{value} is not accepted; {wanted} from {low:g} to {high:g} is")
    return value if whole else float(value)


def _names(accepted: tuple[str, ...], values: list[Any], where: str) -> tuple[str, ...]:
    for i, value in enumerate(values):
        if value not in accepted:
            raise PolicyInvalid(f"{where}[{i}]", f"{value!r} is not accepted; one of {', '.join(accepted)} is")
    return tuple(dict.fromkeys(values))


def _rungs(values: list[Any], where: str) -> tuple[int, ...]:
    whole = all(isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000 for value in values)  # noqa: PLR2004 - basis points
    if not values or not whole or sorted(set(values)) != values or values[-1] < 2_500:  # noqa: PLR2004 - see guards
        raise PolicyInvalid(
            where, f"{values!r} is not accepted; rising basis points below 10000, the last at least 2500, are"
        )
    return tuple(values)


def _typed(value: Any, kind: type[Any], wanted: str, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    if not isinstance(value, kind):
        raise PolicyInvalid(where, f"{value!r} is not accepted; {wanted} is")
    return value
