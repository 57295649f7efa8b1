"""Commands about policies: whether one is accepted, what it says, and what another would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_SERVER, AsJson, Server

policies = typer.Typer(no_args_is_help=True, help="Check, show and compare policies. Files are JSON, or YAML by name.")

SOURCE = "A file, `default` (built in), `model:NAME`, or `model:NAME@VERSION` from its log."
WRONG_USE = 2


@policies.command()
def check(
    file: Annotated[str, typer.Argument(help="JSON; YAML if it ends in .yaml or .yml; or `default`, built in.")],
    as_json: AsJson = False,
) -> None:
    """Say whether a policy is accepted, or everything that is wrong with it, each at its line. No server is asked."""
    from cli.policies.telling import show_check

    if not show_check(file, as_json=as_json):
        raise typer.Exit(WRONG_USE)


@policies.command()
def show(
    source: Annotated[str, typer.Argument(help=SOURCE)],
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell a policy in sentences, with all that it leaves to defaults; with --json, the whole of it."""
    from cli.policies.source import policy_from
    from cli.policies.telling import show_policy

    show_policy(policy_from(source, server), as_json=as_json)


@policies.command()
def diff(
    old: Annotated[str, typer.Argument(help=SOURCE)],
    new: Annotated[str, typer.Argument(help=SOURCE)],
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell what differs between two policies, by name and in sentences. Exit code 1: something does."""
    from cli.policies.source import policy_from
    from cli.policies.telling import show_diff

    if show_diff(policy_from(old, server), policy_from(new, server), as_json=as_json):
        raise typer.Exit(1)


@policies.command("try")
def attempt(  # noqa: PLR0913, PLR0917 - each is one option
    source: Annotated[str, typer.Argument(help=SOURCE)],
    stream: Annotated[Path | None, typer.Option(help="Recorded history: CSV (plain or gzipped) or Parquet.")] = None,
    target: Annotated[str, typer.Option(help="Column of the truth, of the stream.")] = "",
    against: Annotated[str, typer.Option(help="Policy to compare with, on the stream.")] = "defaults",
    task: Annotated[str | None, typer.Option(help="binary, multiclass or regression; else inferred.")] = None,
    drop: Annotated[str, typer.Option(help="Columns to leave out: A,B.")] = "",
    time: Annotated[str | None, typer.Option(help="Column to order by.")] = None,
    label_delay: Annotated[int | None, typer.Option(help="Rows until the truth is known.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the runs.")] = 0,
    model: Annotated[str, typer.Option(help="Instead of a stream: the decisions in the log of this model.")] = "",
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell what a policy would have done, to a recorded stream or to the decisions in a model's log.

    Nothing is changed.

    Example: remission policy try mine.yaml --stream rides.csv.gz --target ridership --task regression
    """
    if (stream is None) == (not model):
        raise typer.BadParameter("one of --stream and --model is accepted", param_hint="--stream")
    if stream is not None and not target:
        raise typer.BadParameter("the column of the truth is needed with --stream", param_hint="--target")
    from cli.policies import trial
    from cli.policies.source import policy_from

    tried = policy_from(source, server)
    if stream is None:
        trial.show_model_trial(trial.try_on_model(server, model, tried), as_json=as_json)
        return
    from backtest.stream import read_stream

    columns = tuple(part.strip() for part in drop.split(",") if part.strip())
    rows = read_stream(stream, target, task=task, drop=columns, time=time)
    sides = {"old": policy_from(against, server), "new": tried}
    found = trial.try_on_stream(rows, sides, {"label_delay": label_delay, "seed": seed})
    trial.show_stream_trial(found, as_json=as_json)
