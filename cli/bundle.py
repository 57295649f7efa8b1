"""Commands for those who audit: the record of a model as a signed archive, its check offline, and the inventory."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import DEFAULT_SERVER, AsJson, Server, Vault, VaultMaster, only_beside_db

INSTANT = "an instant such as 2026-01-31T12:00:00Z, in UTC where it names no zone"


def export(  # noqa: PLR0913, PLR0917 - each is one option
    model: Annotated[str, typer.Argument(help="A model.")],
    out: Annotated[Path, typer.Option(help="Write the archive here; nothing may stand there yet.")],
    start: Annotated[str, typer.Option("--from", help=f"Where the period begins: {INSTANT}.")] = "",
    end: Annotated[str, typer.Option("--until", help=f"Where it ends: {INSTANT}.")] = "",
    root: Annotated[Path | None, typer.Option(help="Refuse to write outside this folder.")] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="Add kept rows, labels and datasets, sealed as they are.")
    ] = False,
    database: Annotated[str, typer.Option("--db", help="Read this database instead of asking a server.")] = "",
    artifacts: Annotated[str | None, typer.Option(help="Folder or URL of artefacts, beside --db.")] = None,
    signing_key: Annotated[Path | None, typer.Option(help="File of the keys that sign, beside --db.")] = None,
    vault: Vault = None,
    vault_master: VaultMaster = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Write the record of a model up to the end of a period as one signed archive, which proves itself offline."""
    from remission_verify.placing import new_file

    from cli.asof import MomentInvalid, instant_us

    bounds = [instant_us(text, option) if text else None for text, option in ((start, "--from"), (end, "--until"))]
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        raise MomentInvalid(f"--from: {start!r} lies behind --until; an instant up to {end!r} is accepted")
    if not database:
        only_beside_db(artifacts=artifacts, signing_key=signing_key, vault=vault, vault_master=vault_master)
    with new_file(out, root) as file:
        if database:
            where = {"database": database, "artifacts": artifacts, "vault": vault, "vault_master": vault_master}
            where["signing_key"] = str(signing_key) if signing_key else None
            told = _read_from(model, bounds, file, where, rows=rows)
        else:
            told = _asked_of(model, bounds, file, server, rows=rows)
    typer.echo(f"{out}: {told['events']} events, {told['size']} bytes, sha256 {told['sha256']}")


def verify(
    file: Annotated[Path, typer.Argument(help="A bundle that `export` has written, or the folder of an exported log.")],
    key: Annotated[list[str], typer.Option(help="Public key of the log, or a file of them. Get it on another way.")],
    as_json: AsJson = False,
) -> None:
    """Check an archive or an exported log offline, as `remission-verify` does; exit code 1 when anything is wrong."""
    from remission_verify.command import main

    keys = [word for one in key for word in ("--key", one)]
    what = "log" if file.is_dir() else "bundle"
    raise typer.Exit(main([what, str(file), *keys, *(["--json"] if as_json else [])]))


def open_rows(
    file: Annotated[Path, typer.Argument(help="A bundle that `export --rows` has written.")],
    vault: Annotated[str, typer.Option(envvar="REMISSION_VAULT", help="Where the keys of data are.")],
    out: Annotated[Path, typer.Option(help="Write files of lines into this folder; it must be new, or empty.")],
    key: Annotated[list[str], typer.Option(help="Public key of the log, or a file of them. Get it on another way.")],
    vault_master: Annotated[
        str, typer.Option(envvar="REMISSION_VAULT_MASTER", help="The file that wraps the keys.")
    ] = "",
    root: Annotated[Path | None, typer.Option(help="Refuse to write outside this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open the rows of a bundle with the vault; a row whose key is destroyed answers EVIDENCE_ERASED."""
    from cli.opening import opened, show

    show(out, opened(file, vault, out, key, vault_master, root), as_json=as_json)


def inventory(server: Server = DEFAULT_SERVER, as_json: AsJson = False) -> None:
    """List what each model is for, who answers for it, what validated it, and when to look again."""
    from cli.reach import reached
    from cli.tables import day, show, told, unread

    with reached(server) as client:
        listing = client.audit.inventory()
        found = [told(one) for one in listing]
    for one in found:
        validation = one.get("validation", {})
        one["validated"] = f"{day(validation['at_us'])} by {validation['how']}" if validation else "never"
        one["next_review"] = _review(int(one["next_review_us"]))
        one["open"] = ", ".join(f"{finding['what']} {finding['about']}".strip() for finding in one["findings"])
    columns = ("model", "owner", "purpose", "tier", "champion", "state", "validated", "next_review", "open")
    show(found + unread(listing.unreadable), columns, as_json=as_json)


def _review(at_us: int) -> str:
    """Tell the day of a review, and whether it has passed."""
    from cli.tables import day

    if not at_us:
        return "none"
    return f"{day(at_us)}, overdue" if at_us < time.time_ns() // 1_000 else day(at_us)


def _asked_of(  # whoever exports needs no vault: the server has it
    model: str,
    bounds: list[int | None],
    file: Any,  # noqa: ANN401 - an open file
    server: str,
    *,
    rows: bool,
) -> dict[str, Any]:
    from cli.reach import reached

    with reached(server) as client:
        found = client.audit.export(model, file, from_us=bounds[0], until_us=bounds[1], rows=rows)
    return {"events": found.events, "size": found.size_bytes, "sha256": found.sha256}


def _read_from(
    model: str,
    bounds: list[int | None],
    file: Any,  # noqa: ANN401 - an open file
    where: dict[str, str | None],
    *,
    rows: bool,
) -> dict[str, Any]:
    """Read a database: the newest checkpoint on record counts, since only a server signs."""
    from server.bundling.bundle import write_bundle
    from server.bundling.period import Period
    from server.history.folding import version_of
    from server.settings import load
    from server.wiring import opened_kept, opened_source

    settings = load(None, os.environ, **where)
    with ExitStack() as opened:
        source = opened.enter_context(opened_source(settings))
        kept = opened.enter_context(opened_kept(settings)) if rows else None
        found = write_bundle(source, model, Period(*bounds), version_of(source.store, model), file, kept)
    return {"events": found.events, "size": found.size, "sha256": found.sha256}
