"""Options that several commands take."""

from __future__ import annotations

import re
from typing import Annotated

import typer

#: What messages of the contract can carry.
MOST_POSITION, MOST_COUNT = 2**63 - 1, 2**31 - 1

#: What gRPC can look up: a host with its port, a name in one of its schemes, or a list in which no name may stand.
_ADDRESS = re.compile(
    r"""(dns|ipv6|unix):.+
    |   ipv4:[0-9.]+:[0-9]{1,5}(,[0-9.]+:[0-9]{1,5})*
    |   (?!https?://|ipv4:)[^\s,]+:[0-9]{1,5}""",
    re.VERBOSE,
)


def _an_address(given: str) -> str:
    if not _ADDRESS.fullmatch(given):
        raise typer.BadParameter(
            f"{given!r} is no address; HOST:PORT is accepted, dns:///HOST:PORT, or ipv4:N.N.N.N:PORT,N.N.N.N:PORT"
        )
    return given


Server = Annotated[
    str,
    typer.Option("--server", envvar="REMISSION_SERVER", help="Host and port of the server.", callback=_an_address),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Vault = Annotated[
    str | None, typer.Option("--vault", help="Vault that the log is sealed with, beside --db; else the one beside it.")
]
VaultMaster = Annotated[str | None, typer.Option("--vault-master", help="File of the key that wraps the vault's keys.")]
DEFAULT_SERVER = "127.0.0.1:50061"


def only_beside_db(**given: object) -> None:
    """Refuse options that say where a database's own things are, where a server is asked, which has them.

    Raises:
        BadParameter: One is given.
    """
    for name, value in given.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter("a server has its own; it is accepted with --db", param_hint=option)
