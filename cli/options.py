"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

#: What messages of the contract can carry.
MOST_POSITION, MOST_COUNT = 2**63 - 1, 2**31 - 1

Server = Annotated[
    str,
    typer.Option("--server", envvar="REMISSION_SERVER", help="Host and port of the server."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Vault = Annotated[
    str | None, typer.Option("--vault", help="Vault that the log is sealed with, beside --db; else the one beside it.")
]
VaultMaster = Annotated[str | None, typer.Option("--vault-master", help="File of the key that wraps the vault's keys.")]
DEFAULT_SERVER = "127.0.0.1:50061"
