"""Settings: typed, from a TOML file and the environment, refused when they make no sense."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

PREFIX = "REMISSION_"
LOOPBACK_NAMES = ("localhost",)


class SettingsInvalid(ValueError):
    """A setting cannot be taken as it is."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a server runs. Every field can be set in the file, or as REMISSION_<FIELD> in the environment."""

    host: str = "127.0.0.1"
    port: int = 50_061  #: 0 takes a free one, and says which
    database: str = "sqlite:///remission.db"
    artifacts: str = "remission-artifacts"  #: a folder, or a URL that fsspec knows
    clock: Literal["system", "stream"] = "system"
    tls_certificate: str = ""
    tls_key: str = ""
    tls_client_authority: str = ""  #: certificates of clients are checked against it
    message_bytes: int = 64 << 20
    calls: int = 256  #: calls that are worked on at once
    timer_seconds: float = 1.0  #: between two looks at timers and leases
    drain_seconds: float = 10.0
    logs: Literal["console", "json"] = "console"


def load(path: Path | None, environment: Mapping[str, str] = os.environ, **given: Any) -> Settings:  # noqa: ANN401 - fields
    """Read settings: *given* before the environment before the file before the defaults.

    Raises:
        SettingsInvalid: A key is unknown, a value is of the wrong type, or the whole is unsafe.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values.update(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise SettingsInvalid(f"{path}: cannot be read: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsInvalid(f"{path}: is no TOML: {error}") from error
    known = set(Settings.__struct_fields__)
    for name, value in environment.items():
        if name.startswith(PREFIX):
            field = name.removeprefix(PREFIX).lower()
            if field not in known:
                raise SettingsInvalid(
                    f"{name}: is unknown; known are {', '.join(PREFIX + one.upper() for one in sorted(known))}"
                )
            values[field] = value
    values.update({name: value for name, value in given.items() if value is not None})
    try:
        made = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"{error}; known fields are {', '.join(sorted(known))}") from error
    return _checked(made)


def _checked(made: Settings) -> Settings:
    for field, low, high in (
        ("port", 0, 65_535), ("message_bytes", 1 << 20, 1 << 30), ("calls", 1, 100_000),
        ("timer_seconds", 0.01, 3_600), ("drain_seconds", 0, 3_600),
    ):  # fmt: skip
        if not low <= getattr(made, field) <= high:
            raise SettingsInvalid(f"{field}: {getattr(made, field)} is not accepted; {low} to {high} is")
    if bool(made.tls_certificate) != bool(made.tls_key):
        raise SettingsInvalid("tls_certificate, tls_key: one alone is not accepted; both are, or neither")
    if made.tls_client_authority and not made.tls_certificate:
        raise SettingsInvalid("tls_client_authority: needs tls_certificate and tls_key")
    if not _is_loopback(made.host) and not made.tls_client_authority:
        raise SettingsInvalid(
            f"host: {made.host!r} can be reached from other machines; accepted with tls_certificate, tls_key and "
            "tls_client_authority, or on a loopback address such as 127.0.0.1"
        )
    return made


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES
