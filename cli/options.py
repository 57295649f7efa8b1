"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

Server = Annotated[
    str,
    typer.Option("--server", envvar="REMISSION_SERVER", help="Host and port of the server."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
DEFAULT_SERVER = "127.0.0.1:50061"
