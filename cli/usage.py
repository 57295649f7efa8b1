"""What the command says when it was asked in a wrong way: one line, as for every other refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from typer.exceptions import TyperException


def told(error: TyperException, command: Any, given: Sequence[str]) -> str:  # noqa: ANN401 - typer names no type for it
    """Say what is wrong in what was *given* to *command*, and where help is.

    Empty where help itself has been shown, as for a group without a command.
    """
    message = error.format_message().strip().removesuffix(".")
    if not message:
        return ""
    context = getattr(error, "ctx", None)  # an option that lacks its value has none
    asked = context.command_path if context is not None else " ".join(["remission", *_path(command, given)])
    return f"{' '.join(message.split())}; `{asked} --help` tells what is accepted"


def _path(command: Any, given: Sequence[str]) -> list[str]:  # noqa: ANN401 - as above
    """Give the names of the commands that *given* begins with, down to the one that was meant."""
    inner = getattr(command, "commands", {}).get(given[0]) if given else None
    return [given[0], *_path(inner, given[1:])] if inner is not None else []
