"""Claims about who may speak as a provider."""

from __future__ import annotations

import pytest

from server.act import CERTIFICATE, Caller
from server.transport.errors import NotTheProvider
from server.transport.speakers import Speakers

SPEAKERS = Speakers({"prom": frozenset(("a.example", "b.example"))})
LOCAL = Caller(actor="local", authentication="loopback")


def taken(who: Caller, provider: str) -> bool:
    try:
        SPEAKERS.check(who, provider)
    except NotTheProvider:
        return False
    return True


def certified(name: str) -> Caller:
    return Caller(actor=f"actor_{'0' * 24}", authentication=CERTIFICATE, name=name)


@pytest.mark.parametrize(
    ("who", "provider"),
    [
        (certified("a.example"), "prom"),
        (certified("b.example"), "prom"),
        (certified("otel"), "otel"),  # bound to none: its own name is enough
        (certified("anybody"), ""),
        (LOCAL, "prom"),
    ],
)
def test_a_provider_is_spoken_for_by_its_own_and_where_nobody_shows_a_certificate(who: Caller, provider: str) -> None:
    assert taken(who, provider)


@pytest.mark.parametrize(("name", "provider"), [("c.example", "prom"), ("prom", "prom"), ("a.example", "otel")])
def test_another_certificate_is_refused_and_told_whose_would_be_taken(name: str, provider: str) -> None:
    with pytest.raises(NotTheProvider, match=f"provider: '{provider}' is not this certificate's to speak for"):
        SPEAKERS.check(certified(name), provider)
