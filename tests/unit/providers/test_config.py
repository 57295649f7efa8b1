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
