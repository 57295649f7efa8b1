"""Claims about interrupts: none is lost, and none is felt where they are ignored."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

import pytest

from cli.interrupts import interruptible


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["felt", "ignored"])
def felt(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Say whether interrupts are felt, and see to it."""
    before = signal.signal(signal.SIGINT, request.param)
    yield request.param != signal.SIG_IGN
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_was_swallowed_is_raised_again(*, felt: bool) -> None:
    swallowed = False
    with interruptible() as again:
        with contextlib.suppress(KeyboardInterrupt):  # as Python does where nobody could catch it
            os.kill(os.getpid(), signal.SIGINT)
        try:
            again()
        except KeyboardInterrupt:
            swallowed = True

    assert swallowed == felt


def test_without_an_interrupt_nothing_is_raised_and_the_old_handler_is_back(*, felt: bool) -> None:
    before = signal.getsignal(signal.SIGINT)

    with interruptible() as again:
        again()

    assert signal.getsignal(signal.SIGINT) == before
    assert felt == (before != signal.SIG_IGN)
