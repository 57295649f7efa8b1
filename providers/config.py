"""The file of settings of `remission signals run`: whom to ask, what for, and whom to listen to."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from providers.errors import ConfigInvalid

LOOPBACK = ("127.0.0.1", "::1", "localhost")
LAST_PORT = 65_535

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


class Metric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stream of OpenTelemetry's is one signal of one model, and what is read of its points."""

    model: Model
    signal: Signal
    metric: Words
    resource: dict[str, str] = msgspec.field(default_factory=dict)  #: attributes that its resource has, among others
    scope: str = ""  #: name of its instrumentation; empty: any
    attributes: dict[str, str] = msgspec.field(default_factory=dict)  #: that its points have, among others
    reading: Literal["value", "rate", "difference", "mean", "quantile"] = "value"
    quantile: Annotated[float, Meta(gt=0, lt=1)] | None = None
    unit: Unit = ""  #: of what is read; empty: as the metric says


class Otlp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where OpenTelemetry's exporters may send to, and what of it is taken."""

    provider: Name
    metric: Annotated[list[Metric], Meta(min_length=1, max_length=1_000)]
    grpc: str = "127.0.0.1:4317"  #: empty: not at all
    http: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    tls_client_authority: str = ""
    most_bytes: Annotated[int, Meta(ge=1_024, le=1 << 28)] = 4 << 20


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    state: Words = "signals-state.json"  #: remembers how far each query has come
    prometheus: list[Prometheus] = msgspec.field(default_factory=list)
    otlp: Otlp | None = None


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
    if not config.prometheus and config.otlp is None:
        raise ConfigInvalid("names nobody to ask and nobody to listen to; a [[prometheus]] or an [otlp] is accepted")
    for i, one in enumerate(config.prometheus):
        _check_url(one, f"prometheus[{i}]")
    if config.otlp is not None:
        _check_otlp(config.otlp)
    _check_once(config)
    return config


def address(told: str, where: str) -> tuple[str, int]:
    """Read where to listen.

    Raises:
        ConfigInvalid: It is no host and port.
    """
    host, colon, port = told.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdigit() and int(port) <= LAST_PORT):
        raise ConfigInvalid(f"{where}: {told!r} is not accepted; HOST:PORT is")
    return host, int(port)


def _check_otlp(one: Otlp) -> None:
    told = [name for name in ("grpc", "http") if getattr(one, name)]
    if not told:
        raise ConfigInvalid("otlp: listens nowhere; grpc, http or both are accepted")
    files = [bool(each) for each in (one.tls_certificate, one.tls_key, one.tls_client_authority)]
    if any(files) and not all(files):
        raise ConfigInvalid("otlp: tls_certificate, tls_key and tls_client_authority are accepted together, or none")
    for name in told:
        host, _ = address(getattr(one, name), f"otlp.{name}")
        if host not in LOOPBACK and not all(files):
            raise ConfigInvalid(f"otlp.{name}: {host!r} is not this machine's alone; with all of tls_… it is accepted")
    for i, rule in enumerate(one.metric):
        if (rule.reading == "quantile") != (rule.quantile is not None):
            raise ConfigInvalid(f"otlp.metric[{i}].quantile: goes with reading = 'quantile', and only with that")


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
    for i, rule in enumerate(config.otlp.metric if config.otlp else ()):
        key = (config.otlp.provider if config.otlp else "", rule.model, rule.signal)
        if key in seen:
            told = f"{rule.signal!r} of {rule.model!r} is measured twice; once is accepted"
            raise ConfigInvalid(f"otlp.metric[{i}].signal: {told}")
        seen.add(key)
