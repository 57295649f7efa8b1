"""Whatever bytes come in, a server answers with a status of its own, and goes on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from remission import Client

from tests.fixtures.contract import Call, answered, made_up
from tests.fixtures.listeners import in_memory
from tests.integration.server.life import QUIET, Life

SURPRISES = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
MADE_UP, SEED = 60, 5
SOON_SECONDS = 0.5  #: what waits by nature waits no longer
AT_ONCE = 10  #: calls that only wait, and change nothing


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """A server with one model, whose remedy is being trained."""
    with in_memory() as address:
        with Client(address) as client:
            life = Life(client, QUIET)
            life.decline()
            life.lease("w")
        yield address


@pytest.fixture(scope="module")
def channel(target: str) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(target) as made:
        yield made


@pytest.fixture(autouse=True)
def _the_server_goes_on(target: str) -> Iterator[None]:
    yield
    with Client(target) as client:
        assert client.audit.verify("m").replay_equal


@pytest.mark.parametrize("call", answered(), ids=str)
@settings(max_examples=15)
@given(parts=st.lists(st.binary(max_size=200), min_size=1, max_size=3))
def test_bytes_that_are_no_message_are_refused(channel: grpc.Channel, call: Call, parts: list[bytes]) -> None:
    assert call.send(channel, *parts, timeout=SOON_SECONDS) not in SURPRISES


@pytest.mark.parametrize("call", answered(), ids=str)
def test_a_message_that_is_cut_off_is_an_invalid_argument(channel: grpc.Channel, call: Call) -> None:
    assert call.send(channel, b"\x0a\x7fcut off") == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("call", answered(), ids=str)
def test_messages_made_up_of_nonsense_never_surprise_the_server(channel: grpc.Channel, call: Call) -> None:
    chance = random.Random(SEED)  # noqa: S311 - nonsense, no secrets
    made = [[made_up(call.method.input_type, chance) for _ in range(chance.randrange(1, 3))] for _ in range(MADE_UP)]

    def status(parts: list[Message]) -> grpc.StatusCode:
        return call.send(channel, *[part.SerializeToString() for part in parts], timeout=SOON_SECONDS)

    waits = call.method.server_streaming and not call.method.client_streaming
    with ThreadPoolExecutor(AT_ONCE if waits else 1) as callers:
        for parts, answer in zip(made, callers.map(status, made), strict=True):
            assert answer not in SURPRISES, parts
