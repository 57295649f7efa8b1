"""`remission open`: a bundle is checked first, then its rows are opened, and nothing is left half-written."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import orjson
import typer
from remission_verify.bundle import check_bundle
from remission_verify.findings import Findings
from remission_verify.keys import read_verifiers
from remission_verify.placing import new_folder
from remission_verify.telling import as_table
from remission_verify.trust import Trust

from server.bundling.opening import EVIDENCE_ERASED, LOST, Opened, open_rows
from store.vault import read_vault

MOST_NAMED = 20  #: entries that a terminal is told of; all stand in the file


def opened(file: Path, vault: str, out: Path, keys: list[str], master: str, root: Path | None) -> Opened:
    """Open the rows of the bundle *file* into the new folder *out*.

    Raises:
        VerificationError: The keys are none, or the folder cannot be written.
        VaultFault: The vault cannot be used.
        KeyUnknown: It is not the one whose keys the rows are sealed under.
    """
    found = check_bundle(file, Trust(tuple(read_verifiers(keys))))
    if not found.whole:
        raise typer.Exit(_shown(found))
    with new_folder(out, root) as folder:
        keyring = read_vault(vault, namespace=str(found.more["namespace"]), master=master)
        try:
            return open_rows(file, str(found.more["model"]), keyring, folder)
        finally:
            keyring.close()


def show(out: Path, done: Opened, *, as_json: bool) -> None:
    """Tell what was opened, and by name what is erased."""
    if as_json:
        typer.echo(orjson.dumps(asdict(done)))
        return
    typer.echo(f"{out}: {done.rows} rows, {done.labels} labels, {done.datasets} datasets; {done.withheld} withheld")
    for name in list(done.erased)[:MOST_NAMED]:
        typer.echo(f"{name}: {EVIDENCE_ERASED}: {done.erased[name]} of its rows")
    if len(done.erased) > MOST_NAMED:
        typer.echo(f"and {len(done.erased) - MOST_NAMED} more; {LOST}.jsonl names each")


def _shown(found: Findings) -> int:
    typer.echo(as_table(found, ""))
    return 1
