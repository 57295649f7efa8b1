"""The fields of a policy: their bounds, and how JSON is read into them. What is refused is named by its dotted path."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, field, fields, is_dataclass
from types import GenericAlias
from typing import Any, get_args, get_type_hints

from statemachine.conditions import signals_of
from statemachine.grammar import ExpressionInvalid
from statemachine.rules import columns_of

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
MOST_PARTS = 20  #: conditions in a policy
MOST_TEXT = 200  #: characters of a column or a category


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


def short_name() -> Any:  # noqa: ANN401 - as above
    """Give a short name, which must be given."""
    return field(metadata={"text": _name})


def a_column() -> Any:  # noqa: ANN401 - as above
    """Give the name of a column of rows; empty for none."""
    return field(default="", metadata={"text": _column})


def expression(of: str = "signals") -> Any:  # noqa: ANN401 - as above
    """Give an expression over signals or columns, which must be given."""
    return field(metadata={"text": {"signals": _condition, "columns": _rule}[of]})


def column() -> Any:  # noqa: ANN401 - as above
    """Give the name of a column, which must be given."""
    return field(metadata={"text": _plain})


def words() -> Any:  # noqa: ANN401 - as above
    """Give texts, each once; none by default."""
    return field(default=(), metadata={"each": _plain})


def rising() -> Any:  # noqa: ANN401 - as above
    """Give numbers that rise; none by default."""
    return field(default=(), metadata={"each": _finite})


def to_json(value: Any) -> Any:  # noqa: ANN401 - any part of a policy
    """Give any part of a policy as JSON, defaults included."""
    known = _known(type(value))
    if known:
        return {name: to_json(getattr(value, name)) for name in known}
    return [to_json(item) for item in value] if isinstance(value, tuple) else value


def from_json(cls: type[Any], data: Any, where: str) -> Any:  # noqa: ANN401 - any part of a policy
    """Read the part *cls* of a policy, at the dotted path *where*.

    Raises:
        PolicyInvalid: A key is unknown, or a value has the wrong type or lies out of bounds.
    """
    if not isinstance(data, dict):
        raise PolicyInvalid(where.rstrip(".") or "policy", f"{_shown(data)} is not accepted; an object is")
    known, hints = _known(cls), _hints(cls)
    for refused in (*_strangers(known, data, where), *_missing(known, data, where)):
        raise refused
    values = {name: _value(known[name], hints[name], value, f"{where}{name}") for name, value in data.items()}
    try:
        return cls(**values)
    except ValueError as error:  # what the fields are to each other
        raise PolicyInvalid(where.rstrip("."), str(error)) from error


def faults(cls: type[Any], data: Any, where: str) -> Iterator[PolicyInvalid]:  # noqa: ANN401 - any part of a policy
    """Give all that `from_json` would refuse, one after the other."""
    if not isinstance(data, dict):
        yield from _fault(lambda: from_json(cls, data, where))
        return
    known, hints = _known(cls), _hints(cls)
    inside = [*_strangers(known, data, where), *_missing(known, data, where)]
    for name in data:
        if name in known:
            inside += _faults_of(known[name], hints[name], data[name], f"{where}{name}")
    yield from inside or _fault(lambda: from_json(cls, data, where))


def _faults_of(spec: Any, hint: Any, value: Any, where: str) -> list[PolicyInvalid]:  # noqa: ANN401 - any field
    part = _part(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return [*faults(hint, value, f"{where}.")]
    if part is not None and isinstance(value, list) and len(value) <= MOST_PARTS:
        inside = [fault for i, item in enumerate(value) for fault in faults(part, item, f"{where}[{i}].")]
        return inside or [*_fault(lambda: _value(spec, hint, value, where))]
    return [*_fault(lambda: _value(spec, hint, value, where))]


def _fault(read: Callable[[], object]) -> Iterator[PolicyInvalid]:
    try:
        read()
    except PolicyInvalid as error:
        yield error


def _strangers(known: dict[str, Field[Any]], data: dict[str, Any], where: str) -> Iterator[PolicyInvalid]:
    for name in data:
        if name not in known:
            yield PolicyInvalid(f"{where}{name}", f"is unknown; accepted are {', '.join(known)}")


def _missing(known: dict[str, Field[Any]], data: dict[str, Any], where: str) -> Iterator[PolicyInvalid]:
    for name, spec in known.items():
        if name not in data and spec.default is MISSING and spec.default_factory is MISSING:
            yield PolicyInvalid(f"{where}{name}", "is missing; it must be given")


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
        return _word(spec, value, where)
    if isinstance(hint, GenericAlias):
        return _list(spec, hint, value, where)
    return _number(spec, hint, value, where)


def _word(spec: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    if "text" in spec.metadata:
        return spec.metadata["text"](_typed(value, str, "a text", where), where)
    accepted = spec.metadata["accepted"]
    if value not in accepted:
        raise PolicyInvalid(where, f"{_shown(value)} is not accepted; one of {', '.join(accepted)} is")
    return value


def _list(spec: Any, hint: Any, value: Any, where: str) -> tuple[Any, ...]:  # noqa: ANN401 - any field of a policy
    part = _part(hint)
    if part is not None:
        return _parts(part, _typed(value, list, "a list of objects", where), where)
    if "each" in spec.metadata:
        return _rising(spec.metadata["each"], _typed(value, list, "a list", where), where)
    if hint == tuple[str, ...]:
        return _names(spec.metadata["accepted"], _typed(value, list, "a list of names", where), where)
    return _rungs(_typed(value, list, "a list of whole numbers", where), where)


def _part(hint: Any) -> type | None:  # noqa: ANN401 - any annotation
    """Give the part of a policy of which *hint* is a list; None where it is none."""
    inner = get_args(hint)[:1]
    return inner[0] if inner and is_dataclass(inner[0]) and isinstance(inner[0], type) else None


def _parts(part: type, values: list[Any], where: str) -> tuple[Any, ...]:
    if len(values) > MOST_PARTS:
        raise PolicyInvalid(where, f"{len(values)} are not accepted; {MOST_PARTS} are")
    made = tuple(from_json(part, value, f"{where}[{i}].") for i, value in enumerate(values))
    for i, one in enumerate(made):
        if any(one.name == before.name for before in made[:i]):
            raise PolicyInvalid(f"{where}[{i}].name", f"{one.name!r} is taken; another is accepted")
    return made


def _name(text: str, where: str) -> str:
    if not NAME.fullmatch(text):
        raise PolicyInvalid(where, f"{text!r} is not accepted; a letter and up to 62 of a to z, 0 to 9 and _ are")
    return text


def _column(text: Any, where: str) -> str:  # noqa: ANN401 - whatever was read
    return _plain(text, where) if text else ""


def _plain(text: Any, where: str) -> str:  # noqa: ANN401 - whatever was read
    if not 0 < len(_typed(text, str, "a text", where)) <= MOST_TEXT or not text.isprintable():
        raise PolicyInvalid(where, f"{text!r} is not accepted; 1 to {MOST_TEXT} characters that can be printed are")
    return str(text)


def _finite(value: Any, where: str) -> float:  # noqa: ANN401 - whatever was read
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < math.inf:
        raise PolicyInvalid(where, f"{value!r} is not accepted; a finite number is")
    return float(value)


def _rising(each: Callable[[Any, str], Any], values: list[Any], where: str) -> tuple[Any, ...]:
    """Read numbers that rise, or texts, each of which is another."""
    made = [each(value, f"{where}[{i}]") for i, value in enumerate(values)]
    for i, value in enumerate(made[1:], start=1):
        if value in made[:i] or (isinstance(value, float) and value < made[i - 1]):
            raise PolicyInvalid(f"{where}[{i}]", f"{value!r} is not accepted; another text, or a higher number, is")
    return tuple(made)


def _condition(text: str, where: str) -> str:
    try:
        signals_of(text)
    except ExpressionInvalid as error:
        raise PolicyInvalid(where, str(error)) from error
    return text


def _rule(text: str, where: str) -> str:
    try:
        columns_of(text)
    except ExpressionInvalid as error:
        raise PolicyInvalid(where, str(error)) from error
    return text


def _number(spec: Any, hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - int or float
    whole = hint in (int, int | None)
    if value is None and hint in (int | None, float | None):
        return None
    wanted = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise PolicyInvalid(where, f"{_shown(value)} is not accepted; {wanted} is")
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
        raise PolicyInvalid(where, f"{_shown(value)} is not accepted; {wanted} is")
    return value


def _shown(value: Any) -> str:  # noqa: ANN401 - anything that JSON holds
    """Write a value for a message; what JSON calls otherwise than Python, as JSON does."""
    return json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
