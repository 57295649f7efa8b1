"""What the commands about policies print."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import typer

from cli.policies.diff import changes, leaves, retold
from cli.policies.files import PolicyFileInvalid
from cli.policies.source import PolicyRefused, Source, policy_at
from cli.policies.words import sentences


def show_check(file: str, *, as_json: bool) -> bool:
    """Say whether *file* is accepted; what is wrong goes to standard error, a line each."""
    try:
        found = policy_at(file)
    except PolicyRefused as error:
        _tell_faults(file, error.faults, str(error), as_json=as_json)
        return False
    except PolicyFileInvalid as error:
        line, column = error.place or (None, None)
        fault = {"path": "", "line": line, "column": column, "why": error.why, "message": error.why}
        _tell_faults(file, [fault], str(error), as_json=as_json)
        return False
    if as_json:
        _print_json({"file": file, "accepted": True, "faults": []})
    else:
        typer.echo(f"{file}: accepted; {len(leaves(found.said))} fields are given, and all others keep their defaults")
    return True


def show_policy(source: Source, *, as_json: bool) -> None:
    """Tell a policy whole."""
    if as_json:
        _print_json({"name": source.name, "policy": source.policy.to_json(), "sentences": sentences(source.policy)})
        return
    for heading, told in sentences(source.policy).items():
        typer.echo("\n".join((heading, *(f"  {sentence}" for sentence in told))))


def show_diff(old: Source, new: Source, *, as_json: bool) -> bool:
    """Tell what differs; say whether anything does."""
    found, told = changes(old, new), retold(old, new)
    if as_json:
        spoken = [{"heading": heading, "old": before, "new": after} for heading, before, after in told]
        _print_json({
            "old": old.name, "new": new.name, "changes": [asdict(one) for one in found], "sentences": spoken
        })  # fmt: skip
        return bool(found)
    for one in found:
        typer.echo(f"{one.path}: {_value(one.old, said=one.old_said)} → {_value(one.new, said=one.new_said)}")
    for heading, before, after in told:
        typer.echo("\n".join((heading, *(f"  - {line}" for line in before), *(f"  + {line}" for line in after))))
    if not found:
        typer.echo("no difference in what they come to")
    return bool(found)


def _value(value: Any, *, said: bool) -> str:  # noqa: ANN401 - any plain value
    return json.dumps(value) + ("" if said else " (default)")


def _tell_faults(file: str, faults: list[dict[str, Any]], lines: str, *, as_json: bool) -> None:
    if as_json:
        _print_json({"file": file, "accepted": False, "faults": faults})
    typer.echo(lines, err=True)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
