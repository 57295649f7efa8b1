"""Settings of providers are checked whole, and what is not accepted is named by its path."""

from __future__ import annotations

from typing import Any

import pytest

from providers.config import read
from providers.errors import ConfigInvalid

CLEAR: dict[str, Any] = {"token_file": "t"}


def told(query: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    asked = {"model": "m", "signal": "rate", "expression": "up", **(query or {})}
    return {"prometheus": [{"provider": "prom", "url": "https://prom:9090", "query": [asked], **changes}]}


def test_what_is_not_said_has_defaults() -> None:
    (source,) = read(told()).prometheus

    assert (source.query[0].step_seconds, source.settle_seconds, source.partial) == (60, 30, False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9090", "https://[::1]:9090/prometheus", "https://prom.example/a/b/"])
def test_an_address_may_have_a_path_before_that_of_the_api(url: str) -> None:
    assert read(told(url=url)).prometheus[0].url == url


def otlp(rule: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    asked = {"model": "m", "signal": "rate", "metric": "x", **(rule or {})}
    return {"otlp": {"provider": "otel", "metric": [asked], **changes}}


def test_exporters_are_listened_to_on_the_loopback_unless_told_otherwise() -> None:
    found = read(otlp()).otlp

    assert found is not None
    assert (found.grpc, found.http) == ("127.0.0.1:4317", "")


TLS: dict[str, Any] = {"tls_certificate": "c", "tls_key": "k", "tls_client_authority": "a"}


def test_elsewhere_is_listened_to_with_tls() -> None:
    assert read(otlp(grpc="0.0.0.0:4317", http="[::]:4318", **TLS)).otlp is not None


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        (otlp(grpc=""), "otlp: listens nowhere"),
        (otlp(grpc="0.0.0.0:4317"), "otlp.grpc: '0.0.0.0' is not this machine's alone"),
        (otlp(http="example.org:4318"), "otlp.http: 'example.org'"),
        (otlp(grpc="127.0.0.1"), "otlp.grpc: '127.0.0.1' is not accepted; HOST:PORT is"),
        (otlp(grpc="127.0.0.1:99999"), "otlp.grpc"),
        (otlp(grpc="127.0.0.1:-1"), "otlp.grpc"),
        (otlp(grpc=":4317"), "otlp.grpc"),
        (otlp(tls_key="k"), "tls_certificate, tls_key and tls_client_authority"),
        (otlp({"reading": "quantile"}), "otlp.metric[0].quantile"),
        (otlp({"quantile": 0.5}), "otlp.metric[0].quantile"),
        (otlp({"reading": "quantile", "quantile": 1.0}), "$.otlp.metric[0].quantile"),
        (otlp({"reading": "median"}), "$.otlp.metric[0].reading"),
        (otlp({"resource": {"a": 1}}), "$.otlp.metric[0].resource"),
        (otlp(metric=[]), "$.otlp.metric"),
        (otlp(metric=otlp()["otlp"]["metric"] * 2), "otlp.metric[1].signal: 'rate' of 'm' is measured twice"),
        (otlp(provider="prom") | told(), "otlp.metric[0].signal: 'rate' of 'm' is measured twice"),
    ],
)
def test_what_is_not_accepted_of_exporters_is_named(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(settings)

    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({}, "names nobody"),
        ({"prometeus": []}, "prometeus"),
        (told(url="ftp://prom"), "prometheus[0].url"),
        (told(url="file:///etc/passwd"), "prometheus[0].url"),
        (told(url="https://"), "prometheus[0].url"),
        (told(url="https://prom:99999"), "prometheus[0].url"),
        (told(url="https://prom?x=1"), "prometheus[0].url"),
        (told(url="https://ann:secret@prom"), "token_file is"),
        (told(url="http://prom", **CLEAR), "prometheus[0].token_file"),
        (told(provider="a b"), "$.prometheus[0].provider"),
        (told(query={"signal": "Rate"}), "$.prometheus[0].query[0].signal"),
        (told(query={"signal": "rate\n"}), "$.prometheus[0].query[0].signal"),
        (told(query={"step_seconds": 0}), "$.prometheus[0].query[0].step_seconds"),
        (told(query={"step_seconds": "60"}), "$.prometheus[0].query[0].step_seconds"),
        (told(query={"step": 60}), "unknown field `step`"),
        (told(query={"expression": ""}), "$.prometheus[0].query[0].expression"),
        (told(most_bytes=1), "$.prometheus[0].most_bytes"),
        (told(timeout_seconds=0), "$.prometheus[0].timeout_seconds"),
        ({"prometheus": told()["prometheus"] * 2}, "prometheus[1].query[0].signal: 'rate' of 'm' is asked for twice"),
    ],
)
def test_what_is_not_accepted_is_named(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(settings)

    assert where in str(caught.value)
