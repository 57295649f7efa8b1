"""Commands that forget people, and that tell who is who to those who may know."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DEFAULT_SERVER, AsJson, Server


def erase(
    subject: Annotated[
        str, typer.Argument(help="The opaque id that was sent with rows, or, with --actor, that of an actor.")
    ],
    actor: Annotated[bool, typer.Option("--actor", help="Forget the name behind the id of an actor.")] = False,
    reason: Annotated[str, typer.Option(help="Kept in the history; nothing that tells who it is.")] = "",
    request_id: Annotated[str, typer.Option(help="Makes the call repeatable; else a new one.")] = "",
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Forget a subject: destroy the keys of everything about it. It cannot be undone."""
    from cli.erasures import show_erasures
    from cli.reach import reached

    with reached(server) as client:
        forget = client.privacy.forget_actor if actor else client.privacy.erase_subject
        found = forget(subject, reason=reason, request_id=request_id)
    show_erasures([found], as_json=as_json)


def erasures(server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """List what was erased, and of which models."""
    from cli.erasures import show_erasures
    from cli.reach import reached

    with reached(server) as client:
        found = list(client.privacy.erasures())
    show_erasures(found, as_json=as_json)


def who(
    actors: Annotated[list[str], typer.Argument(help="Ids of actors, as events hold them; names with --name.")],
    name: Annotated[bool, typer.Option("--name", help="Find the ids of names in certificates instead.")] = False,
    server: Server = DEFAULT_SERVER,
    as_json: AsJson = False,
) -> None:
    """Tell who stands behind the ids of actors, to those who may see names."""
    from cli.actors import show_actors
    from cli.reach import reached

    with reached(server) as client:
        found = client.privacy.who(names=actors) if name else client.privacy.who(*actors)
    show_actors(found, as_json=as_json)
