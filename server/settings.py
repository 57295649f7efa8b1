"""Settings: typed, from a TOML file and the environment, refused when they make no sense."""

from __future__ import annotations

import ipaddress
import os
import tomllib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec
from remission_verify.cosignature import Witness
from remission_verify.errors import NoteInvalid

from statemachine.externals import PROVIDER

PREFIX = "REMISSION_"
#: Variables of the same family that are for the commands that call a server.
OF_CLIENTS = frozenset(
    ("REMISSION_SERVER", "REMISSION_CLIENT_AUTHORITY", "REMISSION_CLIENT_CERTIFICATE", "REMISSION_CLIENT_KEY")
)
BESIDE = "sqlite:///"
#: Half a year: the least that a deployer of a high-risk system keeps its logs (EU AI Act, article 26(6)).
LEAST_RECORD_DAYS = 183
LOOPBACK_NAMES = ("localhost",)
BOUNDS: dict[str, tuple[float, float]] = {
    "port": (0, 65_535),
    "message_bytes": (1 << 20, 1 << 30),
    "calls": (1, 100_000),
    "watches": (1, 1_000_000),
    "readers": (1, 16),  # a SQLite database has 16 connections for those who ask
    "timer_seconds": (0.01, 3_600),
    "drain_seconds": (0, 3_600),
    "connection_seconds": (1, 86_400),
    "keep_rows_days": (0, 36_500),
    "keep_evidence_days": (0, 36_500),
    "keep_events_days": (0, 36_500),
    "keep_answers_days": (0, 36_500),
}


class SettingsInvalid(ValueError):
    """A setting cannot be taken as it is."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server runs. Every field can be set in the file, or as REMISSION_<FIELD> in the environment."""

    host: str = "127.0.0.1"
    port: int = 50_061  #: 0 takes a free one, and says which
    database: str = "sqlite:///remission.db"
    vault: str = ""  #: where the keys of data are; beside a SQLite database without it
    vault_master: str = ""  #: a file that wraps them
    artifacts: str = "remission-artifacts"  #: a folder, or a URL that fsspec knows
    signing_key: str = ""  #: a file of keys; beside the database without it
    checkpoint_file: str = ""  #: keeps the newest checkpoint; "" is the key's file and .checkpoint
    witness_url: str = ""  #: where a witness takes checkpoints (C2SP tlog-witness)
    witness_key: str = ""  #: by which its cosignatures are checked
    clock: Literal["system", "stream"] = "system"
    tls_certificate: str = ""
    tls_key: str = ""
    tls_client_authority: str = ""  #: certificates of clients are checked against it
    tls_revoked: str = ""  #: a file that lists certificates of clients that are not let in any more
    connection_seconds: float = 3_600.0  #: that a connection takes new calls; those under way then have as long again
    may_see_names: str = ""  #: names in certificates, separated by commas, of those who may ask who an actor is
    providers: str = ""  #: PROVIDER=NAME, separated by commas: names in certificates that speak for a provider
    message_bytes: int = 64 << 20
    calls: int = 256  #: calls that are worked on at once
    readers: int = 8  #: threads that ask the database
    watches: int = 1_000  #: models whose rows are held in memory; beyond it those go that were idle for an hour
    timer_seconds: float = 1.0  #: between two looks at timers and leases
    drain_seconds: float = 10.0
    keep_rows_days: int = 0  #: rows and labels go when they are older, by whole periods; 0 keeps them for ever
    keep_evidence_days: int = 0  #: so does what decisions rest on, but for what a model cannot do without
    keep_events_days: int = 0  #: what a model's events tell goes so long after it was retired
    keep_answers_days: int = 90  #: how long a repeated request gets its first answer; 0 is for ever
    keep_checkpoints: Literal["thinned", "all"] = "thinned"  #: with age one a minute, an hour, a day
    logs: Literal["console", "json"] = "console"

    @property
    def vault_url(self) -> str:
        """Where the keys of data are kept: what is set, or `NAME-vault.db` beside `NAME.db`."""
        if self.vault or not self.database.startswith(BESIDE):
            return self.vault or "memory://"
        path, mark, query = self.database.removeprefix(BESIDE).partition("?")
        file = Path(path)
        return f"{BESIDE}{file.with_name(f'{file.stem}-vault{file.suffix}')}{mark}{query}"

    @property
    def seers(self) -> frozenset[str]:
        """The names in certificates of those who may ask who an actor is, and have one forgotten."""
        return frozenset(listed(self.may_see_names))

    @property
    def speakers(self) -> dict[str, frozenset[str]]:
        """The names in certificates of those who speak for each provider that is bound to some."""
        pairs = [bound(one) for one in listed(self.providers)]
        return {name: frozenset(who for of, who in pairs if of == name) for name, _ in pairs}

    @property
    def address(self) -> str:
        """Where to listen, as gRPC writes it."""
        host = self.host.strip("[]")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def listed(text: str) -> list[str]:
    """Give what is separated by commas.

    >>> listed("a, b,")
    ['a', 'b']
    """
    return [one for one in map(str.strip, text.split(",")) if one]


def bound(text: str) -> tuple[str, str]:
    """Give a provider and a name in a certificate that speaks for it; each is empty where it is not given.

    >>> bound("prometheus = prom.ops.example")
    ('prometheus', 'prom.ops.example')
    """
    name, _, who = (part.strip() for part in text.partition("="))
    return name, who


@dataclass(frozen=True, slots=True)
class _Given:
    """A value, and what it is called where it was set."""

    called: str
    value: object


def load(path: Path | None, environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:  # noqa: ANN401 - fields
    """Read settings: *given* before the environment before the file before the defaults.

    Raises:
        SettingsInvalid: A key is unknown, a value is of the wrong type, or the whole is unsafe.
    """
    found = {**_from_file(path), **_from(environment)}
    found |= {name: _Given(name, value) for name, value in given.items() if value is not None}
    made = Settings(**{name: _typed(name, one) for name, one in found.items()})
    for problem in _problems(made):
        raise SettingsInvalid(problem)
    return made


def _from_file(path: Path | None) -> dict[str, _Given]:
    if path is None:
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsInvalid(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise SettingsInvalid(f"{path}: is no TOML: {error}") from error
    return {name: _Given(f"{path}: {name}", value) for name, value in values.items()}


def _from(environment: Mapping[str, str]) -> dict[str, _Given]:
    return {
        name.removeprefix(PREFIX).lower(): _Given(name, value)
        for name, value in environment.items()
        if name.startswith(PREFIX) and name not in OF_CLIENTS
    }


def to_serve(made: Settings) -> Settings:
    """Let settings pass that a server can run by; to look at a log takes less.

    Raises:
        SettingsInvalid: There is nowhere to keep the keys of what is taken in, or the artefacts.
    """
    if made.database.startswith("postgresql") and not made.vault:
        raise SettingsInvalid(
            "vault: is empty; with a PostgreSQL database, sqlite:///FILE or another PostgreSQL database is accepted"
        )
    if not _can_keep(made.artifacts):
        raise SettingsInvalid(
            f"artifacts: {made.artifacts!r} is no folder that this user can write; such a folder, a path where nothing "
            "stands, or a URL that fsspec knows is accepted"
        )
    return made


def _can_keep(artifacts: str) -> bool:
    place = Path(artifacts)
    if "://" in artifacts or not place.exists():
        return True
    return place.is_dir() and os.access(place, os.R_OK | os.W_OK | os.X_OK)


def _typed(name: str, one: _Given) -> Any:  # noqa: ANN401 - of the field's type
    fields = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    if name not in fields:
        raise SettingsInvalid(f"{one.called}: is unknown; known are {', '.join(sorted(fields))}")
    try:
        return msgspec.convert(one.value, fields[name], strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(
            f"{one.called}: {one.value!r} is not accepted; {_accepted(name, fields[name])}"
        ) from error


def _accepted(name: str, kind: Any) -> str:  # noqa: ANN401 - of a field
    if name in BOUNDS:
        low, high = BOUNDS[name]
        return f"{low} to {high} is"
    words = typing.get_args(kind)
    return f"{' or '.join(words)} is" if words else "a text is"


def _problems(made: Settings) -> Iterator[str]:
    for name, (low, high) in BOUNDS.items():
        if not low <= getattr(made, name) <= high:
            yield f"{name}: {getattr(made, name)} is not accepted; {low} to {high} is"
    for name in ("host", "database", "artifacts"):
        if not getattr(made, name):
            yield f"{name}: is empty"
    yield from _of_the_record(made)
    yield from _of_the_vault(made)
    yield from _of_certificates(made)
    yield from _problems_of_the_witness(made)
    yield from _problems_of_providers(made)
    if not _is_loopback(made.host) and not made.tls_client_authority:
        yield (
            f"host: {made.host!r} can be reached from other machines; accepted with tls_certificate, tls_key and "
            "tls_client_authority, or on a loopback address such as 127.0.0.1"
        )


def _of_certificates(made: Settings) -> Iterator[str]:
    if bool(made.tls_certificate) != bool(made.tls_key):
        yield "tls_certificate, tls_key: one alone is not accepted; both are, or neither"
    if made.tls_client_authority and not made.tls_certificate:
        yield "tls_client_authority: needs tls_certificate and tls_key"
    if made.tls_revoked and not made.tls_client_authority:
        yield "tls_revoked: needs tls_client_authority, without which nobody shows a certificate"
    for name in ("tls_certificate", "tls_key", "tls_client_authority"):
        if getattr(made, name) and not os.access(getattr(made, name), os.R_OK):
            yield f"{name}: {getattr(made, name)!r} cannot be read; a PEM file that this user can read is accepted"


def _of_the_record(made: Settings) -> Iterator[str]:
    for name in ("keep_evidence_days", "keep_events_days"):
        if 0 < getattr(made, name) < LEAST_RECORD_DAYS:
            accepted = f"0 for ever, or {LEAST_RECORD_DAYS} and more, is accepted"
            yield f"{name}: {getattr(made, name)} is too short for a record; {accepted}"


def _of_the_vault(made: Settings) -> Iterator[str]:
    if made.vault and made.vault == made.database:
        yield "vault: is the database itself, whose copies would hold the keys too; another one is accepted"


def _problems_of_providers(made: Settings) -> Iterator[str]:
    for one in listed(made.providers):
        name, who = bound(one)
        if not PROVIDER.fullmatch(name) or not who:
            yield f"providers: {one!r} is not accepted; PROVIDER=NAME is, of a name in a certificate"
    if made.providers and not made.tls_client_authority:
        yield "providers: needs tls_client_authority, without which nobody shows a certificate"


def _problems_of_the_witness(made: Settings) -> Iterator[str]:
    if bool(made.witness_url) != bool(made.witness_key):
        yield "witness_url, witness_key: one alone is not accepted; both are, or neither"
    if made.witness_url and not made.witness_url.startswith(("https://", "http://")):
        yield f"witness_url: {made.witness_url!r} is not accepted; https:// or http:// and a host is"
    try:
        if made.witness_key:
            Witness.from_text(made.witness_key)
    except NoteInvalid as error:
        yield f"witness_key: {error}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
