"""Commands of people on call: what a model waits for, and what they order."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DEFAULT_SERVER, MOST_POSITION, AsJson, Server

Model = Annotated[str, typer.Argument(help="A model.")]
Why = Annotated[str, typer.Option("--reason", help="Kept in the history.")]
Etag = Annotated[str, typer.Option("--etag", help="Of the state that you have seen, as `remission wait` tells it.")]
Seen = Annotated[str, typer.Option("--etag", help="Do it only where the model is still in this state.")]


def wait(model: Model, server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Tell what is wrong, since when, what is awaited, what happens if nobody acts, and which orders are taken."""
    from cli.orders import show_wait

    show_wait(server, model, as_json=as_json)


def watch(
    models: Annotated[list[str] | None, typer.Argument(help="Models; all without one.")] = None,
    after: Annotated[
        int, typer.Option(help="Changes behind this position only; 0 begins with the first.", max=MOST_POSITION)
    ] = 0,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell each change of state on record, and then each that comes, until interrupted."""
    from cli.orders import run_watch

    run_watch(server, models or [], after, as_json=as_json)


def approve(
    model: Model, etag: Etag, reason: Why = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False
) -> None:
    """Let a remedy that awaits approval go on. Who asked for it does not approve it."""
    _order("approve", server, model, reason, etag, as_json=as_json)


def reject(
    model: Model, etag: Etag, reason: Why = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False
) -> None:
    """Refuse a remedy that awaits approval."""
    _order("reject", server, model, reason, etag, as_json=as_json)


def hold(model: Model, reason: Why = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Take the wheel: the service watches and notifies, and acts no more."""
    _order("hold", server, model, reason, "", as_json=as_json)


def release(
    model: Model, reason: Why = "", etag: Seen = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False
) -> None:
    """Give a held model back to the service."""
    _order("release", server, model, reason, etag, as_json=as_json)


def freeze(model: Model, reason: Why = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Stop every change of what is served, at once; the champion alone serves."""
    _order("freeze", server, model, reason, "", as_json=as_json)


def unfreeze(
    model: Model, reason: Why = "", etag: Seen = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False
) -> None:
    """End a freeze. The model is held then, until it is released."""
    _order("unfreeze", server, model, reason, etag, as_json=as_json)


def abort(model: Model, reason: Why = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """End the remedy under way; the champion serves everything."""
    _order("abort", server, model, reason, "", as_json=as_json)


def rollback(model: Model, reason: Why = "", server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """Take a candidate's traffic away; the champion serves everything."""
    _order("roll_back", server, model, reason, "", as_json=as_json)


def retrain(
    model: Model,
    remedy: Annotated[
        str,
        typer.Option(help="recalibrate, restore, refit, since_change, half, recent or all; else the policy's choice."),
    ] = "",
    reason: Why = "",
    etag: Seen = "",
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Ask for a remedy now; it takes the whole road of gates and canary."""
    _order("start_retraining", server, model, reason, etag, as_json=as_json, remedies=[remedy] if remedy else [])


def _order(order: str, server: str, model: str, reason: str, etag: str, *, as_json: bool, **more: list[str]) -> None:
    from cli.orders import give

    give(order, server, model, reason, etag, as_json=as_json, **more)
