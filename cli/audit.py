"""Commands that hold the record against itself."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DEFAULT_SERVER, MOST_POSITION, AsJson, Server, Vault, VaultMaster, only_beside_db

INTERRUPTED = 130  #: exit code of what an interrupt has ended, as shells have it


def replay(
    model: Annotated[str, typer.Argument(help="A model; with --db all without one.")] = "",
    derive: Annotated[
        bool, typer.Option("--derive", help="Also derive every decision again from its evidence.")
    ] = False,
    database: Annotated[
        str, typer.Option("--db", help="Read this database instead of asking a server; one may run beside.")
    ] = "",
    jobs: Annotated[int, typer.Option(min=0, help="Processes that derive, with --db; 0: as many as pay.")] = 0,
    vault: Vault = None,
    vault_master: VaultMaster = None,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Fold logs again and compare; exit code 1 when anything differs."""
    if database:
        from cli.recheck import ReplayInterrupted, run_recheck
        from server.settings import load

        settings = load(None, database=database, vault=vault, vault_master=vault_master)
        try:
            equal = run_recheck(model, settings, derive=derive, jobs=jobs, as_json=as_json)
        except ReplayInterrupted as told:
            typer.echo(f"remission: {told}", err=True)
            raise typer.Exit(INTERRUPTED) from told
    else:
        from cli.replay import run_replay

        only_beside_db(vault=vault, vault_master=vault_master)
        if jobs:
            raise typer.BadParameter("a server derives by itself; --db takes jobs", param_hint="--jobs")
        if not model:
            raise typer.BadParameter("a model is needed where a server is asked; --db reads all", param_hint="MODEL")
        equal = run_replay(model, server, derive=derive, as_json=as_json)
    if not equal:
        raise typer.Exit(1)


def explain(
    model: Annotated[str, typer.Argument(help="A model.")],
    position: Annotated[int, typer.Argument(help="Of an event that records a decision.", max=MOST_POSITION)],
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell one decision in sentences, and make it again from its evidence; exit code 1 when a field differs."""
    from cli.explain import run_explain

    if not run_explain(model, position, server, as_json=as_json):
        raise typer.Exit(1)
