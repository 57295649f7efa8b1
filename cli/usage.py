"""What the command says when it was asked in a wrong way: one line, as for every other refusal."""

from __future__ import annotations

from typer.exceptions import TyperException


def told(error: TyperException) -> str:
    """Say what is wrong and where help is; empty where help itself has been shown, as for a group without a command."""
    message = error.format_message().strip().removesuffix(".")
    if not message:
        return ""
    context = getattr(error, "ctx", None)  # only errors of usage have one
    asked = context.command_path if context is not None else "remission"
    return f"{' '.join(message.split())}; `{asked} --help` tells what is accepted"
