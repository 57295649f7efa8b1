"""Commands about the record: what was signed of the log, receipts for its events, and the keys that sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_SERVER, MOST_POSITION, Server

keys = typer.Typer(
    no_args_is_help=True, help="Make, show and change the keys that sign checkpoints, and the one that wraps the vault."
)

KeyFile = Annotated[Path, typer.Argument(help="The file of keys: the server's setting `signing_key`.")]


def checkpoint(
    out: Annotated[Path | None, typer.Option(help="Write the signed note to this file, which must be new.")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Have all that is committed signed. Keep the note elsewhere: it proves later what stood in the log."""
    from cli.reach import reached

    with reached(server) as client:
        found = client.audit.checkpoint()
    if out is None:
        typer.echo(found.checkpoint.note, nl=False)
    else:
        _write({out: found.checkpoint.note.encode()})
    typer.echo("\n".join(f"key: {key}" for key in found.keys), err=True)


def receipt(
    position: Annotated[int, typer.Argument(help="Position of the event.", max=MOST_POSITION)],
    out: Annotated[
        Path | None, typer.Option(help="Write the receipt here, and the entry beside it as FILE.entry.")
    ] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Give the receipt of an event: a text that proves its place in the log offline."""
    from cli.reach import reached

    with reached(server) as client:
        client.audit.checkpoint()
        found = client.audit.inclusion(position)
    if out is None:
        typer.echo(found.receipt, nl=False)
    else:
        _write({out: found.receipt.encode(), out.with_name(f"{out.name}.entry"): found.leaf})


def tiles(
    folder: Annotated[Path, typer.Argument(help="A folder that is made; what stands there is never written over.")],
    server: Server = DEFAULT_SERVER,
) -> None:
    """Export the whole log as tiles (C2SP tlog-tiles), which anyone can check with no server."""
    from cli.reach import reached
    from cli.tiles import export

    with reached(server) as client:
        count = export(client, folder)
    typer.echo(f"{count} events in {folder}; `remission-verify log {folder} --key KEY` checks them")


def restore(
    database: Annotated[
        str, typer.Option("--db", envvar="REMISSION_DATABASE", help="sqlite:///FILE or postgresql://…")
    ],
) -> None:
    """Declare that a database was restored from a backup, so that it can be served under a new key and name.

    Writers from before are fenced off, and nothing that was signed before counts for it any more.
    """
    from store.restoring import declare_restored

    typer.echo(f"epoch {declare_restored(database)}; serve it with a new signing_key and checkpoint_file")


@keys.command()
def new(
    file: KeyFile,
    name: Annotated[str, typer.Option(help="Name of the log, without spaces and plus signs; else a random one.")] = "",
) -> None:
    """Make the key of a new log, and print its public half for those who will check it."""
    from server.checkpoints.keys import fresh_keys, write_keys

    made = fresh_keys(name)
    write_keys(file, made)
    typer.echo(made.verifiers[0].text)


@keys.command()
def show(file: KeyFile) -> None:
    """Print the public halves of all keys, those that sign first."""
    from server.checkpoints.keys import read_keys

    for verifier in read_keys(file).verifiers:
        typer.echo(verifier.text)


@keys.command()
def rotate(file: KeyFile) -> None:
    """Put a new key before the others. All of them sign, until `retire` is told that nobody needs an old one."""
    from server.checkpoints.keys import read_keys, replace_keys, rotated

    made = rotated(read_keys(file))
    replace_keys(file, made)
    typer.echo(made.verifiers[0].text)


@keys.command()
def retire(
    file: KeyFile,
    key_id: Annotated[str, typer.Argument(help="The hash of the key: the part between the plus signs.")],
) -> None:
    """Let a key sign no more. Its public half stays, so that what it signed can be checked."""
    from server.checkpoints.keys import read_keys, replace_keys, retired

    replace_keys(file, retired(read_keys(file), key_id))


@keys.command()
def wrap(
    new: Annotated[Path, typer.Argument(help="A file of 64 hexadecimal digits that its owner alone can read.")],
    vault: Annotated[str, typer.Option(envvar="REMISSION_VAULT", help="The vault: sqlite:///FILE or postgresql://…")],
    old: Annotated[
        str, typer.Option("--old", help="The file that wraps it so far; none where its keys lie in clear.")
    ] = "",
) -> None:
    """Wrap the keys of a vault by another master key. What they seal stays as it is.

    Then start servers with the new file as `vault_master`; those that run with the old one answer UNAVAILABLE.
    """
    from store.vault import rewrap

    count = rewrap(vault, old=old, new=str(new))
    copies = "the old one opens old copies of the vault" if old else "old copies of the vault lie open"
    typer.echo(f"{count} keys wrapped; vault_master is {new} from here on, and {copies}")


def _write(files: dict[Path, bytes]) -> None:
    """Write files where nothing stands: an older proof is what a newer one is held against."""
    from contextlib import ExitStack

    from remission_verify.placing import new_file

    with ExitStack() as stack:
        for path, data in files.items():
            stack.enter_context(new_file(path)).write(data)
