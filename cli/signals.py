"""`remission signals`: what others measure is declared, told, and brought in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_SERVER, AsJson, Server

signals = typer.Typer(no_args_is_help=True, help="What others measure: declare it, tell it, bring it in.")
COLUMNS = ("name", "unit", "direction", "tolerance", "provider", "interval_seconds", "silent_after", "silent")


@signals.command()
def run(
    config: Annotated[Path, typer.Option(help="A TOML file: whom to ask, and what for.")],
    server: Server = DEFAULT_SERVER,
    once: Annotated[bool, typer.Option("--once", help="Ask each query once; exit code 1: one of them failed.")] = False,
    logs: Annotated[str, typer.Option(help="console or json.")] = "console",
) -> None:
    """Bring in what others measure, until told to stop (SIGTERM, SIGINT)."""
    from cli.providing import provide

    if not provide(config, server, once=once, logs=logs):
        raise typer.Exit(1)


@signals.command()
def declare(
    model: Annotated[str, typer.Argument(help="Whose signals they are.")],
    file: Annotated[Path, typer.Argument(help=r"A TOML file: all of them, each as \[\[signal]].")],
    server: Server = DEFAULT_SERVER,
) -> None:
    """Declare all signals of a model. One that is not among them any more is withdrawn."""
    from cli.declarations import read
    from cli.reach import reached

    asked = read(file)
    with reached(server) as client:
        told = client.models.update(model, client.models.get(model).etag, signals=asked)
    typer.echo(f"{model}: {len(told.signals)} signals")


@signals.command(name="list")
def list_signals(
    model: Annotated[str, typer.Argument(help="Whose signals they are.")],
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell the signals of a model, and which of them are silent."""
    from cli.reach import reached
    from cli.tables import show, told

    with reached(server) as client:
        silent = set(client.state(model).silent_signals)
        found = [{**told(one), "silent": one.name in silent} for one in client.models.get(model).signals]
    show(found, COLUMNS, as_json=as_json)
