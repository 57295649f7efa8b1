"""The parts of a policy, nested as they are declared: how JSON is read into them, and written again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from types import GenericAlias
from typing import Any, get_args, get_type_hints

from statemachine.policies.values import PolicyInvalid, names, number, rising, rungs, shown, typed, word

MOST_PARTS = 20  #: conditions in a policy


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
        raise PolicyInvalid(where.rstrip(".") or "policy", f"{shown(data)} is not accepted; an object is")
    known, hints = _known(cls), _hints(cls)
    for refused in (*_strangers(known, data, where), *_missing(known, data, where)):
        raise refused
    values = {name: _value(known[name], hints[name], value, f"{where}{name}") for name, value in data.items()}
    try:
        return cls(**values)
    except PolicyInvalid:  # which names its field already
        raise
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


def _value(spec: Any, hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401 - any field of a policy
    if is_dataclass(hint):
        return from_json(hint, value, f"{where}.")  # type: ignore[arg-type]  # a dataclass is a type here
    if hint is bool:
        return typed(value, bool, "true or false", where)
    if hint is str:
        return word(spec, value, where)
    if isinstance(hint, GenericAlias):
        return _list(spec, hint, value, where)
    return number(spec, hint, value, where)


def _list(spec: Any, hint: Any, value: Any, where: str) -> tuple[Any, ...]:  # noqa: ANN401 - any field of a policy
    part = _part(hint)
    if part is not None:
        return _parts(part, typed(value, list, "a list of objects", where), where)
    if "each" in spec.metadata:
        return rising(spec.metadata["each"], typed(value, list, "a list", where), where)
    if hint == tuple[str, ...]:
        return names(spec.metadata["accepted"], typed(value, list, "a list of names", where), where)
    return rungs(typed(value, list, "a list of whole numbers", where), where)


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
