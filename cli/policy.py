"""Commands about policies: whether one is accepted, what it says, and what another would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_SERVER, AsJson, Server

policies = typer.Typer(no_args_is_help=True, help="Check, show and compare policies. Files are JSON, or YAML by name.")

SOURCE = "A file, `defaults`, `model:NAME`, or `model:NAME@VERSION` from its log."
WRONG_USE = 2


@policies.command()
def check(
    file: Annotated[Path, typer.Argument(help="JSON; YAML if it ends in .yaml or .yml.")],
    as_json: AsJson = False,
) -> None:
    """Say whether a policy is accepted, or everything that is wrong with it, each at its line. No server is asked."""
    from cli.policy_telling import show_check

    if not show_check(file, as_json=as_json):
        raise typer.Exit(WRONG_USE)


@policies.command()
def show(
    source: Annotated[str, typer.Argument(help=SOURCE)],
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell a policy in sentences, with all that it leaves to defaults; with --json, the whole of it."""
    from cli.policy_source import policy_from
    from cli.policy_telling import show_policy

    show_policy(policy_from(source, server), as_json=as_json)


@policies.command()
def diff(
    old: Annotated[str, typer.Argument(help=SOURCE)],
    new: Annotated[str, typer.Argument(help=SOURCE)],
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell what differs between two policies, by name and in sentences. Exit code 1: something does."""
    from cli.policy_source import policy_from
    from cli.policy_telling import show_diff

    if show_diff(policy_from(old, server), policy_from(new, server), as_json=as_json):
        raise typer.Exit(1)
