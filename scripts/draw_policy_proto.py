"""Draws policy.proto from the dataclasses of the policy, so that there is one model of it.

Numbers of fields stand in a table, `proto/policy_numbers.json`. A new field gets the next one; that of a field which is
no more is never used again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from scripts.policy_meanings import meanings
from statemachine.policies.policy import Policy

PROTO = Path(__file__).resolve().parents[1] / "proto"
FILE, NUMBERS = PROTO / "remission" / "v1" / "policy.proto", PROTO / "policy_numbers.json"
PLAIN = {int: "int64", float: "double", bool: "bool", str: "string"}
Numbers = dict[str, dict[str, int]]

HEAD = """// Drawn by scripts/draw_policy_proto.py from the policy of the service. Do not edit it by hand.

syntax = "proto3";

package remission.v1;

// Policy says what matters to a model, how sure the service must be, and what it may do alone. What is not set keeps
// its default; defaults, bounds and conditions are those of the JSON form, and stand in docs/policy.md.
message Policy {
  // Names is a list of names, which may be empty where it is set.
  message Names {
    // values are the names.
    repeated string values = 1;
  }
"""


def main() -> None:
    """Write the file and the table; with `--check`, only say whether they are fresh."""
    numbers, text = drawn(json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {})
    table = json.dumps(numbers, indent=2) + "\n"
    if "--check" in sys.argv:
        fresh = (NUMBERS.read_text(encoding="utf-8"), FILE.read_text(encoding="utf-8")) == (table, text)
        sys.exit(0 if fresh else "policy.proto is stale; run `python -m scripts.draw_policy_proto`, then `make proto`")
    NUMBERS.write_text(table, encoding="utf-8")
    FILE.write_text(text, encoding="utf-8")


def drawn(numbers: Numbers) -> tuple[Numbers, str]:
    """Give the table with a number for each field, and the text of the file."""
    made = {name: dict(known) for name, known in numbers.items()}
    parts = [line for part, prefix in _parts(Policy, "") for line in _message(part, prefix, made)]
    own = _fields(Policy, "", made)
    return made, HEAD + "".join(f"{line}\n" for line in (*parts, *own, "}"))


def _parts(section: Any, prefix: str) -> Iterator[tuple[Any, str]]:  # noqa: ANN401 - a class
    """Give the parts of a section, each behind those that it holds, with what their dotted names begin with."""
    hints = get_type_hints(section)
    for one in fields(section):
        part = _part(hints[one.name])
        if part is not None:
            yield from _parts(part, f"{prefix}{one.name}.")
            yield part, f"{prefix}{one.name}."


def _message(part: Any, prefix: str, numbers: Numbers) -> Iterator[str]:  # noqa: ANN401 - a class
    said = (part.__doc__ or "").split("; see ")[0].rstrip(".")
    yield f"  // {part.__name__}: {said}."
    yield f"  message {part.__name__} {{"
    yield from (f"  {line}" for line in _fields(part, prefix, numbers))
    yield "  }"


def _fields(section: Any, prefix: str, numbers: Numbers) -> Iterator[str]:  # noqa: ANN401 - a class
    known, hints = numbers.setdefault(section.__name__, {}), get_type_hints(section)
    said = meanings(section, prefix)
    for one in fields(section):
        known.setdefault(one.name, max(known.values(), default=0) + 1)
        yield f"  // {one.name}: {_told(one, hints[one.name], said)}."
        yield f"  {_type(hints[one.name])} {one.name} = {known[one.name]};"
    gone = [number for name, number in known.items() if name not in hints]
    yield from ([f"  reserved {', '.join(map(str, gone))};"] if gone else [])


def _told(one: Field[Any], hint: Any, said: dict[str, str]) -> str:  # noqa: ANN401 - any annotation
    part = _part(hint)
    return said.get(one.name) or (part.__doc__ or "").split("\n")[0].split("; see ")[0].rstrip(".")


def _type(hint: Any) -> str:  # noqa: ANN401 - any annotation
    part = _part(hint)
    if part is not None:
        return part.__name__ if part is hint else f"repeated {part.__name__}"
    if hint == tuple[str, ...]:
        return "Names"
    if hint in (tuple[int, ...], tuple[float, ...]):
        return f"repeated {PLAIN[get_args(hint)[0]]}"
    return f"optional {PLAIN[get_args(hint)[0] if isinstance(hint, UnionType) else hint]}"


def _part(hint: Any) -> Any:  # noqa: ANN401 - any annotation
    """Give the part of a policy that *hint* is, or is a list of; None where it is none."""
    return next((one for one in (hint, *get_args(hint)[:1]) if is_dataclass(one)), None)


if __name__ == "__main__":
    main()
