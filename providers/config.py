"""The file of settings of `remission signals run`: whom to ask, what for, and whom to listen to."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from providers.errors import ConfigInvalid

LOOPBACK = ("127.0.0.1", "::1", "localhost")

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")]
Signal = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]{0,62}\Z")]
Model = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}\Z")]
Words = Annotated[str, Meta(min_length=1, max_length=16_384)]
Unit = Annotated[str, Meta(max_length=63)]


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One expression, whose one series is one signal of one model."""

    model: Model
    signal: Signal
    expression: Words
    unit: Unit = ""  #: of what the expression gives; empty: that of the signal
    step_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 60


class Prometheus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One server that speaks Prometheus's HTTP API, and what it is asked."""

    provider: Name
    url: Words
    query: Annotated[list[Query], Meta(min_length=1, max_length=1_000)]
    token_file: str = ""
    authority: str = ""  #: PEM file of who vouches for the server; empty: those that the system trusts
    timeout_seconds: Annotated[float, Meta(ge=0.1, le=600)] = 30.0
    most_bytes: Annotated[int, Meta(ge=1_024, le=1 << 28)] = 8 << 20
    settle_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 30  #: how far behind the clock it is asked
    backfill_seconds: Annotated[int, Meta(ge=0, le=10_000_000)] = 0  #: how far back a new query begins
    partial: bool = False  #: answers that come with warnings are taken


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    state: Words = "signals-state.json"  #: remembers how far each query has come
    prometheus: list[Prometheus] = msgspec.field(default_factory=list)


def load(file: Path) -> Config:
    """Read a file of settings.

    Raises:
        ConfigInvalid: It cannot be read, or a value in it is not accepted.
    """
    try:
        return read(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigInvalid(f"{file}: cannot be read as TOML: {error}") from error
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{file}: {error}") from error


def read(told: dict[str, Any]) -> Config:
    """Check settings.

    Raises:
        ConfigInvalid: A value is not accepted.
    """
    try:
        config = msgspec.convert(told, Config)
    except msgspec.ValidationError as error:
        raise ConfigInvalid(str(error)) from error
    if not config.prometheus:
        raise ConfigInvalid("names nobody to ask; at least one [[prometheus]] is accepted")
    for i, one in enumerate(config.prometheus):
        _check_url(one, f"prometheus[{i}]")
    _check_once(config)
    return config


def _check_url(one: Prometheus, where: str) -> None:
    try:
        parts = urlsplit(one.url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigInvalid(f"{where}.url: {one.url!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise ConfigInvalid(f"{where}.url: {one.url!r} is not accepted; http:// or https:// and a host is")
    if parts.username is not None or parts.password is not None:
        raise ConfigInvalid(f"{where}.url: has credentials in it; a token_file is accepted")
    if one.token_file and parts.scheme == "http" and host not in LOOPBACK:
        raise ConfigInvalid(f"{where}.token_file: a token must not travel in clear; https:// is accepted")


def _check_once(config: Config) -> None:
    """Refuse two queries for one signal: which of them should count?"""
    seen: set[tuple[str, str, str]] = set()
    for i, source in enumerate(config.prometheus):
        for j, query in enumerate(source.query):
            key = (source.provider, query.model, query.signal)
            if key in seen:
                where = f"prometheus[{i}].query[{j}].signal"
                raise ConfigInvalid(
                    f"{where}: {query.signal!r} of {query.model!r} is asked for twice; once is accepted"
                )
            seen.add(key)
